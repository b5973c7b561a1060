"""Line charts as data: where everything lies in the drawing. `chart.html.jinja` draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlarmMark:
    """A vertical line."""

    x: float
    solid: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A dot, with its interval where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """What one line, or one kind of dot, shows."""

    name: str
    points: tuple[Point, ...]
    joined: bool = True
    """Whether a line joins the points."""

    @property
    def path(self) -> str:
        """The points of a polyline."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing; all places are in its own units, from the upper left corner."""

    width: int
    height: int
    legend: bool
    """Whether the names of the series are listed below."""
    label: str
    """For readers who do not see it."""
    left: float
    right: float
    top: float
    bottom: float
    series: tuple[Series, ...]
    levels: tuple[tuple[float, str], ...]
    """Horizontal lines, with what they stand for."""
    ticks: tuple[tuple[float, str], ...]
    title: str = ""
    """What the horizontal axis shows."""
    marks: tuple[AlarmMark, ...] = ()
    band: float | None = None
    """The lower edge of the shaded band that begins at the top."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a chart, which turn values into places.

    Args:
        width: Of the drawing, without a legend.
        height: Of the drawing.
        last: The value at the right end of the horizontal axis; the left end is 0.
        low: The value at the lower end of the vertical axis; the upper end is 1.
    """

    width: int
    height: int
    last: float
    low: float
    left: int = 34
    right: int = 8
    top: int = 8
    bottom: int = 18

    def x(self, value: float) -> float:
        """The place of a value on the horizontal axis."""
        return round(self.left + (self.width - self.left - self.right) * value / (self.last or 1), 1)

    def y(self, value: float) -> float:
        """The place of a value on the vertical axis."""
        return round(self.top + (self.height - self.top - self.bottom) * (1 - value) / (1 - self.low), 1)

    def chart(
        self,
        label: str,
        series: Sequence[Series],
        *,
        levels: Mapping[float, str],
        ticks: Mapping[float, str],
        title: str = "",
        marks: Sequence[AlarmMark] = (),
        band: float | None = None,
        legend: bool = False,
    ) -> Chart:
        """Puts a chart together; `levels`, `ticks` and `band` are values, `series` and `marks` are places."""
        return Chart(
            width=self.width,
            height=self.height,
            legend=legend,
            label=label,
            left=self.left,
            right=self.width - self.right,
            top=self.top,
            bottom=self.height - self.bottom,
            series=tuple(series),
            levels=tuple((self.y(value), text) for value, text in levels.items()),
            ticks=tuple((self.x(value), text) for value, text in ticks.items()),
            title=title,
            marks=tuple(marks),
            band=None if band is None else self.y(max(band, self.low)),
        )
