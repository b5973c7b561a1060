"""The level of a channel in the baseline: per-task means, spread, correlation, and the limits of its windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from statistics import median
from typing import Self

from loopwright.drift._channels import Trait
from loopwright.drift._deviance import NEVER, Tilted, scan_threshold

WINDOWS = (4, 5, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 180, 256, 360, 512, 720, 1024, 1440)
"""Lengths of the windows that are watched."""

_OVERLAP = 2.0
"""How much less often any of the windows alarms than the sum over them says, since they overlap; by simulation of the
scenarios without drift (Gaussian scores alone would allow 2.2)."""
GROSS = 10.0
"""Standard deviations beyond which a graded value is garbage rather than a moderate change."""
_FAR = 3.5
"""Robust standard deviations beyond which a graded score of a baseline may be drift."""
_APART = 4.0
"""Standard errors by which tasks must differ to have means of their own."""
BURST = 10
"""Interactions that a burst may last without an alarm."""
_SHARE_OF_BURST = 0.5
"""Share of the evidence for an alarm that one burst can bring at most."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is usual in a channel."""

    n: int
    """Scores in the baseline."""
    means: Mapping[str, float]
    """Task to its mean score; the empty name stands for tasks that were not seen."""
    sd: float
    low: float
    high: float
    """Range that standardised scores are cut to."""
    correlation: float
    """Lag-1 correlation, 0 where it is not significant."""
    up: tuple[float, ...]
    down: tuple[float, ...]
    """Sum of standardised scores at which each window of `WINDOWS` alarms."""
    burst_up: float
    burst_down: float
    """Most that ten consecutive interactions may add to a window, in either direction."""

    def standard(self, score: float, task: str) -> float:
        """A score in standard deviations from its task's mean."""
        mean = self.means.get(task)
        return (score - (self.means[""] if mean is None else mean)) / self.sd

    @classmethod
    def of(cls, scores: Sequence[float], tasks: Sequence[str], trait: Trait, *, chance: float, horizon: int) -> Self:
        """Learns the level from held-out scores of the baseline.

        Args:
            scores: In the order of time.
            tasks: Of each score.
            trait: The channel's.
            chance: Probability that the channel may ever alarm without drift.
            horizon: Interactions of a session.
        """
        given = len(scores)
        if trait.graded:
            scores, tasks = _cleaned(scores, tasks)
            given = len(scores)
        if min(scores) == max(scores):
            # Nothing ever happened, such as an override: as if it had once, or the first would be infinitely strange.
            scores, tasks = [*scores, scores[0] + 1.0], [*tasks, tasks[0]]
        means, pooled = _task_means(scores, tasks)
        rest = [score - means[task] for score, task in zip(scores, tasks, strict=True)]
        shift = math.fsum(rest) / len(rest)
        sd = math.sqrt(math.fsum((value - shift) ** 2 for value in rest) / (len(rest) - 1)) or 1.0
        values = [(value - shift) / sd for value in rest]
        low, high = min(values), max(values)
        correlation = _correlation(values)
        # Unequal mixes of tasks lean on the means of few tasks.
        effective = len(values) * (1.0 if pooled else 0.6)
        family = Tilted.of(values)
        limits = [
            _limits(family, effective, correlation, trait, window, chance=chance * share, horizon=horizon)
            for window, share in zip(WINDOWS, shares(trait), strict=True)
        ]
        evidence = _SHARE_OF_BURST * scan_threshold(chance / len(WINDOWS), 16, horizon)
        count = BURST / _inflation(correlation, BURST)
        bursts = [BURST * family.limit(evidence, count, effective, up=up) for up in (True, False)]
        return cls(
            n=given,
            means={task: mean + shift for task, mean in means.items()},
            sd=sd,
            low=low,
            high=high,
            correlation=correlation,
            up=tuple(up for up, _ in limits),
            down=tuple(down for _, down in limits),
            burst_up=bursts[0],
            burst_down=bursts[1],
        )


def shares(trait: Trait) -> tuple[float, ...]:
    """Each window's share of its channel's budget."""
    small = 0.1 if trait.graded else 0.0  # A burst may bring no more than half an alarm to these in other channels.
    raw = [small if n < 16 else 0.6 if n == 16 else 1.0 if n < 256 else 0.7 if n < 720 else 0.3 for n in WINDOWS]
    return tuple(_OVERLAP * share / sum(raw) for share in raw)


def _limits(
    family: Tilted, baseline: float, correlation: float, trait: Trait, window: int, *, chance: float, horizon: int
) -> tuple[float, float]:
    if not chance:
        return NEVER, -NEVER
    inflation = _inflation(correlation, window)
    whole = _inflation(correlation, 10**9)
    up, down = (
        window
        * family.limit(
            scan_threshold(chance * share, window, horizon), window / inflation, baseline / whole, up=share == trait.up
        )
        for share in (trait.up, 1 - trait.up)
    )
    return up, down


def _inflation(correlation: float, window: int) -> float:
    """Variance of a mean of `window` AR(1) values over that of independent ones."""
    if not correlation:
        return 1.0
    rho = correlation
    return (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**window) / (window * (1 - rho) ** 2)


def _correlation(values: Sequence[float]) -> float:
    """Lag-1 correlation, with its standard error added where it is significant."""
    n = len(values)
    total = math.fsum(a * b for a, b in pairwise(values))
    rho = total / math.fsum(value * value for value in values) if n > 2 else 0.0
    return min(rho + 1 / math.sqrt(n), 0.95) if rho > 2.5 / math.sqrt(n) else 0.0


def _task_means(scores: Sequence[float], tasks: Sequence[str]) -> tuple[dict[str, float], bool]:
    """Means per task, shrunk towards the mean of all by how much tasks really differ; whether they do not at all."""
    by: dict[str, list[float]] = {}
    for score, task in zip(scores, tasks, strict=True):
        by.setdefault(task, []).append(score)
    overall = math.fsum(scores) / len(scores)
    own = {task: math.fsum(found) / len(found) for task, found in by.items()}
    within = math.fsum((score - own[task]) ** 2 for score, task in zip(scores, tasks, strict=True))
    freedom = len(scores) - len(by)
    if len(by) < 2 or freedom < 1:
        return {**dict.fromkeys(by, overall), "": overall}, True
    variance = within / freedom
    between = math.fsum(len(by[task]) * (mean - overall) ** 2 for task, mean in own.items())
    # Expected without differences: (groups - 1) variances. Noise taken for differences would mislead as soon as the mix
    # of tasks changes, so they have to be well beyond it.
    groups = len(by) - 1
    if between <= variance * (groups + _APART * math.sqrt(2 * groups)):
        return {**dict.fromkeys(by, overall), "": overall}, True
    spread = (between - groups * variance) / (len(scores) - sum(len(f) ** 2 for f in by.values()) / len(scores))
    means = {
        task: overall + (mean - overall) * spread / (spread + variance / len(by[task])) for task, mean in own.items()
    }
    return {**means, "": overall}, False


def _cleaned(scores: Sequence[float], tasks: Sequence[str]) -> tuple[list[float], list[str]]:
    """Leaves out the far ones where they are too many to be a tail: a baseline with drift in it."""
    middle = median(scores)
    spread = 1.4826 * median([abs(score - middle) for score in scores])
    near = [abs(score - middle) <= _FAR * spread for score in scores]
    if not spread or sum(near) > 0.98 * len(scores):
        return list(scores), list(tasks)
    return list(compress(scores, near)), list(compress(tasks, near))
