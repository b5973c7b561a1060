"""One channel's detector: moving windows of many lengths over standardised scores.

Every window has a limit on the sum of its scores, from `Level`; reaching one is an alarm, after which the windows
start anew. A step of delta standard deviations is met soonest by the window that is as long as it is old, so no size
of the change has to be guessed. An update costs some ten comparisons, whatever came before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from loopwright.drift.channels._deviance import NEVER
from loopwright.drift.channels._level import BURST, GROSS, WINDOWS, ChannelBaseline, inflation
from loopwright.drift.detectors._detection import Detection

_SIZE = WINDOWS[-1] + 1
_SHORT = 64
"""Windows from here on are looked at every second time."""
_LOOK = 64
"""Scores after which the session before each window is looked at again."""
_SILENCE = 200
"""Scores after an alarm in which the channel does not alarm again."""


class WindowDetector:
    """Watches one channel.

    Args:
        level: What is usual.
        graded: Whether one value tells a moderate change from garbage.
    """

    __slots__ = (
        "_above",
        "_below",
        "_count",
        "_fresh",
        "_graded",
        "_inflation",
        "_limits",
        "_own",
        "_places",
        "_recent",
        "_silence",
        "_sums",
        "_total",
        "level",
    )

    def __init__(self, level: ChannelBaseline, *, graded: bool) -> None:
        self.level = level
        self._graded = graded
        self._own = tuple(
            limit for limit in zip(WINDOWS, level.up, level.down, strict=True) if limit[1] < NEVER or limit[2] > -NEVER
        )
        self._inflation = {window: inflation(level.correlation, window) for window, _, _ in self._own}
        self._limits = _by_parity(self._own)
        self._fresh = True
        self._sums = [0.0] * _SIZE
        self._places = [0] * _SIZE
        self._recent = [0.0] * BURST
        self._count = self._silence = 0
        self._total = self._above = self._below = 0.0

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next score.

        Args:
            value: Standardised by the level.
            place: The interaction's number.

        Returns:
            What alarms, if something does.
        """
        value = self._bounded(value)
        if self._silence:
            self._silence -= 1
        count, sums = self._count, self._sums
        self._places[count % _SIZE] = place
        self._count = count = count + 1
        self._total = total = self._total + value
        sums[count % _SIZE] = total
        if count % _LOOK == 0 and self._fresh:
            self._limits = _by_parity(tuple(self._with_session(*limit) for limit in self._own))
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
        level = self.level
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

    def _with_session(self, window: int, up: float, down: float) -> tuple[int, float, float]:
        """The limits of a window where what the session was before it counts with the baseline.

        The mean that a window is compared with becomes that of both, and more certain: in the Gaussian case the limit
        goes with sqrt(n (1 + n / N)), of n independent scores against N.
        """
        before = self._count - window
        if before <= 0:
            return window, up, down
        independent = window / self._inflation[window]
        effective = self.level.effective
        # At most as much as the baseline: a change too slow to be seen must not become what is usual.
        more = min(before * effective / self.level.n, effective)
        offset = window * self._sums[before % _SIZE] / before * more / (effective + more)
        factor = math.sqrt((1 + independent / (effective + more)) / (1 + independent / effective))
        return window, up * factor + offset, down * factor + offset

    def _found(self) -> Detection:
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
        # After a change the session tells no more what is usual.
        self._fresh = False
        self._limits = _by_parity(self._own)
        self._count = 0
        self._total = 0.0
        sums[0] = 0.0
        self._recent = [0.0] * BURST
        self._above = self._below = 0.0
        return Detection(change > 0, window, onset, change / window)

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
            "limits": [list(limit) for limit in self._limits[1]] if self._fresh else None,
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
        self._fresh = state["limits"] is not None
        if self._fresh:
            self._limits = _by_parity(tuple((window, up, down) for window, up, down in state["limits"]))


def _by_parity(limits: tuple[tuple[int, float, float], ...]) -> tuple[tuple[tuple[int, float, float], ...], ...]:
    """Limits to look at every time, and every second time."""
    return tuple(limit for limit in limits if limit[0] < _SHORT), limits
