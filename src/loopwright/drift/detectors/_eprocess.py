"""Evidence against "as in the baseline" that may be looked at forever.

For a tilt t the product of exp(t x - K(t) - |t| g) over the scores since some start has an expectation of 1 at most as
long as scores are those of the baseline, whose mean may be off by g. Weighing all starts s by
w(s) = ln 2 / ((s + 2) ln(s + 2)^2), which add up to less than 1, and five tilts in either direction gives an e-process
(Shin, Ramdas and Rinaldo 2022 for the idea): by Ville's inequality it ever exceeds 1 / chance with probability
`chance` at most, however long the session is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from loopwright.drift.channels._level import ChannelBaseline, inflation
from loopwright.drift.detectors._detection import Detection

_TILTS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""In units of one over the standard deviation; the best one for a shift of d deviations is about d."""
_GUARD = 2.5
"""Standard errors by which the baseline's mean may be off."""


class EProcess:
    """An e-process for one signal.

    Args:
        level: What is usual.
        chance: Probability that it ever alarms without drift.
        up: Share of the weight for the direction in which the index falls.
    """

    def __init__(self, level: ChannelBaseline, chance: float, up: float) -> None:
        self.level = level
        self._limit = 1 / chance
        guard = _GUARD / math.sqrt(level.effective)
        spread = inflation(level.correlation, 10**9)
        self._bets = [
            (tilt, weight / len(_TILTS), _mass(level.values, tilt, spread) + abs(tilt) * guard)
            for direction, weight in ((1.0, up), (-1.0, 1 - up))
            for tilt in (direction * size for size in _TILTS)
            if weight
        ]
        self._seen = 0
        self._parts = [_Part() for _ in self._bets]

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next standardised score."""
        level = self.level
        value = min(max(value, level.low), level.high)
        self._seen += 1
        start = math.log(2) / ((self._seen + 2) * math.log(self._seen + 2) ** 2)
        total = 0.0
        for (tilt, weight, mass), part in zip(self._bets, self._parts, strict=True):
            step = tilt * value - mass
            if part.climb <= 0:
                part.onset, part.count, part.total, part.climb = place, 0, 0.0, 0.0
            part.climb += step
            part.count += 1
            part.total += value
            part.evidence = (part.evidence + start) * math.exp(step)
            total += weight * part.evidence
        if total < self._limit:
            return None
        best = max(range(len(self._bets)), key=lambda at: self._bets[at][1] * self._parts[at].evidence)
        part = self._parts[best]
        self._parts = [_Part() for _ in self._bets]
        return Detection(self._bets[best][0] > 0, part.count, part.onset, part.total / part.count)

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on."""
        return {
            "seen": self._seen,
            "parts": [[part.evidence, part.climb, part.onset, part.count, part.total] for part in self._parts],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self._seen = state["seen"]
        self._parts = [_Part(*values) for values in state["parts"]]


class _Part:
    __slots__ = ("climb", "count", "evidence", "onset", "total")

    def __init__(
        self, evidence: float = 0.0, climb: float = 0.0, onset: int = 0, count: int = 0, total: float = 0.0
    ) -> None:
        self.evidence = evidence
        self.climb = climb
        self.onset = onset
        self.count = count
        self.total = total


def _mass(values: tuple[float, ...], tilt: float, spread: float) -> float:
    """K(t), the logarithm of the mean of exp(t x); K(s t) / s where variances of sums are s times as large."""
    inner = spread * tilt
    top = max(inner * min(values), inner * max(values))
    return (top + math.log(math.fsum(math.exp(inner * x - top) for x in values) / len(values))) / spread
