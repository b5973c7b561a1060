"""Benchmark numbers in the report: rates by rule and group, and plots by turn and by cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.bench import VariantOutcome
from loopwright.report._charts import Chart, Frame, Point, Series

_RULES = ("intercode", "exact")
_SHARES = {0.0: "0%", 0.25: "25%", 0.5: "50%", 0.75: "75%", 1.0: "100%"}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What the report of a run says beyond pass rates: by scoring rule, by turn, by group, and what success costs."""

    variants: Sequence[VariantOutcome]
    rules: Sequence[str]
    """Scoring rules that the record holds; empty where there is no other than the run's own."""
    groups: Sequence[str]
    """Of the suite."""
    turns: Chart | None
    costs: Chart | None

    @property
    def told(self) -> bool:
        """Whether rates say more than the run's pass rates do."""
        return bool(self.rules) or any(variant.oracle or variant.flagged for variant in self.variants)


def benchmark(found: Sequence[VariantOutcome]) -> Benchmark:
    """Puts together what there is to say of a run's variants."""
    return Benchmark(
        variants=found,
        rules=[rule for rule in _RULES if any(variant.by_rule(rule) for variant in found)],
        groups=list(dict.fromkeys(group for variant in found for group in variant.by_group())),
        turns=_by_turn(found),
        costs=_by_cost(found) if len(found) > 1 and any(variant.cost_usd for variant in found) else None,
    )


def _frame(last: float) -> Frame:
    return Frame(560, 260, last=last, low=0.0, left=46, right=24, top=12, bottom=40)


def _by_turn(found: Sequence[VariantOutcome]) -> Chart | None:
    turns = max((len(variant.by_turn()) for variant in found), default=0)
    if turns < 2:
        return None
    frame = _frame(turns - 1)
    lines = []
    for variant in found:
        shares = list(variant.by_turn())
        # An episode that ended stays what it was.
        shares += shares[-1:] * (turns - len(shares))
        points = tuple(Point(frame.x(turn), frame.y(share)) for turn, share in enumerate(shares))
        lines.append(Series(variant.name, points))
    ticks = {float(turn): str(turn + 1) for turn in range(0, turns, -(-turns // 20))}
    return frame.chart("success by iteration", lines, levels=_SHARES, ticks=ticks, title="iteration", legend=True)


def _by_cost(found: Sequence[VariantOutcome]) -> Chart:
    costs = [float(variant.cost_usd or 0) / max(1, len(variant.scored)) for variant in found]
    top = max(costs) or 1.0
    frame = _frame(top)
    dots = [
        Series(
            variant.name,
            (Point(frame.x(cost), frame.y(rate.value), frame.y(rate.interval.low), frame.y(rate.interval.high)),),
            joined=False,
        )
        for variant, cost in zip(found, costs, strict=True)
        if (rate := variant.passed) is not None
    ]
    ticks = {0.0: "$0", top: f"${top:.4f}"}
    return frame.chart(
        "cost against success", dots, levels=_SHARES, ticks=ticks, title="cost of an episode", legend=True
    )
