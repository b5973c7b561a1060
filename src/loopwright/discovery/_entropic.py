"""Entropic weights: which of the candidates found so far are worth showing."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

_SHARPEST = 1e6
_HALVINGS = 60


def entropic_weights(rewards: Sequence[float]) -> Sequence[float]:
    """Weights in proportion to exp(b * reward), which sum to one.

    b is such that the weights are ln 2 away from equal ones (Kullback-Leibler), or as near to that as can be: roughly
    the better half gets the weight, whatever the scale of the rewards is (TTT-Discover, arXiv 2601.16175).
    """
    if not rewards:
        return []
    top = max(rewards)
    spread = (top - min(rewards)) or 1.0
    scaled = [(reward - top) / spread for reward in rewards]
    low, high = 0.0, _SHARPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _away(scaled, middle) < math.log(2) else (low, middle)
    return _weights(scaled, low)


def _weights(scaled: Sequence[float], sharp: float) -> list[float]:
    raw = [math.exp(sharp * one) for one in scaled]
    total = sum(raw)
    return [one / total for one in raw]


def _away(scaled: Sequence[float], sharp: float) -> float:
    """How far weights are from equal ones: of weights in proportion to exp(sharp * s), without a logarithm for each."""
    raw = [math.exp(sharp * one) for one in scaled]
    total = sum(raw)
    return sharp * math.fsum(map(operator.mul, raw, scaled)) / total - math.log(total / len(raw))
