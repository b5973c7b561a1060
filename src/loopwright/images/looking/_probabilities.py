"""How sure a vision model is of its answers, by the log-probabilities of their first tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate

from loopwright.models import TokenLogprobs

LIKELY = 0.5
"""Least probability of "yes" and "no" together with which they say anything."""
_VALUE = re.compile(r'"answer"\s*:\s*"?')


def answer_tokens(tokens: Sequence[TokenLogprobs], answers: int) -> Sequence[TokenLogprobs | None]:
    """The token with which each of the last answers in a reply begins; None for all where their number is another.

    Args:
        tokens: Of the whole reply, which holds JSON with answers.
        answers: How many there are in the JSON.
    """
    text = "".join(one.token for one in tokens)
    starts = [found.end() for found in _VALUE.finditer(text)][-answers:]
    if len(starts) != answers:
        return [None] * answers
    ends = list(accumulate(len(one.token) for one in tokens))
    return [next((one for one, end in zip(tokens, ends, strict=True) if end > start), None) for start in starts]


def p_yes(token: TokenLogprobs) -> float | None:
    """The probability of "yes" against "no"; None where both are unlikely."""
    yes, no = (_mass(token.top, words) for words in (("yes", "true"), ("no", "false")))
    return yes / (yes + no) if yes + no >= LIKELY else None


def p_drawn(token: TokenLogprobs) -> float | None:
    """The probability of the token that was drawn; None where it is not told."""
    logprob = token.top.get(token.token)
    return None if logprob is None else math.exp(logprob)


def _mass(top: Mapping[str, float], words: tuple[str, ...]) -> float:
    """The probability of tokens that begin one of some words, whatever stands around them."""
    begun = {token: re.sub(r"[\W_]", "", token).lower() for token in top}
    return sum(
        math.exp(logprob)
        for token, logprob in top.items()
        if begun[token] and any(word.startswith(begun[token]) for word in words)
    )
