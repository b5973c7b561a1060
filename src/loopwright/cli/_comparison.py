"""Paired comparisons of variants, within a run and between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from loopwright.cli._output import write, write_table
from loopwright.errors import UserError
from loopwright.report import VariantSummary, summarize_run
from loopwright.stats import PairedDifference, benjamini_hochberg, paired_difference
from loopwright.store import read_run

_SHOWN = 10
_COLUMNS = ("A", "B", "instances", "A passes", "B passes", "A - B", "95 %", "p", "holds", "calls A", "calls B")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants on the instances that both have."""

    a: str
    b: str
    passed: PairedDifference
    """On passing, 1 or 0 for each episode."""
    holds: bool
    """Whether it is told apart from no difference, among all the pairs, at a false discovery rate of 5 %."""
    only_a: Sequence[str]
    """Instances on which A passes more often."""
    only_b: Sequence[str]
    calls: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is told."""

    pairs: Sequence[Pair]
    differs: Sequence[str]
    """What the configurations of two runs differ in."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def within(folder: Path) -> Comparison:
    """Compares the variants of a run with each other.

    Raises:
        UserError: It has only one.
    """
    variants = summarize_run(folder).variants
    if len(variants) < 2:
        raise UserError(f"{folder} has one variant", remedy="Name a second run, or run with `--strategy A,B`.")
    return Comparison(_pairs([(a.name, a, b.name, b) for a, b in combinations(variants, 2)]), ())


def between(first: Path, second: Path) -> Comparison:
    """Compares the variants of two runs that have the same name, or the only ones of each.

    Raises:
        UserError: The runs share no variant.
    """
    left = {variant.name: variant for variant in summarize_run(first).variants}
    right = {variant.name: variant for variant in summarize_run(second).variants}
    names = [(name, name) for name in left if name in right]
    if not names and len(left) == len(right) == 1:
        names = [(next(iter(left)), next(iter(right)))]
    if not names:
        raise UserError(
            f"the runs share no variant: {', '.join(left)} and {', '.join(right)}",
            remedy="Run both with the same strategies.",
        )
    pairs = _pairs([(f"{first.name} {a}", left[a], f"{second.name} {b}", right[b]) for a, b in names])
    return Comparison(pairs, read_run(first).manifest.changed(read_run(second).manifest.config))


def _pairs(sides: Sequence[tuple[str, VariantSummary, str, VariantSummary]]) -> list[Pair]:
    differences = [(a, b, left, right, _difference(a, left, b, right)) for a, left, b, right in sides]
    holds = benjamini_hochberg([difference.p_value for *_, difference in differences])
    return [
        Pair(
            a=a,
            b=b,
            passed=difference,
            holds=kept,
            only_a=_better(_passes(left), _passes(right)),
            only_b=_better(_passes(right), _passes(left)),
            calls=(left.model_calls, right.model_calls),
        )
        for (a, b, left, right, difference), kept in zip(differences, holds, strict=True)
    ]


def _difference(a: str, left: VariantSummary, b: str, right: VariantSummary) -> PairedDifference:
    try:
        return paired_difference(_passes(left), _passes(right))
    except ValueError:
        raise UserError(
            f"{a} and {b} have no scored instance in common", remedy="Compare runs over the same tasks."
        ) from None


def _passes(variant: VariantSummary) -> Mapping[str, list[float]]:
    passes: dict[str, list[float]] = {}
    for row in variant.scored:
        passes.setdefault(row.unit, []).append(float(bool(row.passed)))
    return passes


def _better(a: Mapping[str, list[float]], b: Mapping[str, list[float]]) -> list[str]:
    return [unit for unit in a if unit in b and fmean(a[unit]) > fmean(b[unit])]


def show(found: Comparison) -> None:
    """Writes a comparison for people."""
    write_table(_COLUMNS, [_cells(pair) for pair in found.pairs], right=_COLUMNS[2:])
    write("")
    for pair in found.pairs:
        for name, units in ((pair.a, pair.only_a), (pair.b, pair.only_b)):
            if units:
                more = f" and {len(units) - _SHOWN} more" if len(units) > _SHOWN else ""
                write(f"{name} is better on {', '.join(units[:_SHOWN])}{more}")
        if pair.passed.left_out:
            write(f"{pair.a}, {pair.b}: {pair.passed.left_out} instances are scored in only one of the two")
    write("holds: told apart from no difference at a false discovery rate of 5 % among these pairs")
    if found.differs:
        write(f"The runs differ in: {', '.join(found.differs[:_SHOWN])}")


def _cells(pair: Pair) -> tuple[str, ...]:
    passed = pair.passed
    return (
        *(pair.a, pair.b, str(passed.tasks), f"{passed.mean_a:.2f}", f"{passed.mean_b:.2f}"),
        *(f"{passed.difference:+.2f}", f"[{passed.interval.low:+.2f}, {passed.interval.high:+.2f}]"),
        *(f"{passed.p_value:.3f}", "yes" if pair.holds else "no", *(str(calls) for calls in pair.calls)),
    )
