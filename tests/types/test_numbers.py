from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loopwright.types import PlainNumbers


class _Numbers(PlainNumbers):
    whole: int = 0
    number: float | None = None
    both: int | bool = 0
    several: tuple[int, ...] = ()
    by_name: Mapping[str, float] = {}
    anything: Any = None


@given(
    st.integers() | st.integers(-(10**101), 10**101) | st.booleans(),
    st.sampled_from(["whole", "number", "several", "by_name"]),
)
def test_only_plain_numbers_are_numbers(number: int, field: str) -> None:
    inside: dict[str, Any] = {"several": [number], "by_name": {"a": number}}
    plain = not isinstance(number, bool) and abs(number) < 10**100
    try:
        _Numbers.model_validate({field: inside.get(field, number)})
    except ValidationError:
        assert not plain
    else:
        assert plain


@given(st.floats())
def test_a_number_with_a_fraction_is_finite_and_bounded(number: float) -> None:
    try:
        _Numbers.model_validate({"number": number})
    except ValidationError:
        assert not abs(number) < 10**100
    else:
        assert abs(number) < 10**100


def test_truth_stays_truth_where_a_field_takes_it() -> None:
    made = _Numbers.model_validate({"both": True, "anything": [True, 10**300]})
    assert made.both is True
