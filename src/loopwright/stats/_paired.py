"""Comparing two systems on the same tasks."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import comb, fsum, sqrt
from statistics import NormalDist, fmean, stdev

from loopwright.stats._intervals import Interval

FEWEST_FOR_BOOTSTRAP = 20
"""Below this many tasks a bootstrap covers too little."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean score of A minus that of B, over the tasks that both have."""

    tasks: int
    left_out: int
    """Tasks that only one of the two has."""
    rollouts: tuple[int, int]
    """Rollouts of A and of B on the shared tasks."""
    mean_a: float
    mean_b: float
    difference: float
    error: float
    """Standard error: sd of the task differences over sqrt(tasks) (Miller 2024, arXiv 2411.00640)."""
    interval: Interval
    p_value: float
    """Two-sided sign-flip test over tasks: McNemar's exact test where every score is 0 or 1 from one rollout."""


def mcnemar(only_a: int, only_b: int, *, mid: bool = False) -> float:
    """Two-sided p-value for paired pass or fail: exact 2 P(Bin(b + c, 1/2) <= min(b, c)), at most 1.

    Args:
        only_a: Tasks that A passes and B fails.
        only_b: The reverse.
        mid: Count the observed table by half (mid-p), which is less conservative.

    Raises:
        ValueError: A negative count.
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"counts cannot be negative: {only_a}, {only_b}")
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = 2 * sum(comb(n, i) for i in range(fewer + 1))
    if mid:
        tail -= comb(n, fewer)
    return min(1.0, tail / (1 << n))


def paired_difference(
    a: Mapping[str, Sequence[float]],
    b: Mapping[str, Sequence[float]],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> PairedDifference:
    """Compares the scores of two systems task by task; rollouts of a task are averaged first.

    The interval is a BCa bootstrap over tasks. With fewer than 20 tasks, or where all tasks differ by the same
    amount, it is a Bayesian bootstrap to which one task won outright and one lost outright are added; so it never
    collapses to a point, and it agrees with the mid-p McNemar test.

    Args:
        a: Task to the scores in [0, 1] of A's rollouts.
        b: The same for B.
        confidence: Wanted coverage.
        resamples: Of the bootstrap and of the sign-flip test where it is not enumerated.
        seed: Of both; equal seeds give equal results.

    Raises:
        ValueError: No shared task, a task without rollouts, or a score outside [0, 1].
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise ValueError("the two have no task in common")
    for scores in (*a.values(), *b.values()):
        if not scores or any(not 0 <= score <= 1 for score in scores):
            raise ValueError("every task needs rollouts with scores in [0, 1]")
    differences = [fmean(a[task]) - fmean(b[task]) for task in shared]
    return PairedDifference(
        tasks=len(shared),
        left_out=len(a.keys() ^ b.keys()),
        rollouts=(sum(len(a[task]) for task in shared), sum(len(b[task]) for task in shared)),
        mean_a=fmean([fmean(a[task]) for task in shared]),
        mean_b=fmean([fmean(b[task]) for task in shared]),
        difference=fmean(differences),
        error=stdev(differences) / sqrt(len(shared)) if len(shared) > 1 else float("nan"),
        interval=_interval(differences, confidence, resamples, seed),
        p_value=sign_flip(differences, resamples=resamples, seed=seed),
    )


def paired_values(a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]]) -> PairedDifference:
    """Compares open-ended values of two systems task by task, as `paired_difference` does scores in [0, 1].

    Values are brought to [0, 1] by the least and the greatest of them, and what is found is brought back: where the
    interval supposes a task that one side won outright, it supposes a difference as wide as all values.

    Args:
        a: Task to the values of A's rollouts.
        b: The same for B.

    Raises:
        ValueError: No shared task, or a task without rollouts.
    """
    every = [value for side in (a, b) for values in side.values() for value in values]
    low = min(every, default=0.0)
    width = max(every, default=0.0) - low or 1.0
    scaled = [{task: [(value - low) / width for value in values] for task, values in side.items()} for side in (a, b)]
    found = paired_difference(*scaled)
    return replace(
        found,
        mean_a=found.mean_a * width + low,
        mean_b=found.mean_b * width + low,
        difference=found.difference * width,
        error=found.error * width,
        interval=replace(found.interval, low=found.interval.low * width, high=found.interval.high * width),
    )


