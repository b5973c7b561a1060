"""Caps: what files may say, and how amounts are shown."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from loopwright.task import MAY_BE_ZERO, BudgetOptions, CapOptions, Caps, task_schema


@pytest.mark.parametrize("name", Caps.model_fields)
def test_a_cap_of_zero_lets_nothing_be_done_but_what_is_free(name: str) -> None:
    for options in (CapOptions, BudgetOptions):
        if name in MAY_BE_ZERO:
            assert getattr(options.model_validate({name: 0}), name) == 0
            continue
        with pytest.raises(ValidationError, match="Input should be greater than 0"):
            options.model_validate({name: 0})
    with pytest.raises(ValidationError):
        CapOptions.model_validate({name: -1})
    assert getattr(Caps.model_validate({name: 0}), name) == 0


@pytest.mark.parametrize("section", ["BudgetOptions", "CapOptions"])
def test_the_schema_says_which_caps_may_be_zero(section: str) -> None:
    properties = task_schema()["$defs"][section]["properties"]
    told = {name: json.dumps(properties[name]) for name in Caps.model_fields}
    zero = tuple(name for name, text in told.items() if '"minimum": 0' in text)
    above = {name for name, text in told.items() if '"exclusiveMinimum": 0' in text}
    assert (zero, above) == (MAY_BE_ZERO, Caps.model_fields.keys() - set(MAY_BE_ZERO))


def test_what_is_left_is_shown_in_one_line() -> None:
    assert Caps(model_calls=3, usd=0.25, seconds=9.6).shown() == "3 calls, 0.2500 USD, 10 s"
    assert Caps().shown() == ""


def test_each_cap_has_an_option_of_its_own() -> None:
    options = [text.option for text in Caps.texts().values()]
    assert list(Caps.texts()) == list(Caps.model_fields)
    assert len(set(options)) == len(options)
