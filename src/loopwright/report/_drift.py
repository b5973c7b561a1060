"""Drift in reports: lines for a summary, and the page of a reviewed session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loopwright.drift import CHANNELS, TRAITS, WINDOW, Channel, Review
from loopwright.report._charts import AlarmMark, Chart, Frame, Point, Series
from loopwright.report._format import count
from loopwright.report._pages import render_page
from loopwright.secrets import scrub
from loopwright.store import DriftAlarm, Event, Failed, Mitigated
from loopwright.text import printable_line

_Told = DriftAlarm | Mitigated | Failed

_SHOWN = 5
"""Alarms and resets of a session that are told one by one."""


def drift_lines(events: Sequence[Event]) -> list[str]:
    """A few lines for each session that has alarms or mitigations; none where there are none."""
    sessions: dict[str, list[_Told]] = {}
    for event in events:
        if isinstance(event.data, DriftAlarm | Mitigated | Failed):
            sessions.setdefault(event.episode or "", []).append(event.data)
    return [f"{printable_line(name)}: {line}" for name, told in sessions.items() for line in _session(told)]


def _session(told: Sequence[_Told]) -> list[str]:
    alarms = [one for one in told if isinstance(one, DriftAlarm)]
    mitigations = [one for one in told if isinstance(one, Mitigated)]
    lines = [alarm_line(alarm) for alarm in alarms[:_SHOWN]]
    if len(alarms) > _SHOWN:
        lines.append(f"{len(alarms) - _SHOWN} more alarms")
    for kind in ("consolidation", "anchoring"):
        of_kind = [one for one in mitigations if one.kind == kind]
        if of_kind:
            undone = sum(one.undone for one in of_kind)
            spent = sum(one.tokens for one in of_kind)
            emptied = sum(one.emptied for one in of_kind)
            forgot = f", all forgotten {emptied} times" if emptied else ""
            lines.append(f"{kind}: {len(of_kind) - undone} times, {undone} undone{forgot}, {count(spent)} tokens")
    resets = [one for one in mitigations if one.kind == "routing" and not one.probes and not one.undone]
    for reset in resets[:_SHOWN]:
        look = "; a person must look" if reset.human else ""
        lines.append(f"routing at {reset.at}, {reset.why}: {printable_line(reset.what)}{look}")
    if len(resets) > _SHOWN:
        lines.append(f"{len(resets) - _SHOWN} more resets")
    return [*lines, *(printable_line(one.message) for one in told if isinstance(one, Failed))]


def alarm_line(alarm: DriftAlarm) -> str:
    """An alarm in one line."""
    direction = "worse" if alarm.worse else "the other way"
    whose = f" of {printable_line(alarm.agent)}" if alarm.agent else ""
    return (
        f"drift of {alarm.channel}{whose} at interaction {alarm.at}: {direction} by {abs(alarm.shift):.2f} sd, "
        f"since about {alarm.onset}, {alarm.severity}"
    )


@dataclass(frozen=True, slots=True)
class _Dimension:
    name: str
    title: str
    now: float
    chart: Chart | None


def render_drift(found: Review, title: str) -> str:
    """Renders what the monitor said about a session."""
    points = [(point.end, point.value) for point in found.points if point.value is not None]
    marks = [(alarm.at, alarm.worse) for alarm in found.alarms]
    size = Frame(900, 220, last=found.counts.seen, low=0.0)
    page = render_page(
        "drift.html.jinja",
        title=title,
        found=found,
        baseline=found.baseline,
        covered=found.points[-1].coverage if found.points else 0.0,
        index=_chart(found, "index", points, marks, size) if points else None,
        channels=[_dimension(found, channel) for channel in CHANNELS],
        titles={channel: TRAITS[channel].title for channel in CHANNELS},
        window=WINDOW,
    )
    return scrub(page)


def _dimension(found: Review, channel: Channel) -> _Dimension:
    points = [(point.end, point.scores[channel]) for point in found.points if channel in point.scores]
    marks = [(alarm.at, alarm.worse) for alarm in found.alarms if alarm.channel is channel]
    frame = Frame(300, 120, last=found.counts.seen, low=0.0)
    drawn = _chart(found, channel, points, marks, frame) if points else None
    return _Dimension(channel, TRAITS[channel].title, points[-1][1] if points else 0.0, drawn)


def _chart(
    found: Review,
    name: Channel | Literal["index"],
    points: Sequence[tuple[int, float]],
    marks: Sequence[tuple[int, bool]],
    size: Frame,
) -> Chart:
    band = found.baseline.bands.get(name)
    edge = band.low() if band else 0.0
    low = min(0.5, *(value for _, value in points), max(edge, 0.0))
    frame = Frame(size.width, size.height, last=size.last, low=low)
    line = Series(name, tuple(Point(frame.x(at), frame.y(value)) for at, value in points))
    return frame.chart(
        f"{len(points)} windows from {points[0][1]:.2f} to {points[-1][1]:.2f}, {len(marks)} alarms",
        [line],
        levels={value: f"{value:.2f}" for value in (1.0, (1 + low) / 2, low)},
        ticks={0.0: "0", float(found.counts.seen): f"{found.counts.seen:,}"},
        marks=[AlarmMark(frame.x(at), worse) for at, worse in marks],
        band=edge,
    )
