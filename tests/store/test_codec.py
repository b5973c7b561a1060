from __future__ import annotations

import json
import math
import os
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from loopwright import secrets
from loopwright.errors import StoreError
from loopwright.store import read_run
from loopwright.store._codec import BadLine, decode, encode, plain

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(st.text(), json_values, max_size=4).map(lambda body: {**body, "v": 1, "seq": 0})
file_names = st.binary().map(os.fsdecode)


@given(bodies)
def test_a_line_comes_back_as_it_was(body: dict[str, Any]) -> None:
    line = encode(body, "run")
    assert line.count(b"\n") == 1
    assert decode(line[:-1], "run") == body
    assert json.loads(line).keys() == body.keys() | {"crc"}


@given(file_names)
def test_names_that_are_not_utf8_come_back_too(name: str) -> None:
    body = {"v": 1, "seq": 0, "name": name}
    assert decode(encode(body, "run")[:-1], "run") == body


@settings(deadline=None)
@given(st.recursive(file_names, lambda inner: st.lists(inner) | st.dictionaries(file_names, inner), max_leaves=8))
def test_what_is_recorded_is_text_that_any_program_reads(value: Any) -> None:
    recorded = plain(value)
    assert plain(recorded) == recorded
    assert from_json(json.dumps(recorded, ensure_ascii=False).encode()) == recorded


def test_half_a_character_is_recorded_as_its_escape() -> None:
    assert plain({"d\udce9j": ["\ud83d", "\U0001f600"]}) == {"d\\udce9j": ["\\ud83d", "\U0001f600"]}


@given(bodies, st.data())
def test_a_flipped_bit_is_found(body: dict[str, Any], data: st.DataObject) -> None:
    line = bytearray(encode(body, "run")[:-1])
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadLine):
        decode(bytes(line), "run")


@given(bodies, st.data())
def test_a_cut_line_is_found(body: dict[str, Any], data: st.DataObject) -> None:
    line = encode(body, "run")[:-1]
    with pytest.raises(BadLine):
        decode(line[: data.draw(st.integers(0, len(line) - 1))], "run")


@given(st.binary())
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(BadLine):
        decode(line, "run")


def test_a_line_of_another_run_is_refused() -> None:
    with pytest.raises(BadLine, match="checksum"):
        decode(encode({"v": 1, "seq": 0}, "run-a")[:-1], "run-b")


@given(json_values)
def test_plain_values_are_json_and_stay_as_they_are(value: Any) -> None:
    assert plain(value) == value
    assert plain(plain(value)) == plain(value)


def test_plain_values_hold_what_json_cannot() -> None:
    value = plain({"cost": Decimal("0.10"), "pair": (1, 2), "inf": math.inf, "ninf": -math.inf, "nan": math.nan})
    assert value == {"cost": "0.10", "pair": [1, 2], "inf": "Infinity", "ninf": "-Infinity", "nan": "NaN"}


@pytest.mark.usefixtures("secret_registry")
def test_secrets_leave_values_and_keys() -> None:
    secrets.register("canary-5f1c2d")
    value = plain({"header canary-5f1c2d": ["Bearer canary-5f1c2d"]})
    assert value == {f"header {secrets.MASK}": [f"Bearer {secrets.MASK}"]}


@pytest.fixture
def _few_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.files._FREE", 100)
    monkeypatch.setattr("loopwright.files.MOST_CONTAINERS", 200)


@pytest.mark.usefixtures("_few_lists")
def test_a_line_of_very_many_values_is_not_parsed() -> None:
    head = b'{"v":2,"seq":0,"y":[' + b"[]," * 200 + b"0]}"
    line = head[:-1] + b',"crc":"%08x"}' % zlib.crc32(head[:-1], zlib.crc32(b"r"))
    with pytest.raises(BadLine, match="more than 200 lists"):
        decode(line, "r")


@pytest.mark.usefixtures("_few_lists")
def test_a_manifest_of_very_many_values_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b'{"id":"r","config":{"x":[' + b"[]," * 200 + b"0]}}")
    with pytest.raises(StoreError, match="more than 200 lists"):
        read_run(tmp_path)
