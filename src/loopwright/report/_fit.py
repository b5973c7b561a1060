"""Tables that fit a width: cells stay whole, and the least important columns go first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.report._format import NOTHING

if TYPE_CHECKING:
    from rich.table import Table

_GAP = 3
"""Cells between two columns."""
_WRAPPED = 24
"""The least width to which a last column of text is wrapped."""


@dataclass(frozen=True, slots=True)
class FittedTable:
    """A table that fits, and what it lacks."""

    table: Table
    left_out: tuple[str, ...]
    """Headings of the columns for which there was no room; columns without content are not told."""


def fit_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    right: Sequence[str] = (),
    spare: Sequence[str] = (),
    ascii_only: bool = False,
) -> FittedTable | None:
    """Makes a table that is at most so wide.

    Args:
        columns: Headings.
        rows: Cells as plain text, one line each.
        width: Cells of the terminal.
        right: Headings of the columns that are set right; a last column that is not may be wrapped.
        spare: Headings of the columns that may go, the least important first; empty ones go before all others.
        ascii_only: Whether lines are drawn with ASCII only.

    Returns:
        None where the other columns do not fit either.
    """
    widths = {name: _width([name, *cells]) for name, *cells in zip(columns, *rows, strict=True)}
    if columns[-1] not in right:
        widths[columns[-1]] = min(widths[columns[-1]], _WRAPPED)
    empty = {name for name, *cells in zip(columns, *rows, strict=True) if set(cells) <= {"", NOTHING}}
    kept = list(columns)
    left_out = []
    for name in sorted((name for name in columns if name in spare), key=lambda n: (n not in empty, spare.index(n))):
        if _total(widths, kept) <= width:
            break
        kept.remove(name)
        left_out.append(name)
    if _total(widths, kept) > width:
        return None
    table = _table(columns, rows, kept, right, ascii_only=ascii_only)
    return FittedTable(table, tuple(name for name in columns if name in left_out and name not in empty))


def _width(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cells))


def _total(widths: dict[str, int], kept: Sequence[str]) -> int:
    return sum(widths[name] for name in kept) + _GAP * (len(kept) - 1)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], kept: list[str], right: Sequence[str], *, ascii_only: bool
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.ASCII2 if ascii_only else box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold"
    )
    for name in kept:
        text = name == columns[-1] and name not in right
        table.add_column(name, justify="right" if name in right else "left", no_wrap=not text, overflow="fold")
    places = [columns.index(name) for name in kept]
    for row in rows:
        # Text, not str: names may hold square brackets, which rich would read as markup.
        table.add_row(*(Text(row[place]) for place in places))
    return table
