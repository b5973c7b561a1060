"""Scores of a query: the published reward of rows, and whether they are what the query asks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from decimal import Decimal
from math import isnan, nan, sqrt
from typing import Any

from loopwright.environments._scores import Scores

Rows = Sequence[tuple[Any, ...]]


def score_rows(agent: Rows | None, gold: Rows | None, query: str, *, gold_failed: bool = False) -> Scores:
    """Scores an agent's rows against the gold's.

    `intercode` is the multiset intersection over union of the rows as texts, times Kendall's tau of the common rows
    by the rank of their texts, rounded to two decimals; without the tau where it is not defined. It is 0 where either
    side has no rows at all, such as after an error, and 1 where both are empty.

    `exact` is 1 where the rows are the same: as a list where the query orders, else as a multiset. Numbers are
    compared by value, column names not at all.

    Args:
        agent: The agent's rows; None where there are none, such as after an error.
        gold: The gold's rows.
        query: The gold query, which tells whether order counts.
        gold_failed: Whether the gold could not be executed; the published code then expects no rows.
    """
    expected = [] if gold_failed else gold
    if agent is None or expected is None:
        return Scores(intercode=0, exact=0, gold_failed=gold_failed, parts={"rows": None})
    overlap, order = intersection_over_union(agent, expected), row_order(agent, expected)
    reward = overlap if isnan(order) else round(order * overlap, 2)
    ours, theirs = [_normalised(row) for row in agent], [_normalised(row) for row in expected]
    ordered = orders(query)
    same = ours == theirs if ordered else Counter(ours) == Counter(theirs)
    return Scores(
        intercode=reward,
        exact=float(same and not gold_failed),
        gold_failed=gold_failed,
        parts={
            "overlap": overlap,
            "tau": None if isnan(order) else order,
            "ordered": ordered,
            "rows": len(agent),
            "gold_rows": len(expected),
        },
    )


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


def orders(query: str) -> bool:
    """Whether a query orders its rows: an ORDER BY that is in no parentheses and no string."""
    text = re.sub(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", "''", query)
    while (inner := re.sub(r"\([^()]*\)", " ", text)) != text:
        text = inner
    return bool(re.search(r"\border\s+by\b", text, re.IGNORECASE))


def _normalised(row: tuple[Any, ...]) -> tuple[Hashable, ...]:
    return tuple(_value(value) for value in row)


def _value(value: Any) -> Hashable:
    if isinstance(value, bool | int | float | Decimal):
        return round(float(value), 6)
    return value if isinstance(value, Hashable) else str(value)
