"""Expected values from log-probabilities."""

from __future__ import annotations

import math

import pytest

from loopwright.geo import Scale, expected_value
from loopwright.models import TokenLogprobs

SCALE = Scale(0.0, 9.9)


def said(*tokens: str, at: int, **top: float) -> list[TokenLogprobs]:
    """A reply in tokens, one of which could have been others."""
    likely = {token.replace("_", " ").replace("n", ""): math.log(p) for token, p in top.items()}
    return [
        TokenLogprobs(token=token, top=likely if number == at else {token: 0.0}) for number, token in enumerate(tokens)
    ]


@pytest.mark.parametrize(
    ("tokens", "answer", "value"),
    [
        (said("My answer is ", "4", ".", "5", at=1, n4=0.6, n6=0.3, My=0.1), 4.5, 4.5 + 2 / 3),
        (said("My answer is", " 4", ".5", at=1, _4=0.5, _2=0.5), 4.5, 3.5),
        (said("4", at=0, n4=0.5, n5=0.5), 4.0, 4.5),
        (said("within ", "4", " km: ", "4", at=3, n4=0.5, n2=0.5), 4.0, 3.0),
        (said("9", ".9", at=0, n9=0.5, n12=0.4, n8=0.1), 9.9, 9.9 - 1 / 6),
        (said("4", at=0, n4=0.3, well=0.7), 4.0, 4.0),
        (said("1", "2", at=0, n1=0.5, n3=0.5), 12.0, 12.0),
        (said("four", at=0, four=1.0), 4.0, 4.0),
        ([], 4.0, 4.0),
    ],
)
def test_expected_values(tokens: list[TokenLogprobs], answer: float, value: float) -> None:
    assert expected_value(tokens, answer, SCALE) == pytest.approx(value)
