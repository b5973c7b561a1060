"""Learning curves: where a loop's best score is heading, and whether it is nearly there.

Vilares Ferro et al. (arXiv 2402.02515) fit pi(x) = -a x^-b + c to the first points and read the asymptote c.
Single noisy curves cannot be predicted before about seven points: keep a hard cap on iterations beside this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import fsum, pow

_SHAPES = (0.05, 5.0)
_HIGHEST_ASYMPTOTE = 1.5
"""Above 1 so that a curve that is still steep shows itself by an impossible asymptote."""
_FIRST_LEVEL = 4
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """pi(x) = -a x^-b + c."""

    a: float
    b: float
    c: float
    """The asymptote."""

    def at(self, x: float) -> float:
        """The curve's value at x > 0."""
        return self.c - self.a * pow(x, -self.b)

    def gain(self, x: float) -> float:
        """What one more iteration after x is predicted to add."""
        return self.at(x + 1) - self.at(x)

    def remaining(self, x: float) -> float:
        """What is predicted to be still to be had after x, chi = c - pi(x)."""
        return self.c - self.at(x)


def fit_power_law(scores: Sequence[float]) -> PowerLaw:
    """Least-squares fit to scores at x = 1, 2, ..., with a >= 0, 0.05 <= b <= 5 and c <= 1.5.

    Raises:
        ValueError: Fewer than three scores.
    """
    if len(scores) < 3:
        raise ValueError("a power law needs three points")
    low, high = _SHAPES
    grid = [low * (high / low) ** (i / 60) for i in range(61)]
    best = min(range(61), key=lambda i: _misfit(scores, grid[i]))
    left, right = grid[max(0, best - 1)], grid[min(60, best + 1)]
    while right - left > 1e-7:
        inner, outer = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
        if _misfit(scores, inner) <= _misfit(scores, outer):
            right = outer
        else:
            left = inner
    return _fit(scores, (left + right) / 2)


def predicted_asymptote(scores: Sequence[float], *, remaining: float = 0.02, settled: float = 0.01) -> float | None:
    """The predicted asymptote if it is nearly reached, else None: go on.

    Reached means, for the curves fitted to all scores and to all but the last one or two: the asymptote changed
    by less than `settled` from one to the next, is at most 1, and the last two are within `remaining` of it.
    So it never speaks before six scores.

    Args:
        scores: Score of each iteration in [0, 1], in order; the best so far is what is fitted.
        remaining: Gain that is not worth going on for.
        settled: Change of the asymptote between fits that counts as none.
    """
    best = list(accumulate(scores, max))
    levels = range(len(best) - 2, len(best) + 1)
    if levels[0] < _FIRST_LEVEL:
        return None
    fits = [fit_power_law(best[:level]) for level in levels]
    steady = all(abs(b.c - a.c) < settled for a, b in pairwise(fits))
    near = all(fit.remaining(level) <= remaining for fit, level in list(zip(fits, levels, strict=True))[1:])
    return fits[-1].c if steady and near and fits[-1].c <= 1 + 1e-9 else None


def _fit(scores: Sequence[float], b: float) -> PowerLaw:
    """The best a and c for a given b: a linear regression on x^-b, clipped to its bounds."""
    n = len(scores)
    basis = [x**-b for x in range(1, n + 1)]
    mean_u, mean_y = fsum(basis) / n, fsum(scores) / n
    spread = fsum((u - mean_u) ** 2 for u in basis)
    a = max(0.0, -fsum((u - mean_u) * (y - mean_y) for u, y in zip(basis, scores, strict=True)) / spread)
    c = mean_y + a * mean_u
    if c > _HIGHEST_ASYMPTOTE:
        c = _HIGHEST_ASYMPTOTE
        a = fsum(u * (c - y) for u, y in zip(basis, scores, strict=True)) / fsum(u * u for u in basis)
    return PowerLaw(a, b, c)


def _misfit(scores: Sequence[float], b: float) -> float:
    curve = _fit(scores, b)
    return fsum((curve.at(x) - y) ** 2 for x, y in enumerate(scores, 1))
