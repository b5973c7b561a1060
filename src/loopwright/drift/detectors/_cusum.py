"""Cumulative sums (Page 1954), two-sided, calibrated on the baseline by block bootstrap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from loopwright.drift.channels._level import ChannelBaseline
from loopwright.drift.detectors._detection import Detection
from loopwright.errors import MissingExtra

CLIP = 4.0
"""Standard deviations that a score counts at most."""
_BLOCK = 25
"""Neighbours that are drawn together, so that what depends on each other stays so."""
_STREAMS = 300
_LONGEST = 3000
"""Interactions of a bootstrap stream; limits for longer sessions follow from it, since they grow with the logarithm."""


def allowance(effective: float) -> float:
    """What is taken off each score: k = 0.25 + 1.5 / sqrt(n), wider where the baseline's mean is uncertain."""
    return 0.25 + 1.5 / math.sqrt(effective)


def limit(level: ChannelBaseline, chance: float, horizon: int) -> float:
    """The sum h that a session without drift ever exceeds with probability `chance`.

    From 300 streams of blocks of 25 of the baseline's scores, each moved by as much as the baseline's mean may be off.
    Their highest sums are taken for Gumbel variates, since chances are far smaller than one stream in 300.

    Raises:
        MissingExtra: numpy is not installed.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("numpy is not installed", remedy="Install it: pip install 'loopwright[drift]'.") from None
    random = np.random.default_rng(0)
    values = np.clip(np.array(level.values), -CLIP, CLIP)
    length = min(horizon, _LONGEST)
    starts = random.integers(0, len(values), (_STREAMS, -(-length // _BLOCK), 1))
    drawn = values[(starts + np.arange(_BLOCK)) % len(values)].reshape(_STREAMS, -1)[:, :length]
    drawn = drawn + random.normal(0, 1 / math.sqrt(level.effective), (_STREAMS, 1))
    highest = np.zeros(_STREAMS)
    for stream in (drawn, -drawn):
        walk = np.cumsum(stream - allowance(level.effective), axis=1)
        # A sum that restarts at 0 is the walk over its lowest point so far.
        highest = np.maximum(highest, (walk - np.minimum(np.minimum.accumulate(walk, axis=1), 0)).max(axis=1))
    scale = float(highest.std()) * math.sqrt(6) / math.pi
    middle = float(highest.mean()) - 0.5772 * scale + scale * math.log(horizon / length)
    return middle - scale * math.log(-math.log1p(-chance))


class Cusum:
    """Two sums, U = max(0, U + z - k) and L = max(0, L - z - k), which alarm over h.

    Args:
        level: What is usual.
        highest: h, from `limit`.
    """

    def __init__(self, level: ChannelBaseline, highest: float) -> None:
        self.level = level
        self._highest = highest
        self._allowance = allowance(level.effective)
        self._sides = [_Side(), _Side()]

    def update(self, value: float, place: int) -> Detection | None:
        """Takes the next standardised score."""
        value = min(max(value, -CLIP), CLIP)
        for side, up in zip(self._sides, (True, False), strict=True):
            side.add(value if up else -value, self._allowance, place)
        for side, up in zip(self._sides, (True, False), strict=True):
            if side.total > self._highest:
                mean = side.total / side.count + self._allowance
                finding = Detection(up, side.count, side.onset, mean if up else -mean)
                self._sides = [_Side(), _Side()]
                return finding
        return None

    def state(self) -> dict[str, Any]:
        """Everything that the next update depends on."""
        return {"sides": [[side.total, side.count, side.onset] for side in self._sides]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self._sides = [_Side(*values) for values in state["sides"]]


class _Side:
    __slots__ = ("count", "onset", "total")

    def __init__(self, total: float = 0.0, count: int = 0, onset: int = 0) -> None:
        self.total = total
        self.count = count
        self.onset = onset

    def add(self, value: float, allowance: float, place: int) -> None:
        total = self.total + value - allowance
        if total <= 0:
            self.total, self.count = 0.0, 0
            return
        if not self.count:
            self.onset = place
        self.total, self.count = total, self.count + 1
