"""Intervals for rates and mean scores, honest for small samples and for repeated tasks.

No interval here rests on the central limit theorem alone: under a few hundred items that covers too little
(Bowyer, Aitchison and Ivanova 2025, arXiv 2503.01747).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from loopwright.stats._special import beta_quantile, normal_quantile, t_quantile


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence or credible interval, with how it was made."""

    low: float
    high: float
    method: str
    """Name of the method and what it rests on, for the reader of a table."""


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Interval for a rate from independent outcomes (Wilson 1927).

    With n = 0 nothing is known: [0, 1].

    Raises:
        ValueError: Not 0 <= successes <= n, or the confidence is not inside (0, 1).
    """
    _check_counts(successes, n)
    low, high = _wilson(successes / n, n, _z(confidence)) if n else (0.0, 1.0)
    return Interval(low, high, "Wilson")


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Interval for a rate that never covers less than asked for (Clopper and Pearson 1934).

    Raises:
        ValueError: As `wilson`.
    """
    _check_counts(successes, n)
    _z(confidence)
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, successes, n - successes + 1) if successes else 0.0
    high = beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return Interval(low, high, "Clopper-Pearson")


def credible(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Equal-tailed credible interval for a rate under a uniform prior: Beta(1 + successes, 1 + failures).

    Raises:
        ValueError: As `wilson`.
    """
    _check_counts(successes, n)
    _z(confidence)
    tail = (1 - confidence) / 2
    a, b = 1 + successes, 1 + n - successes
    return Interval(beta_quantile(tail, a, b), beta_quantile(1 - tail, a, b), "Beta(1, 1) posterior")


def clustered_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Standard error of the mean of values that are alike inside a cluster.

    Miller 2024 (arXiv 2411.00640, eq. 4): SE = (1/n) sqrt(sum over clusters of (sum of the cluster's deviations)^2).
    With one value per cluster it is sqrt((n - 1) / n) times the usual standard error.

    Raises:
        ValueError: No values, or not one cluster per value.
    """
    if not values:
        raise ValueError("no values")
    mean = fsum(values) / len(values)
    sums: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] = sums.get(cluster, 0.0) + (value - mean)
    return sqrt(fsum(total * total for total in sums.values())) / len(values)


def mean_interval(
    scores: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Interval:
    """Interval for the mean of scores in [0, 1], where scores of one cluster (one task) are alike.

    Wilson's interval at the effective sample size m (1 - m) / SE^2 (after Dean and Pagano 2015), where SE^2 is
    the clustered one times G / (G - 1) for G clusters and the size is shrunk by (z / t)^2 with G - 1 degrees of
    freedom. Where the clusters do not differ at all the effective size is G, since no score varies more than a coin
    of the same mean. It stays inside [0, 1] and never collapses to a point.

    Args:
        scores: Scores in [0, 1]; pass or fail as 1 and 0.
        clusters: The task of each score; None where each score is of its own task.
        confidence: Wanted coverage.

    Raises:
        ValueError: A score outside [0, 1], or not one cluster per score.
    """
    z = _z(confidence)
    names: Sequence[Hashable] = range(len(scores)) if clusters is None else clusters
    if any(not 0 <= score <= 1 for score in scores):
        raise ValueError("scores must be in [0, 1]")
    if not scores:
        return Interval(0.0, 1.0, "no data")
    groups = len(set(names))
    mean = min(max(fsum(scores) / len(scores), 0.0), 1.0)
    error = clustered_error(scores, names)
    size = float(groups)
    if error > 1e-12 and groups > 1:
        t = t_quantile((1 + confidence) / 2, groups - 1)
        size = max(1.0, mean * (1 - mean) / (error * error * groups / (groups - 1)) * (z / t) ** 2)
    low, high = _wilson(mean, size, z)
    return Interval(low, high, f"Wilson at effective size {size:.1f}, {groups} cluster{'' if groups == 1 else 's'}")


def _wilson(rate: float, n: float, z: float) -> tuple[float, float]:
    square = z * z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    low = 0.0 if rate == 0 else max(0.0, centre - half)
    high = 1.0 if rate == 1 else min(1.0, centre + half)
    return low, high


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be inside (0, 1), not {confidence}")
    return normal_quantile((1 + confidence) / 2)


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n, got {successes} of {n}")


def rate_interval(passed: Sequence[bool], units: Sequence[str]) -> Interval:
    """95 % interval of a pass rate: Wilson's, but where units are repeated, repeats count as alike.

    Args:
        passed: Whether each attempt passed.
        units: What each was an attempt at.
    """
    if len(set(units)) == len(units):
        return wilson(sum(passed), len(passed))
    return mean_interval([float(one) for one in passed], units)
