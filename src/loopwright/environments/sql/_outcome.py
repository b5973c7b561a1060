"""What an episode in a database came to, and whether the rows are what the gold query asks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loopwright.environments._scores import Score

Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """What an agent's last statement and the gold query came to, each on a database of its own."""

    rows: Rows | None
    """The agent's; None where there are none, such as after an error."""
    gold_rows: Rows | None
    """The gold query's."""
    gold: str
    """The gold query."""
    gold_failed: bool = False
    """Whether the gold query could not be executed."""
    dialect: str = "sqlite"
    """The engine."""
    version: str = ""
    """The engine's version."""

    async def exact(self) -> Score:
        """1 where the rows are the same: as a list where the gold query orders, else as a multiset.

        Numbers are compared by value, column names not at all.
        """
        engine = {"dialect": self.dialect, "version": self.version}
        expected = [] if self.gold_failed else self.gold_rows
        if self.rows is None or expected is None:
            return Score(0, {"rows": None, **engine})
        ours, theirs = [_normalised(row) for row in self.rows], [_normalised(row) for row in expected]
        ordered = orders(self.gold)
        same = ours == theirs if ordered else Counter(ours) == Counter(theirs)
        parts = {"ordered": ordered, "rows": len(self.rows), "gold_rows": len(expected), **engine}
        return Score(float(same and not self.gold_failed), parts)


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
