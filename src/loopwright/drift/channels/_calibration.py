"""What a confidence meant in the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_WRONGED = 0.2
"""Share of right answers that turn wrong, in the change that a score is evidence of."""
_RIDGE = 1.0
_EDGE = 0.005


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(correct) = 1 / (1 + exp(-(offset + slope logit(confidence)))), after Platt 1999."""

    offset: float
    slope: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, bool]]) -> Self:
        """Fits it by Newton's method, drawn a little towards "it means what it says"."""
        offset, slope = 0.0, 1.0
        points = [(_logit(confidence), correct) for confidence, correct in pairs]
        for _ in range(25):
            # Gradient and Hessian of the log-likelihood less the ridge.
            g0, g1, h00, h01, h11 = -_RIDGE * offset, -_RIDGE * (slope - 1), _RIDGE, 0.0, _RIDGE
            for x, correct in points:
                rate = _logistic(offset + slope * x)
                weight = rate * (1 - rate)
                g0 += correct - rate
                g1 += (correct - rate) * x
                h00 += weight
                h01 += weight * x
                h11 += weight * x * x
            span = h00 * h11 - h01 * h01
            step0, step1 = (h11 * g0 - h01 * g1) / span, (h00 * g1 - h01 * g0) / span
            offset, slope = offset + min(max(step0, -2.0), 2.0), slope + min(max(step1, -2.0), 2.0)
            if abs(step0) + abs(step1) < 1e-9:
                break
        return cls(offset, slope)

    def rate(self, confidence: float) -> float:
        """How often answers of this confidence were right, within [0.005, 0.995]."""
        return min(max(_logistic(self.offset + self.slope * _logit(confidence)), _EDGE), 1 - _EDGE)

    def score(self, confidence: float, *, correct: bool) -> float:
        """Evidence in nats that of the answers that would have been right, a share of 0.2 now is not."""
        if correct:
            return math.log(1 - _WRONGED)
        rate = self.rate(confidence)
        return math.log1p(_WRONGED * rate / (1 - rate))


def _logit(confidence: float) -> float:
    inside = min(max(confidence, _EDGE), 1 - _EDGE)
    return math.log(inside / (1 - inside))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))
