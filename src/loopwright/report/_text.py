"""The summary for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.report._fit import FittedTable, fit_table
from loopwright.report._format import bounds, count, duration, money, rate
from loopwright.report._notes import notes
from loopwright.report._summary import RunSummary, VariantSummary
from loopwright.text import printable_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

_COLUMNS = ("variant", "n", "passed", "pass rate", "95 %", "score", "calls", "images", "tokens", "cost", "time")
_SPARE = ("tokens", "time", "calls", "score", "cost")


def render_text(summary: RunSummary) -> RenderableType:
    """A table of the variants where there is room for one, else a short list for each; no colours carry meaning."""
    return _Text(summary)


@dataclass(frozen=True, slots=True)
class _Text:
    summary: RunSummary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        from rich.text import Text

        yield Text(headline(self.summary), style="bold")
        if not self.summary.episodes:
            yield Text("No episode has started.")
            return
        fitted = _wide(self.summary, options.max_width, ascii_only=options.ascii_only)
        if fitted is None:
            for variant in self.summary.variants:
                # Never broken by us: a name that the terminal wraps can still be copied.
                name = _name(variant, ascii_only=options.ascii_only)
                yield Text(name, style="bold", no_wrap=True, overflow="ignore")
                yield _narrow(variant)
        else:
            yield fitted.table
            if fitted.left_out:
                yield Text(f"no room for: {', '.join(fitted.left_out)}")
        for line in notes(self.summary):
            yield Text(line if not options.ascii_only else _ascii(line))


def headline(summary: RunSummary) -> str:
    """The run, how it ended and how much of it is there."""
    done = sum(row.status != "unfinished" for row in summary.episodes)
    parts = [
        f"Run {printable_line(summary.run)}" if summary.run else "Run",
        summary.state,
        f"{done} of {summary.planned} episodes",
    ]
    return ", ".join(parts)


def _wide(summary: RunSummary, width: int, *, ascii_only: bool) -> FittedTable | None:
    rows = [
        (
            _name(variant, ascii_only=ascii_only),
            str(variant.n),
            str(variant.passed),
            rate(variant.pass_rate),
            bounds(variant.interval) if variant.n else "",
            rate(variant.mean_score),
            count(variant.model_calls),
            count(variant.images),
            count(variant.usage.total),
            money(variant.cost_usd),
            duration(variant.seconds),
        )
        for variant in summary.variants
    ]
    shown = [name for name in _COLUMNS if name != "images" or summary.images]
    cells = [tuple(cell for name, cell in zip(_COLUMNS, row, strict=True) if name in shown) for row in rows]
    return fit_table(shown, cells, width, right=shown[1:], spare=_SPARE, ascii_only=ascii_only)


def _narrow(variant: VariantSummary) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    interval = f" {bounds(variant.interval)}" if variant.n else ""
    for label, value in (
        ("passed", f"{variant.passed} of {variant.n}"),
        ("pass rate", f"{rate(variant.pass_rate)}{interval}"),
        ("mean score", rate(variant.mean_score)),
        ("model calls", count(variant.model_calls)),
        *([("images", count(variant.images))] if variant.images else []),
        ("tokens", count(variant.usage.total)),
        ("cost", money(variant.cost_usd)),
        ("time", duration(variant.seconds)),
    ):
        table.add_row(f"  {label}", value)
    return table


def _name(variant: VariantSummary, *, ascii_only: bool) -> str:
    name = printable_line(variant.name)
    return _ascii(name) if ascii_only else name


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
