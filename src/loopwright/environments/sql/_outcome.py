"""What an episode in a database came to, and whether the rows are what the gold query asks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from loopwright.environments._scores import Score

Rows = Sequence[tuple[Any, ...]]
_COMMENT = r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z){})"
_SQLITE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|" + _COMMENT.format(""), re.DOTALL)
_MARIADB = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`[^`]*`|" + _COMMENT.format(r"|\#[^\n]*"), re.DOTALL
)
"""Strings, quoted names and comments."""
_SIX_DECIMALS, _DIGITS = Decimal("1e-6"), Context(prec=400)


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
    whole: bool = True
    """Whether these are all rows of both; more than the task's `rows` are left out."""

    async def exact(self) -> Score:
        """1 where the rows are the same: as a list where the gold query orders, else as a multiset.

        Numbers are compared by value: exactly, and to six decimals in columns that hold a floating-point number.
        Column names are not compared. Rows of which some were left out are the same as no others.
        """
        engine = {"dialect": self.dialect, "version": self.version}
        expected = [] if self.gold_failed else self.gold_rows
        if self.rows is None or expected is None:
            return Score(0, {"rows": None, **engine})
        inexact = {place for row in (*self.rows, *expected) for place, value in enumerate(row) if type(value) is float}
        ours, theirs = ([_comparable(row, inexact) for row in rows] for rows in (self.rows, expected))
        ordered = orders(self.gold, self.dialect)
        same = ours == theirs if ordered else Counter(ours) == Counter(theirs)
        parts = {"ordered": ordered, "rows": len(self.rows), "gold_rows": len(expected), **engine}
        parts |= {} if self.whole else {"whole": False}
        return Score(float(same and self.whole and not self.gold_failed), parts)


def orders(query: str, dialect: str = "sqlite") -> bool:
    """Whether a query orders its rows: an ORDER BY that is in no parentheses, no string and no comment.

    Args:
        query: The query.
        dialect: The engine. A backslash in a string is an escape in MariaDB, and `#` begins a comment there.
    """
    bare = (_MARIADB if dialect == "mariadb" else _SQLITE).sub(lambda part: " " if part["comment"] else "''", query)
    depth, outside = 0, list[str]()
    for part in re.split(r"([()])", bare):
        depth = max(0, depth + {"(": 1, ")": -1}.get(part, 0))
        outside.append(" " if depth or part == ")" else part)
    return bool(re.search(r"\border\s+by\b", "".join(outside), re.IGNORECASE))


def _comparable(row: tuple[Any, ...], inexact: Collection[int]) -> tuple[Hashable, ...]:
    """A row whose numbers are equal, across types, where they count as equal."""
    values = (_rounded(value) if place in inexact else value for place, value in enumerate(row))
    return tuple(value if isinstance(value, Hashable) else str(value) for value in values)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if not isinstance(value, Decimal) or not value.is_finite():
        return value
    return value.quantize(_SIX_DECIMALS, context=_DIGITS)
