"""What the table of a run cannot say, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from loopwright.report._drift import drift_lines
from loopwright.report._format import bounds, count, counts, rate, signed
from loopwright.report._steering import steering_lines
from loopwright.report._summary import RunSummary, VariantSummary
from loopwright.text import counted, printable_line


def notes(summary: RunSummary) -> list[str]:
    """What was left out of the rates, why loops stopped, what is good enough, and what refining did."""
    lines = [
        f"{printable_line(variant.name)}: {line}" for variant in summary.variants for line in _told_of(variant, summary)
    ]
    lines += [printable_line(line) for table in summary.budgets for line in table.lines()]
    return [*lines, *drift_lines(summary.drift), *steering_lines(summary.steered)]


def _told_of(variant: VariantSummary, summary: RunSummary) -> Iterator[str]:
    yield from _endings(variant)
    yield from _values(variant)
    if summary.regrades and variant.model_calls:
        graded = sum(row.grading_calls for row in variant.episodes)
        others = f"the run that made the candidates paid for {variant.model_calls - graded}"
        yield f"{counted(graded, 'call')} graded again; {others}"
    yield from _replies(variant)
    if summary.priced and (unpriced := sorted({name for row in variant.episodes for name in row.unpriced})):
        yield f"the cost is not known: the price file lacks {printable_line('; '.join(unpriced))}"
    yield from _refining(variant)


def _endings(variant: VariantSummary) -> Iterator[str]:
    if variant.failures:
        yield f"failed and not scored: {counts(variant.failures)}"
    if variant.unfinished:
        yield f"{variant.unfinished} unfinished and not scored"
    if variant.beside.calls:
        yield (
            f"{count(variant.beside.calls)} of the calls and {count(variant.beside.usage.total)} of the "
            "tokens are of mitigations, beside the episodes"
        )
    if variant.n:
        yield f"stopped by {counts(variant.rules)}"
    if variant.good_enough:
        yield f"good enough: {printable_line(variant.good_enough)} (`loop.threshold`)"


def _values(variant: VariantSummary) -> Iterator[str]:
    if variant.valued and variant.values:
        best = "higher" if variant.valued.direction == "maximize" else "lower"
        n = sum(map(len, variant.values.values()))
        told = printable_line(variant.valued.describe(variant.mean_value))
        yield f"{told} in the mean of {counted(n, 'answer')} ({best} is better)"
    if variant.valued and not variant.values:
        reasons = Counter(reason for row in variant.episodes for reason in row.invalid)
        for reason, times in reasons.most_common(1):
            told = f"most often ({times} of {reasons.total()}): {printable_line(reason)}"
            yield f"no candidate was valid, {told}"


def _replies(variant: VariantSummary) -> Iterator[str]:
    if left_out := sorted({printable_line(name) for row in variant.episodes for name in row.left_out}):
        days = sorted({printable_line(day) for row in variant.episodes for day in row.measured})
        when = f" (`models check` of {', '.join(days)})" if days else ""
        yield f"drawn without {', '.join(left_out)}, as a server does not take it{when}"
    if cut := sum(row.cut for row in variant.episodes):
        yield f"{'1 reply was' if cut == 1 else f'{cut} replies were'} cut at the token limit"
    if unreported := sum(row.unreported for row in variant.episodes):
        calls = "1 call counts" if unreported == 1 else f"{unreported} calls count"
        yield f"{calls} at the most that was reserved, as the server did not say what was used"
    if lost := sum(row.lost for row in variant.episodes):
        replies = "1 reply broke off and counts" if lost == 1 else f"{lost} replies broke off and count"
        yield f"{replies} at the most that was reserved, as nobody says what it took"
    if variant.masked:
        yield printable_line(variant.masked)


def _refining(variant: VariantSummary) -> Iterator[str]:
    if unread := sum(row.unread_critiques for row in variant.episodes):
        of = sum(row.critiques for row in variant.episodes)
        yield f"the critic's reply could not be used in {unread} of {of} iterations; rules took its place"
    if over := variant.over_refinement:
        yield (
            f"one more refinement spoiled {over.spoiled} of {over.n} answers that passed "
            f"({rate(over.spoiled / over.n)} {bounds(over.interval)})"
        )
    flow = variant.refinement.overall
    if flow.turns:
        judges = "the final grades" if variant.basis == "graded" else "the loop's own verdicts"
        word = "refinement" if flow.turns == 1 else "refinements"
        yield (
            f"in {flow.turns} {word} {flow.wrong_to_right} wrong to right, "
            f"{flow.right_to_wrong} right to wrong, gain {signed(flow.gain)} each (by {judges})"
        )