def tasks_to_exclude(loss: float, differences: Sequence[float], *, most: int = 1000) -> int | None:
    """About how many tasks show that nothing more is lost, by the lower end of `paired_difference`'s 95 % interval.

    Args:
        loss: In mean score, not negative.
        differences: Of tasks that were tried: the others are supposed to differ alike.
        most: Where the search ends.

    Returns:
        A number of tasks, those that were tried included; None if it is above `most`, as where these already lose more.
    """

    def shown(tasks: int) -> bool:
        return _bayesian(differences, tasks, 4_000, 0)[100] > -loss

    counts = range(1, most + 1)
    found = bisect_left(counts, True, key=shown)
    return counts[found] if found < len(counts) else None


def bca(values: Sequence[float], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Bias-corrected and accelerated bootstrap interval of the mean (Efron 1987), values resampled as they are.

    Raises:
        ValueError: Fewer than two different values.
    """
    if len(set(values)) < 2:
        raise ValueError("the bootstrap needs values that differ")
    rng, n, mean = random.Random(seed), len(values), fmean(values)
    means = sorted(fsum(rng.choices(values, k=n)) / n for _ in range(resamples))
    below = sum(m < mean for m in means) + sum(m == mean for m in means) / 2
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(below / resamples, 1 / (2 * resamples)), 1 - 1 / (2 * resamples)))
    # The jackknife means are linear in the values, so their deviations are the values' own.
    deviations = [value - mean for value in values]
    skew = fsum(d**3 for d in deviations) / (6 * fsum(d**2 for d in deviations) ** 1.5)

    def at(level: float) -> float:
        shifted = bias + normal.inv_cdf(level)
        share = normal.cdf(bias + shifted / (1 - skew * shifted))
        return means[min(resamples - 1, int(share * resamples))]

    return Interval(
        at((1 - confidence) / 2), at((1 + confidence) / 2), f"BCa bootstrap of {n} task{'' if n == 1 else 's'}"
    )


def sign_flip(differences: Sequence[float], *, resamples: int = 10_000, seed: int = 0) -> float:
    """Two-sided p-value of a zero mean: signs flipped in all 2^n ways, or at random for more than 16 differences.

    Differences of zero change nothing and are left out.
    """
    moving = [abs(d) for d in differences if d]
    observed = abs(fsum(differences)) * (1 - 1e-12)
    if len(moving) <= 16:
        flips = product(*((m, -m) for m in moving))
        return sum(abs(fsum(flipped)) >= observed for flipped in flips) / (1 << len(moving))
    rng = random.Random(seed)
    hits = 0
    for _ in range(resamples):
        bits = rng.getrandbits(len(moving))
        hits += abs(fsum(m if bits >> i & 1 else -m for i, m in enumerate(moving))) >= observed
    return (1 + hits) / (1 + resamples)


def benjamini_hochberg(p_values: Sequence[float], q: float = 0.05) -> list[bool]:
    """Which hypotheses to reject so that at most a share q of the rejections is expected to be false.

    Raises:
        ValueError: q is not inside (0, 1).
    """
    if not 0 < q < 1:
        raise ValueError(f"q must be inside (0, 1), not {q}")
    ranked = sorted(p_values)
    kept = [p for rank, p in enumerate(ranked, 1) if p <= q * rank / len(ranked)]
    return [bool(kept) and p <= kept[-1] for p in p_values]


def _interval(differences: Sequence[float], confidence: float, resamples: int, seed: int) -> Interval:
    if len(differences) >= FEWEST_FOR_BOOTSTRAP and len(set(differences)) > 1:
        return bca(differences, confidence=confidence, resamples=resamples, seed=seed)
    means = _bayesian(differences, len(differences), resamples, seed)
    low, high = (means[int(share * (resamples - 1))] for share in ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(low, high, f"Bayesian bootstrap of {len(differences)} task{'' if len(differences) == 1 else 's'}")


def _bayesian(differences: Sequence[float], tasks: int, resamples: int, seed: int) -> list[float]:
    """Means of a Bayesian bootstrap of so many tasks that differ as these do, with one won and one lost, in order."""
    rng, share = random.Random(seed), tasks / len(differences)
    atoms = {value: times * share for value, times in Counter(differences).items()}
    for value in (1.0, -1.0):
        atoms[value] = atoms.get(value, 0) + 1
    means = []
    for _ in range(resamples):
        weights = [rng.gammavariate(times, 1.0) for times in atoms.values()]
        means.append(fsum(w * d for w, d in zip(weights, atoms, strict=True)) / fsum(weights))
    return sorted(means)
