"""InterCode's comparison of rows: overlap of multisets, and Kendall's tau of their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import nan, sqrt
from typing import Any

Rows = Sequence[tuple[Any, ...]]


def intersection_over_union(agent: Rows, gold: Rows) -> float:
    """Of the rows as texts, counted as often as they come; 1 where both are empty."""
    ours, theirs = Counter(map(str, agent)), Counter(map(str, gold))
    union = (ours | theirs).total()
    return (ours & theirs).total() / union if union else 1.0


def row_order(agent: Rows, gold: Rows) -> float:
    """Kendall's tau of the rows that both have, in each side's order; nan where it is not defined."""
    ours, theirs = [str(row) for row in agent], [str(row) for row in gold]
    common = Counter(ours) & Counter(theirs)
    if not common:
        return nan
    left, right = _kept(ours, common), _kept(theirs, common)
    return kendall_tau(left, right)


def _kept(texts: Sequence[str], common: Counter[str]) -> list[str]:
    left = Counter(common)
    kept = []
    for text in texts:
        if left[text]:
            left[text] -= 1
            kept.append(text)
    return kept


def kendall_tau(x: Sequence[str], y: Sequence[str]) -> float:
    """Kendall's tau-b of two sequences of texts, ranked by alphabet; nan where one of them is constant.

    Knight's (1966) algorithm: sort by x, then count the exchanges that sort y.
    """
    n = len(x)
    pairs = sorted(zip(x, y, strict=True))
    total = n * (n - 1) // 2
    ties_x, ties_y, ties_both = _ties(x), _ties(y), _ties(pairs)
    if total in (ties_x, ties_y):
        return nan
    discordant = _exchanges([second for _, second in pairs])[1]
    concordant = total - ties_x - ties_y + ties_both - discordant
    tau = (concordant - discordant) / sqrt(total - ties_x) / sqrt(total - ties_y)
    return min(1.0, max(-1.0, tau))


def _ties(values: Sequence[Hashable]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(values).values())


def _exchanges(values: list[str]) -> tuple[list[str], int]:
    """The values sorted, and how many pairs of different values stood the wrong way round."""
    if len(values) < 2:
        return values, 0
    middle = len(values) // 2
    (left, a), (right, b) = _exchanges(values[:middle]), _exchanges(values[middle:])
    merged, count, i, j = [], a + b, 0, 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            count += len(left) - i
            merged.append(right[j])
            j += 1
        else:
            merged.append(left[i])
            i += 1
    return merged + left[i:] + right[j:], count
