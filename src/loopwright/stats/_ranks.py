"""Rank correlation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import correlation


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rho of paired values, in [-1, 1]; ties get the average of their ranks.

    Raises:
        ValueError: Not one value of b for each of a, fewer than two pairs, or all values of one side are equal.
    """
    if len(a) != len(b):
        raise ValueError(f"need as many values on both sides, got {len(a)} and {len(b)}")
    if len(set(a)) < 2 or len(set(b)) < 2:
        raise ValueError("a side whose values are all equal has no ranks to compare")
    return max(-1.0, min(1.0, correlation(average_ranks(a), average_ranks(b))))


def average_ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the average of the ranks that they take up."""
    ranks = [0.0] * len(values)
    order = sorted(range(len(values)), key=values.__getitem__)
    before = 0
    for _, tied in groupby(order, key=values.__getitem__):
        indices = list(tied)
        for index in indices:
            ranks[index] = before + (len(indices) + 1) / 2
        before += len(indices)
    return ranks
