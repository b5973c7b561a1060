"""What a run's record tells of drift, in words."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.report._format import count
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
    deeds = [one for one in told if isinstance(one, Mitigated)]
    lines = [alarm_line(alarm) for alarm in alarms[:_SHOWN]]
    if len(alarms) > _SHOWN:
        lines.append(f"{len(alarms) - _SHOWN} more alarms")
    for kind in ("consolidation", "anchoring"):
        of_kind = [deed for deed in deeds if deed.kind == kind]
        if of_kind:
            undone = sum(deed.undone for deed in of_kind)
            spent = sum(deed.tokens for deed in of_kind)
            emptied = sum(deed.emptied for deed in of_kind)
            forgot = f", all forgotten {emptied} times" if emptied else ""
            lines.append(f"{kind}: {len(of_kind) - undone} times, {undone} undone{forgot}, {count(spent)} tokens")
    resets = [deed for deed in deeds if deed.kind == "routing" and not deed.probes and not deed.undone]
    for deed in resets[:_SHOWN]:
        look = "; a person must look" if deed.human else ""
        lines.append(f"routing at {deed.at}, {deed.why}: {printable_line(deed.what)}{look}")
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
