from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import StoreError
from loopwright.store import SCHEMA_VERSION, read_run
from loopwright.store._codec import encode
from loopwright.store._migrate import STEPS, migrate
from tests.store.support import new_run


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    return {"seq": body["seq"], "new": body["old"]}


def doubled(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"new": body["new"] * 2}


def test_steps_are_taken_in_order_from_the_lines_version() -> None:
    steps = {1: renamed, 2: doubled}
    assert migrate({"v": 1, "seq": 0, "old": 3}, steps=steps, version=3) == {"seq": 0, "new": 6}
    assert migrate({"v": 2, "seq": 0, "new": 3}, steps=steps, version=3) == {"seq": 0, "new": 6}
    assert migrate({"v": 3, "seq": 0, "new": 3}, steps=steps, version=3) == {"seq": 0, "new": 3}


def test_every_version_has_its_step() -> None:
    assert set(STEPS) == set(range(1, SCHEMA_VERSION))


def test_a_version_without_a_step_is_refused(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    (tmp_path / "run" / "events.jsonl").write_bytes(encode({"v": 0, "seq": 0, "time": "", "data": {}}, "r1"))
    with pytest.raises(StoreError, match="schema version 0, which cannot be brought to 1"):
        list(read_run(tmp_path / "run").events)


def test_a_line_that_does_not_fit_the_schema_is_named(tmp_path: Path) -> None:
    new_run(tmp_path / "run").close()
    line = encode({"v": 1, "seq": 0, "time": "", "data": {"type": "telepathy"}}, "r1")
    (tmp_path / "run" / "events.jsonl").write_bytes(line)
    with pytest.raises(StoreError, match="event 0 does not fit the schema"):
        list(read_run(tmp_path / "run").events)
