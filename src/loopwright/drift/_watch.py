"""One channel's detector: moving windows of many lengths over standardised scores.

Every window has a limit on the sum of its scores, from `Level`; reaching one is an alarm, after which the windows
start anew. A step of delta standard deviations is met soonest by the window that is as long as it is old, so no size
of the change has to be guessed. An update costs some ten comparisons, whatever came before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.drift._level import BURST, GROSS, WINDOWS, Level

_SIZE = WINDOWS[-1] + 1
_SHORT = 64
"""Windows from here on are looked at every second time."""
_SILENCE = 200
"""Scores after an alarm in which the channel does not alarm again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A window over its limit."""

    up: bool
    """Whether scores rose, which is worse."""
    window: int
    """Scores of this channel since the change, about."""
    onset: int
    """Number of the interaction where the change began, about."""
    shift: float
    """Mean of the window in standard deviations of the baseline."""


class Watch:
    """Watches one channel.

    Args:
        level: What is usual.
        graded: Whether one value tells a moderate change from garbage.
    """

    __slots__ = (
        "_above",
        "_below",
        "_count",
        "_graded",
        "_level",
        "_limits",
        "_places",
        "_recent",
        "_silence",
        "_sums",
        "_total",
    )

    def __init__(self, level: Level, *, graded: bool) -> None:
        self._level = level
        self._graded = graded
        limits = [
            limit for limit in zip(WINDOWS, level.up, level.down, strict=True) if limit[1] < 1e299 or limit[2] > -1e299
        ]
        self._limits = (tuple(limit for limit in limits if limit[0] < _SHORT), tuple(limits))
        self._sums = [0.0] * _SIZE
        self._places = [0] * _SIZE
        self._recent = [0.0] * BURST
        self._count = self._silence = 0
        self._total = self._above = self._below = 0.0

    def update(self, score: float, task: str, place: int) -> Finding | None:
        """Takes the next score.

        Args:
            score: Raw, of the interaction.
            task: Its kind.
            place: Its number.

        Returns:
            What alarms, if something does.
        """
        value = self._bounded(self._level.standard(score, task))
        if self._silence:
            self._silence -= 1
        count, sums = self._count, self._sums
        self._places[count % _SIZE] = place
        self._count = count = count + 1
        self._total = total = self._total + value
        sums[count % _SIZE] = total
        for window, up, down in self._limits[count % 2 == 0]:
            if window > count:
                break
            change = total - sums[(count - window) % _SIZE]
            if change >= up or change <= down:
                finding = self._found()
                if self._silence:
                    return None
                self._silence = _SILENCE
                return finding
        return None

    def _bounded(self, value: float) -> float:
        """Cuts a value to the baseline's range, and bursts to what they may bring."""
        level = self._level
        if self._graded:
            if -GROSS <= value <= GROSS:
                return level.low if value < level.low else level.high if value > level.high else value
            return (level.burst_up if value > 0 else level.burst_down) / BURST
        value = level.low if value < level.low else level.high if value > level.high else value
        recent, slot = self._recent, self._count % BURST
        if slot == 0:
            # Sums that are kept by adding and taking away gather rounding errors.
            self._above = sum([item for item in recent if item > 0])
            self._below = sum([item for item in recent if item < 0])
        old = recent[slot]
        if old > 0:
            self._above -= old
        else:
            self._below -= old
        if value > 0:
            value = min(value, max(level.burst_up - self._above, 0.0))
            self._above += value
        else:
            value = max(value, min(level.burst_down - self._below, 0.0))
            self._below += value
        recent[slot] = value
        return value

    def _found(self) -> Finding:
        """Names the window that is furthest over its limit, and starts anew."""
        count, total, sums = self._count, self._total, self._sums
        best, window, change = 0.0, 1, 0.0
        for length, up, down in self._limits[1]:
            if length > count:
                break
            moved = total - sums[(count - length) % _SIZE]
            share = moved / up if moved > 0 else moved / down
            if share > best:
                best, window, change = share, length, moved
        onset = self._places[(count - window) % _SIZE]
        self._count = 0
        self._total = 0.0
        sums[0] = 0.0
        self._recent = [0.0] * BURST
        self._above = self._below = 0.0
        return Finding(change > 0, window, onset, change / window)

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on, as JSON types."""
        kept = min(self._count, _SIZE - 1)
        order = [index % _SIZE for index in range(self._count - kept, self._count + 1)]
        return {
            "count": self._count,
            "silence": self._silence,
            "sums": [self._sums[index] for index in order],
            "places": [self._places[index] for index in order[:-1]],
            "recent": self._recent,
            "above": self._above,
            "below": self._below,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self._count, self._silence = state["count"], state["silence"]
        order = [index % _SIZE for index in range(self._count - len(state["sums"]) + 1, self._count + 1)]
        for index, value in zip(order, state["sums"], strict=True):
            self._sums[index] = value
        for index, value in zip(order, state["places"], strict=False):
            self._places[index] = value
        self._total = state["sums"][-1]
        self._recent = list(state["recent"])
        self._above, self._below = state["above"], state["below"]
