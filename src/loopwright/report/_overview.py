"""The first page of the HTML report, as what its template needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loopwright.report._row import EpisodeRow
from loopwright.report._summary import RunSummary, VariantSummary
from loopwright.stats import PairedDifference, expected_gain, paired_difference, suite_pass_at_k, suite_pass_hat_k

# Draws of the bootstrap over all tasks together; keeps a comparison of thousands of tasks under some seconds.
_DRAWS = 2_000_000


@dataclass(frozen=True, slots=True)
class VariantComparison:
    """A variant against the first one, on the instances that both have scores for."""

    name: str
    result: PairedDifference


@dataclass(frozen=True, slots=True)
class Repeated:
    """What repeats of the same instances say."""

    k: int
    pass_at_k: float
    pass_hat_k: float


def repeated(variant: VariantSummary) -> Repeated | None:
    """pass@k and pass^k at the largest k that every instance allows; None without repeats."""
    k, rollouts = variant.repeats, list(variant.rollouts.values())
    return Repeated(k, suite_pass_at_k(rollouts, k), suite_pass_hat_k(rollouts, k)) if k > 1 else None


def comparisons(summary: RunSummary) -> list[VariantComparison]:
    """Differences of pass rates to the first variant that has scores, paired by instance."""
    scored = [variant for variant in summary.variants if variant.n]
    if len(scored) < 2:
        return []
    first = scored[0].passes
    return [
        VariantComparison(variant.name, paired_difference(passes, first, resamples=_resamples(passes)))
        for variant in scored[1:]
        if (passes := variant.passes).keys() & first.keys()
    ]


def outlook(variant: VariantSummary) -> float | None:
    """Expected gain of one more iteration at the final pass rate, by the measured flows; None if they are unknown."""
    flow, rate = variant.refinement.overall, variant.pass_rate
    if rate is None or flow.correction is None or flow.injection is None:
        return None
    return expected_gain(rate, flow.correction, flow.injection)


def lost(summary: RunSummary) -> list[EpisodeRow]:
    """Episodes without a score because something failed."""
    return [row for row in summary.episodes if row.status == "failed"]


def rules(summary: RunSummary) -> Mapping[str, list[int]]:
    """Stop rule to its count under each variant, the most frequent first."""
    names = {rule for variant in summary.variants for rule in variant.rules}
    table = {rule: [variant.rules.get(rule, 0) for variant in summary.variants] for rule in names}
    return dict(sorted(table.items(), key=lambda item: (-sum(item[1]), item[0])))


def wall_seconds(summary: RunSummary) -> float:
    """Time from the first to the last event."""
    if not summary.created:
        return 0.0
    return max(0.0, (_time(summary.ended) - _time(summary.created)).total_seconds())


def day(time: str) -> str:
    """An event's time as a reader's date and minute."""
    return f"{_time(time):%-d %B %Y, %H:%M} UTC" if time else ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _resamples(passes: Mapping[str, object]) -> int:
    return max(1_000, min(10_000, _DRAWS // max(1, len(passes))))
