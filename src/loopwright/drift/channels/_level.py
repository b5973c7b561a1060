"""The level of a channel in the baseline: per-task means, spread, correlation, and the limits of its windows."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from statistics import median
from typing import Self

from loopwright.drift.channels._channels import Signal
from loopwright.drift.channels._deviance import NEVER, ExponentialTilt, scan_threshold

WINDOWS = (4, 5, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 180, 256, 360, 512, 720, 1024, 1440)
"""Lengths of the windows that are watched."""

_SHARES = ((720, 0.3), (512, 0.6), (256, 0.9), (32, 1.2), (22, 0.7), (16, 0.4))
"""Length from which on a window has this weight in its signal's budget."""
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
_SHARE_OF_BURST = 0.7
"""Share of the evidence for an alarm that one burst can bring at most."""
_SHARE_OF_CLUMP = 0.4
"""The same where scores depend on each other."""
_CLUMPED = 1.4
"""Times that the correlation of skewed scores counts; by simulation."""


@dataclass(frozen=True, slots=True)
class ChannelBaseline:
    """What is usual in a signal."""

    n: int
    """Scores in the baseline."""
    effective: float
    """As many independent scores tell its mean as well."""
    means: Mapping[str, float]
    """Task to its mean score; the empty name stands for tasks that were not seen."""
    sd: float
    low: float
    high: float
    """Range that standardised scores are cut to."""
    tail: float
    """Standardised score that a tenth of the baseline or less reaches."""
    correlation: float
    """Lag-1 correlation, 0 where it is not significant."""
    up: tuple[float, ...]
    down: tuple[float, ...]
    """Sum of standardised scores at which each window of `WINDOWS` alarms."""
    values: tuple[float, ...]
    """Standardised scores of the baseline in the order of time, to four decimals."""
    burst_up: float
    burst_down: float
    """Most that ten consecutive interactions may add to a window, in either direction."""

    @classmethod
    def of(cls, scores: Sequence[float], tasks: Sequence[str], signal: Signal, *, chance: float, horizon: int) -> Self:
        """Learns the level from held-out scores of the baseline.

        Args:
            scores: In the order of time.
            tasks: Of each score.
            signal: What is scored.
            chance: Probability that the channel may ever alarm without drift.
            horizon: Interactions of a session.
        """
        given = len(scores)
        if signal.graded:
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
        if correlation and abs(math.fsum(value**3 for value in values)) > len(values):
            # Flags that depend on each other come in clumps, whose tail is heavier than their variance tells.
            correlation = min(_CLUMPED * correlation, 0.95)
        # Unequal mixes of tasks lean on the means of few tasks.
        effective = len(values) * (1.0 if pooled else 0.6)
        family = ExponentialTilt.of(values)
        limits = [
            _limits(family, effective, correlation, signal, window, chance=chance * share, horizon=horizon)
            for window, share in zip(WINDOWS, shares(signal), strict=True)
        ]
        evidence = (_SHARE_OF_CLUMP if correlation else _SHARE_OF_BURST) * scan_threshold(
            chance / len(WINDOWS), 16, horizon
        )
        count = BURST / inflation(correlation, BURST)
        bursts = [BURST * family.limit(evidence, count, effective, up=up) for up in (True, False)]
        return cls(
            n=given,
            effective=effective / inflation(correlation, 10**9),
            means={task: mean + shift for task, mean in means.items()},
            sd=sd,
            low=low,
            high=high,
            tail=_tail(values),
            correlation=correlation,
            up=tuple(up for up, _ in limits),
            down=tuple(down for _, down in limits),
            values=tuple(round(value, 4) for value in values),
            burst_up=bursts[0],
            burst_down=bursts[1],
        )


def shares(signal: Signal) -> tuple[float, ...]:
    """Each window's share of its channel's budget."""
    small = 0.1 if signal.graded else 0.0  # In other signals these would see bursts more than drift.
    raw = [next(share for least, share in _SHARES if n >= least) if n >= 16 else small for n in WINDOWS]
    return tuple(_OVERLAP * share / sum(raw) for share in raw)


def _limits(
    family: ExponentialTilt,
    baseline: float,
    correlation: float,
    signal: Signal,
    window: int,
    *,
    chance: float,
    horizon: int,
) -> tuple[float, float]:
    if not chance:
        return NEVER, -NEVER
    own = inflation(correlation, window)
    whole = inflation(correlation, 10**9)

    def limit(share: float, *, up: bool) -> float:
        if not share:
            return NEVER if up else -NEVER
        evidence = scan_threshold(chance * share, window, horizon)
        return window * family.limit(evidence, window / own, baseline / whole, up=up)

    return limit(signal.up, up=True), limit(1 - signal.up, up=False)


def inflation(correlation: float, window: int) -> float:
    """Variance of a mean of `window` AR(1) values over that of independent ones."""
    if not correlation:
        return 1.0
    rho = correlation
    return (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**window) / (window * (1 - rho) ** 2)


def _tail(values: Sequence[float]) -> float:
    ordered = sorted(values)
    at = ordered[-(len(ordered) // 10)]
    # Of equal values all or none are in the tail; flags that are common have none.
    return at if bisect_left(ordered, at) >= 0.9 * len(ordered) else next((v for v in ordered if v > at), at + 1.0)


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


def few(scores: Sequence[float]) -> bool:
    """Whether fewer than half of the scores differ from each other."""
    return 2 * len(set(scores)) < len(scores)


def _cleaned(scores: Sequence[float], tasks: Sequence[str]) -> tuple[list[float], list[str]]:
    """Leaves out the far ones where they are too many to be a tail: a baseline with drift in it.

    Not where most scores are repeated, as of agents who say one of a few things: whatever is not the most frequent lies
    far from it there.
    """
    if few(scores):
        return list(scores), list(tasks)
    middle = median(scores)
    spread = 1.4826 * median([abs(score - middle) for score in scores])
    near = [abs(score - middle) <= _FAR * spread for score in scores]
    if not spread or sum(near) > 0.98 * len(scores):
        return list(scores), list(tasks)
    return list(compress(scores, near)), list(compress(tasks, near))
