"""A comparison as one HTML file that loads and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.report._comparison import Pair, RunComparison
from loopwright.report._pages import render_page
from loopwright.stats import Rollouts


@dataclass(frozen=True, slots=True)
class _Row:
    """One instance, on which A and B were tried."""

    unit: str
    a: Rollouts
    b: Rollouts

    @property
    def gap(self) -> float:
        """Pass rate of A minus that of B."""
        return self.a.successes / self.a.n - self.b.successes / self.b.n


def render_comparison(found: RunComparison) -> str:
    """Renders what `compare_runs` or `compare_variants` found."""
    return render_page(
        "comparison.html.jinja",
        pairs=[(pair, *_rows(pair)) for pair in found.pairs],
        differs=found.differences,
        span=_span(found.pairs),
    )


def _rows(pair: Pair) -> tuple[list[_Row], list[_Row]]:
    """Instances on which the two differ, the widest gaps first, and those on which they do not."""
    rows = [_Row(unit, *counts) for unit, counts in pair.rollouts.items()]
    apart = sorted((row for row in rows if row.gap), key=lambda row: (-abs(row.gap), row.unit))
    return apart, [row for row in rows if not row.gap]


def _span(pairs: Sequence[Pair]) -> float:
    """Half the width of the scale of differences: what the widest interval needs, in tenths."""
    widest = max(max(-pair.passed.interval.low, pair.passed.interval.high) for pair in pairs)
    return max(0.1, min(1.0, -(-widest * 10 // 1) / 10))
