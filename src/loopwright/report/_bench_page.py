"""The benchmark page: rates of a run, and plots by turn and by cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loopwright.bench import VariantOutcome, outcomes
from loopwright.report._charts import Chart, Frame, Point, Series
from loopwright.report._pages import render_page
from loopwright.store import read_run

_SHARES = {0.0: "0%", 0.25: "25%", 0.5: "50%", 0.75: "75%", 1.0: "100%"}
_LEGEND = 200


def render_bench(folder: Path) -> str:
    """Renders a benchmark run: rates, success by turn, success by group, cost against success.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    found = outcomes(folder)
    return render_page(
        "bench.html.jinja",
        run=read_run(folder).manifest.id,
        variants=found,
        rules=("intercode", "exact"),
        groups=list(dict.fromkeys(group for variant in found for group in variant.by_group())),
        turns=_by_turn(found),
        costs=_by_cost(found) if any(variant.cost_usd for variant in found) else None,
    )


def _frame(last: float) -> Frame:
    return Frame(560, 260, last=last, low=0.0, left=46, right=24, top=12, bottom=40)


def _by_turn(found: Sequence[VariantOutcome]) -> Chart | None:
    turns = max((len(variant.by_turn()) for variant in found), default=0)
    if not turns:
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
    return frame.chart("success by turn", lines, levels=_SHARES, ticks=ticks, title="turn", legend=_LEGEND)


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
        "cost against success", dots, levels=_SHARES, ticks=ticks, title="cost of an episode", legend=_LEGEND
    )
