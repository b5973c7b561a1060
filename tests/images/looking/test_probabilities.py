"""P(yes) by log-probabilities: which token an answer begins with, and how sure it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.images.looking._probabilities import answer_tokens, p_drawn, p_yes
from loopwright.models import TokenLogprobs


def token(text: str, top: Mapping[str, float] | None = None) -> TokenLogprobs:
    """A token, with probabilities in place of log-probabilities."""
    return TokenLogprobs(token=text, top={other: math.log(p) for other, p in (top or {text: 1.0}).items()})


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ({"yes": 0.9, "no": 0.1}, 0.9),
        ({"yes": 0.5, "Yes": 0.2, "no": 0.2, "unknown": 0.1}, 0.7 / 0.9),
        ({' "yes': 0.6, ' "no': 0.2}, 0.75),
        ({"y": 0.3, "n": 0.6}, 1 / 3),
        ({"true": 0.8, "false": 0.2}, 0.8),
        ({"unknown": 0.9, "yes": 0.1}, None),
        ({'"': 1.0}, None),
        ({}, None),
    ],
)
def test_yes_is_weighed_against_no(top: dict[str, float], expected: float | None) -> None:
    found = p_yes(TokenLogprobs(token="yes", top={name: math.log(p) for name, p in top.items()}))
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_token_that_was_drawn_has_its_own_probability() -> None:
    assert p_drawn(token("3", {"3": 0.7, "4": 0.3})) == pytest.approx(0.7)
    assert p_drawn(TokenLogprobs(token="3", top={})) is None


@given(
    st.lists(st.tuples(st.sampled_from(["yes", "no", "unknown"]), st.text(max_size=6)), min_size=1, max_size=4),
    st.integers(1, 5),
    st.sampled_from([None, 1]),
)
def test_each_answer_is_found_however_the_reply_is_cut_into_tokens(
    answers: list[tuple[str, str]], size: int, indent: int | None
) -> None:
    rows = [{"id": seen, "answer": value, "seen": seen} for value, seen in answers]
    text = "<think>answer</think>" + json.dumps({"answers": rows}, indent=indent)
    tokens = [token(piece) for piece in re.findall(rf"(?s).{{1,{size}}}", text)]
    found = answer_tokens(tokens, len(answers))
    for (value, _), one in zip(answers, found, strict=True):
        assert one is not None
        assert value[0] in one.token


def test_where_the_answers_cannot_be_told_apart_none_has_a_token() -> None:
    said = [token('{"answer": "yes"}')]
    assert answer_tokens(said, 2) == [None, None]
    assert answer_tokens([], 1) == [None]
    assert answer_tokens([], 0) == []
