"""Detectors that the drift monitor is measured beside, on the same scores of the same interactions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from loopwright.drift import CHANNELS, Baseline
from loopwright.drift._reference import Scores

CLIP = 4.0
REPLICATES = 300
HORIZON = 3000


class Adwin:
    """river's ADWIN on every channel, delta 0.002 divided by the number of channels."""

    def __init__(self, baseline: Baseline) -> None:
        from river import drift

        self._levels = [(CHANNELS.index(channel), level) for channel, level in baseline.levels.items()]
        self._names = list(baseline.levels)
        self._detectors = [self._new(drift) for _ in self._levels]

    def _new(self, drift: Any) -> Any:
        return drift.ADWIN(delta=0.002 / len(self._levels))

    def update(self, scores: Scores, task: str) -> list[str]:
        found = []
        for (at, level), detector in zip(self._levels, self._detectors, strict=True):
            score = scores[at]
            if score is not None:
                detector.update(min(max(level.standard(score, task), -CLIP), CLIP))
                if detector.drift_detected:
                    found.append(str(self._names[at]))
        return found


def calibrate(held_out: Sequence[Scores], seed: int) -> list[tuple[float, float, float, float]]:
    """Mean, sd, k and h of each channel: 5 % over the session by 300 bootstrap streams, as in the literature."""
    import numpy as np

    rng = np.random.default_rng(seed)
    half = np.array([[math.nan if s is None else s for s in row] for row in held_out[len(held_out) // 2 :]])
    n = len(half)
    k = 0.25 + 1.5 / math.sqrt(n)
    out = []
    for column in half.T:
        mean, sd = float(column.mean()), float(column.std()) or 1.0
        z = np.clip((column - mean) / sd, -CLIP, CLIP)
        shifts = rng.normal(0, 1 / math.sqrt(n), REPLICATES)
        up, down, most = (np.zeros(REPLICATES) for _ in range(3))
        for _ in range(HORIZON):
            x = z[rng.integers(0, n, REPLICATES)] + shifts
            up, down = np.maximum(0, up + x - k), np.maximum(0, down - x - k)
            most = np.maximum(most, np.maximum(up, down))
        out.append((mean, sd, k, float(np.quantile(most, 1 - 0.05 / len(half.T)))))
    return out


class Cusum:
    """Two-sided CUSUM on every channel."""

    def __init__(self, levels: Any, names: Sequence[str]) -> None:
        self._levels = levels
        self._names = names
        self._up = [0.0] * len(levels)
        self._down = [0.0] * len(levels)

    def update(self, scores: Scores) -> list[str]:
        found = []
        for at, (mean, sd, k, h) in enumerate(self._levels):
            score = scores[at]
            if score is None:
                continue
            z = min(max((score - mean) / sd, -CLIP), CLIP)
            up, down = max(0.0, self._up[at] + z - k), max(0.0, self._down[at] - z - k)
            if up > h or down > h:
                found.append(self._names[at])
                up = down = 0.0
            self._up[at], self._down[at] = up, down
        return found
