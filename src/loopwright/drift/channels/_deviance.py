"""How far the mean of a window may lie from the mean of the baseline, in any distribution.

The baseline's scores span an exponential family by tilting: dF_theta = exp(theta x - K(theta)) dF. Inside it the
likelihood ratio of "the window has a mean of its own" against "window and baseline share one" is

    G = n KL(window || pooled) + N KL(baseline || pooled)      (nats),

which counts the baseline's own uncertainty, is the binomial likelihood ratio for flags, and is z^2 / 2 for Gaussian
scores. The chance that a moving window of n among T interactions ever reaches z = sqrt(2 G) is about

    T / n * z * phi(z) * exp(-0.583 z sqrt(2 / n))

(scan statistics with the correction for discrete time, Siegmund 1985), which is solved for the window's share of the
false-alarm budget.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

NEVER = 1e300
"""A limit that is not reached; finite, so that JSON can hold it."""
_REACH = 8.0
_POINTS = 48


def scan_threshold(chance: float, window: int, horizon: int) -> float:
    """Evidence in nats that a moving window exceeds somewhere within `horizon` with probability `chance`.

    Args:
        chance: In (0, 1).
        window: Length of the window.
        horizon: Interactions that are watched.
    """
    low, high = 1.0, 40.0
    for _ in range(60):
        z = (low + high) / 2
        rate = horizon / window * z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        rate *= math.exp(-0.583 * z * math.sqrt(2 / window))
        low, high = (z, high) if rate > chance else (low, z)
    return low * low / 2


@dataclass(frozen=True, slots=True)
class ExponentialTilt:
    """The exponential family spanned by a sample with mean 0."""

    theta: tuple[float, ...]
    mean: tuple[float, ...]
    log_mass: tuple[float, ...]
    """K(theta)."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Tilts a sample; its mean must be 0."""
        counts = Counter(values)
        items = [(value, count / len(values)) for value, count in sorted(counts.items())]
        sd = math.sqrt(math.fsum(value * value * weight for value, weight in items)) or 1.0
        half = [_REACH / sd * (index / _POINTS) ** 2 for index in range(1, _POINTS + 1)]
        grid = [-theta for theta in reversed(half)] + [0.0] + half
        means, masses = [], []
        for theta in grid:
            top = max(theta * items[0][0], theta * items[-1][0])
            terms = [weight * math.exp(theta * value - top) for value, weight in items]
            total = sum(terms)
            means.append(sum([term * value for term, (value, _) in zip(terms, items, strict=True)]) / total)
            masses.append(math.log(total) + top)
        return cls(tuple(grid), tuple(means), tuple(masses))

    def _at(self, mean: float) -> tuple[float, float]:
        """Theta and K at a mean, by interpolation; clamped to the grid."""
        means = self.mean
        if mean <= means[0]:
            return self.theta[0], self.log_mass[0]
        if mean >= means[-1]:
            return self.theta[-1], self.log_mass[-1]
        high = bisect_right(means, mean)
        low = high - 1
        width = means[high] - means[low]
        share = (mean - means[low]) / width if width else 0.0
        theta = self.theta[low] + share * (self.theta[high] - self.theta[low])
        # Exact at the left point, and dK/dtheta = mean: the trapezium is second-order exact.
        return theta, self.log_mass[low] + (theta - self.theta[low]) * (means[low] + mean) / 2

    def evidence(self, mean: float, window: float, baseline: float) -> float:
        """G in nats for a window's mean, the baseline's being 0.

        Args:
            mean: Of the window.
            window: Its independent interactions.
            baseline: The baseline's.
        """
        theta, mass = self._at(mean)
        pooled, pooled_mass = self._at(mean * window / (window + baseline))
        own = (theta - pooled) * mean - mass + pooled_mass
        return window * max(own, 0.0) + baseline * max(pooled_mass, 0.0)

    def limit(self, evidence: float, window: float, baseline: float, *, up: bool) -> float:
        """The mean of a window at which G reaches `evidence`; `NEVER` where it never does."""
        low, high = 0.0, self.mean[-1] if up else self.mean[0]
        if self.evidence(high, window, baseline) < evidence:
            return NEVER if up else -NEVER
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.evidence(middle, window, baseline) < evidence else (low, middle)
        return high
