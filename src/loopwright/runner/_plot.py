"""The picture of a run: pass rates with their intervals, and scores as iterations go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.errors import MissingExtra, UserError
from loopwright.stats import Interval
from loopwright.types import ValueOptions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class VariantSeries:
    """What is drawn of one variant."""

    name: str
    pass_rate: float
    interval: Interval
    best: Sequence[float]
    """Mean over episodes of the best score in [0, 1] so far, by iteration."""
    valued: ValueOptions | None = None
    """What all episodes maximise or minimise; None where they do not, or not the same."""
    values: Sequence[float | None] = ()
    """Mean over episodes of that value of the best candidate so far, by iteration; None before there is one."""


def draw(series: Sequence[VariantSeries]) -> Figure:
    """Draws one figure with two panels; it belongs to no window and needs no screen.

    Raises:
        UserError: There is nothing to draw.
        MissingExtra: matplotlib is not installed.
    """
    if not series:
        raise UserError("the run has no score to plot", remedy="Run it to its end, or resume it.")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtra("plots need matplotlib", remedy="Run: pip install 'loopwright[plot]'") from None
    kinds = {one.valued for one in series}
    valued = kinds.pop() if len(kinds) == 1 else None
    figure = Figure(figsize=(13.5 if valued else 9, 3.2), layout="constrained")
    rates, curves, *more = figure.subplots(1, 3 if valued else 2)
    _draw_rates(rates, series)
    _draw_curves(curves, series)
    if valued:
        _draw_values(more[0], series, valued)
    return figure


def _draw_rates(axes: Axes, series: Sequence[VariantSeries]) -> None:
    for row, one in enumerate(reversed(series)):
        axes.plot([one.interval.low, one.interval.high], [row, row], color=f"C{len(series) - 1 - row}")
        axes.plot([one.pass_rate], [row], "o", color=f"C{len(series) - 1 - row}")
    axes.set_yticks(range(len(series)), [one.name for one in reversed(series)])
    axes.set_ylim(-0.5, len(series) - 0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("pass rate, 95 % interval")


def _draw_curves(axes: Axes, series: Sequence[VariantSeries]) -> None:
    for one in series:
        axes.plot(range(1, len(one.best) + 1), one.best, marker=".", label=one.name)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(range(1, max(len(one.best) for one in series) + 1))
    axes.set_xlabel("iterations")
    axes.set_ylabel("best score so far, mean")
    axes.legend(frameon=False)


def _draw_values(axes: Axes, series: Sequence[VariantSeries], valued: ValueOptions) -> None:
    for one in series:
        known = [(turn, value) for turn, value in enumerate(one.values, start=1) if value is not None]
        axes.plot([turn for turn, _ in known], [value for _, value in known], marker=".", label=one.name)
    axes.set_xlabel("iterations")
    axes.set_ylabel(f"best {valued.name} so far, mean{valued.unit and f' ({valued.unit})'}")
    axes.legend(frameon=False)
