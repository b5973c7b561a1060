"""The expected value of an answer, where a server tells what else the model could have said."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import accumulate

from loopwright.geo._answers import Scale
from loopwright.models import TokenLogprobs

ALTERNATIVES = 10
"""Likely tokens that are asked for."""
LIKELY = 0.5
"""Least probability of numbers on the scale together with which they say anything."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_WHOLE = re.compile(r"\W*(\d+(?:[.,]\d+)?)\W*")


def expected_value(tokens: Sequence[TokenLogprobs], answer: float, scale: Scale) -> float:
    """The mean of the numbers that the model could have written for the whole part of its answer, by probability.

    The decimals stay those of the answer. The answer itself where its tokens are not found, where a token holds only
    some digits of the whole part, or where numbers are unlikely.

    Args:
        tokens: Of the whole reply.
        answer: What was read out of it.
        scale: Numbers that count.
    """
    text = "".join(one.token for one in tokens)
    starts = [found.start() for found in _NUMBER.finditer(text) if float(found[0].replace(",", ".")) == answer]
    ends = list(accumulate(len(one.token) for one in tokens))
    at = next((number for number, end in enumerate(ends) if starts and end > starts[-1]), None)
    if at is None or not (drawn := _WHOLE.fullmatch(tokens[at].token)) or _goes_on(tokens[at + 1 :]):
        return answer
    rest = answer - float(drawn[1].replace(",", "."))
    likely = [(_value(token), math.exp(logprob)) for token, logprob in tokens[at].top.items()]
    known = [(value + rest, p) for value, p in likely if value is not None and value <= scale.high]
    total = sum(p for _, p in known)
    if total < LIKELY:
        return answer
    return min(max(sum(value * p for value, p in known) / total, scale.low), scale.high)


def _goes_on(after: Sequence[TokenLogprobs]) -> bool:
    return bool(after) and after[0].token[:1].isdigit()


def _value(token: str) -> float | None:
    found = _WHOLE.fullmatch(token)
    return float(found[1].replace(",", ".")) if found else None
