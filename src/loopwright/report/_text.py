"""The summary for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.report._drift import drift_lines
from loopwright.report._fit import FittedTable, fit_table
from loopwright.report._format import bounds, count, counts, duration, money, rate, signed
from loopwright.report._steering import steering_lines
from loopwright.report._summary import RunSummary, VariantSummary
from loopwright.text import counted, printable_line

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
    state = summary.finished or "not finished"
    parts = [
        f"Run {printable_line(summary.run)}" if summary.run else "Run",
        state,
        f"{done} of {summary.planned} episodes",
    ]
    return ", ".join(parts)


def notes(summary: RunSummary) -> list[str]:
    """What the table cannot say: what was left out of the rates, why loops stopped, and what refining did."""
    lines = []
    for variant in summary.variants:
        name = printable_line(variant.name)
        if variant.failures:
            lines.append(f"{name}: failed and not scored: {counts(variant.failures)}")
        if variant.unfinished:
            lines.append(f"{name}: {variant.unfinished} unfinished and not scored")
        if variant.beside.calls:
            lines.append(
                f"{name}: {count(variant.beside.calls)} of the calls and {count(variant.beside.usage.total)} of the "
                "tokens are of mitigations, beside the episodes"
            )
        if variant.n:
            lines.append(f"{name}: stopped by {counts(variant.rules)}")
        if variant.valued and variant.values:
            best = "higher" if variant.valued.direction == "maximize" else "lower"
            n = sum(map(len, variant.values.values()))
            told = printable_line(variant.valued.describe(variant.mean_value))
            lines.append(f"{name}: {told} in the mean of {n} answer{'' if n == 1 else 's'} ({best} is better)")
        if variant.valued and not variant.values:
            lines += _invalid(variant)
        if summary.regrades and variant.model_calls:
            graded = sum(row.grading_calls for row in variant.episodes)
            others = f"the run that made the candidates paid for {variant.model_calls - graded}"
            lines.append(f"{name}: {counted(graded, 'call')} graded again; {others}")
        if left_out := sorted({printable_line(name) for row in variant.episodes for name in row.left_out}):
            days = sorted({printable_line(day) for row in variant.episodes for day in row.measured})
            when = f" (`models check` of {', '.join(days)})" if days else ""
            lines.append(f"{name}: drawn without {', '.join(left_out)}, as a server does not take it{when}")
        if cut := sum(row.cut for row in variant.episodes):
            lines.append(f"{name}: {'1 reply was' if cut == 1 else f'{cut} replies were'} cut at the token limit")
        if unreported := sum(row.unreported for row in variant.episodes):
            calls = "1 call counts" if unreported == 1 else f"{unreported} calls count"
            lines.append(f"{name}: {calls} at the most that was reserved, as the server did not say what was used")
        if lost := sum(row.lost for row in variant.episodes):
            replies = "1 reply broke off and counts" if lost == 1 else f"{lost} replies broke off and count"
            lines.append(f"{name}: {replies} at the most that was reserved, as nobody says what it took")
        if variant.masked:
            lines.append(f"{name}: {printable_line(variant.masked)}")
        if summary.priced and (unpriced := sorted({name for row in variant.episodes for name in row.unpriced})):
            lines.append(f"{name}: the cost is not known: the price file lacks {printable_line('; '.join(unpriced))}")
        if unread := sum(row.unread_critiques for row in variant.episodes):
            of = sum(row.critiques for row in variant.episodes)
            lines.append(
                f"{name}: the critic's reply could not be used in {unread} of {of} iterations; rules took its place"
            )
        if over := variant.over_refinement:
            lines.append(
                f"{name}: one more refinement spoiled {over.spoiled} of {over.n} answers that passed "
                f"({rate(over.spoiled / over.n)} {bounds(over.interval)})"
            )
        flow = variant.refinement.overall
        if flow.turns:
            judges = "the final grades" if variant.basis == "graded" else "the loop's own verdicts"
            word = "refinement" if flow.turns == 1 else "refinements"
            lines.append(
                f"{name}: in {flow.turns} {word} {flow.wrong_to_right} wrong to right, "
                f"{flow.right_to_wrong} right to wrong, gain {signed(flow.gain)} each (by {judges})"
            )
    lines += [printable_line(line) for table in summary.budgets for line in table.lines()]
    return [*lines, *drift_lines(summary.drift), *steering_lines(summary.steered)]


def _invalid(variant: VariantSummary) -> Iterable[str]:
    """The most frequent reason why candidates of a variant have no value."""
    reasons = Counter(reason for row in variant.episodes for reason in row.invalid)
    for reason, times in reasons.most_common(1):
        told = f"most often ({times} of {reasons.total()}): {printable_line(reason)}"
        yield f"{printable_line(variant.name)}: no candidate was valid, {told}"


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
