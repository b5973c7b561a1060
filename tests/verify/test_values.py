"""The encoding: what goes in comes out, and nothing that is not an encoding does harm."""

from __future__ import annotations

import math
import os
import pickle
from collections import OrderedDict, deque
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopwright.verify._guest.conversation.values import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    Decoder,
    Malformed,
    Memo,
    TooLarge,
    encode,
    pack,
    unpack,
)

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=8)
    | st.binary(max_size=8)
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids(),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
plain = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(deque)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4).map(OrderedDict)
        | st.sets(hashable, max_size=4)
        | st.binary(max_size=4).map(bytearray)
        | st.tuples(inner, inner)
    ),
    max_leaves=16,
)


def _types(value: Any) -> Any:
    """The types all through a value, sets left out: they have no order."""
    if isinstance(value, dict):
        return (type(value), [(_types(key), _types(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple, deque)):
        return (type(value), [_types(item) for item in value])
    return type(value)


@settings(deadline=None)
@given(plain)
def test_round_trip(value: Any) -> None:
    result = unpack(pack(value))
    assert result == value
    assert _types(result) == _types(value)


@settings(deadline=None)
@given(st.floats())
def test_floats_keep_their_bits(value: float) -> None:
    result = unpack(pack(value))
    assert math.copysign(1, result) == math.copysign(1, value)
    assert result == value or (math.isnan(result) and math.isnan(value))


def test_shared_and_cyclic_containers_keep_their_shape() -> None:
    row: list[Any] = [0]
    grid = [row, row, (row, {"row": row})]
    grid.append(grid)
    result = unpack(pack(grid))
    assert result[0] is result[1] is result[2][0] is result[2][1]["row"]
    assert result[3] is result
    result[0].append(1)
    assert result[1] == [0, 1]


@settings(deadline=None)
@given(st.binary(max_size=64))
@example(b"l\xff\xff\xff\xff")
@example(b"l\x00\x00\x00\x01" * 2000)
@example(b"m\x00\x00\x00\x05")
@example(b"t\x00\x00\x00\x01" * 3 + b"q\x00\x00\x00\x00\xff\xff\xff\xff")
@example(b"S\x00\x00\x00\x01l\x00\x00\x00\x00")
@example(b"d\x00\x00\x00\x01N")
@example(b"x\x0fdecimal.Decimals\x00\x00\x00\x01x")
@example(b"x\x0bbuiltins.ids\x00\x00\x00\x01x")
@example(b"x\x0ddatetime.datet\x00\x00\x00\x00")
@example(b"i\x00")
@example(b"")
@example(pickle.dumps(os.system))
def test_malformed_bytes_are_refused(data: bytes) -> None:
    try:
        value = unpack(data)
    except Malformed:
        return
    # Bytes tell not-a-numbers apart from nothing and from each other; equality does not.
    assert pack(unpack(pack(value))) == pack(value)


@settings(deadline=None)
@given(plain, st.data())
def test_damaged_bytes_are_refused_or_another_value(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(pack(value))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(encoded)))
    for damaged in (bytes(encoded), bytes(encoded[:cut])):
        try:
            unpack(damaged)
        except Malformed:
            continue


def test_depth_is_bounded() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert unpack(pack(deep)) == deep
    for _ in range(3):
        deep = [deep]
    with pytest.raises(Malformed, match="nested deeper"):
        unpack(pack(deep))


def test_size_is_bounded_on_both_sides() -> None:
    with pytest.raises(TooLarge, match="values"):
        pack([None] * (MAX_VALUES + 1))
    with pytest.raises(TooLarge, match="MiB"):
        pack("x" * (MAX_BYTES + 1))
    count = MAX_VALUES + 1
    with pytest.raises(Malformed, match="values"):
        unpack(b"t" + count.to_bytes(4, "big") + b"N" * count)


def test_what_is_not_plain_is_left_to_the_caller() -> None:
    class Thing:
        pass

    thing = Thing()
    data = encode([thing, Decimal(1)], Memo(), lambda value: ("thing", id(value)), lambda _: None)
    loaded: list[tuple[str, Any]] = []

    def load(name: str, state: Any) -> str:
        loaded.append((name, state))
        return "loaded"

    assert Decoder(data, Memo(), load).value() == ["loaded", Decimal(1)]
    assert loaded == [("thing", id(thing))]
    with pytest.raises(TypeError):
        pack(thing)
