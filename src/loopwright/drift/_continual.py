"""Metrics over a trace of evaluations (De Lange, van de Ven and Tuytelaars 2023, arXiv 2205.13452).

An evaluation set is a frozen suite of probes for one skill; an iteration is every change of prompt, strategy or
memory. Sparse evaluation hides drops, so evaluate after each change.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence


def min_acc(traces: Sequence[Sequence[float]]) -> float:
    """Mean over skills of the lowest accuracy each had after it was learned (their eq. 1).

    Args:
        traces: Of each earlier skill, its accuracies since it was learned.

    Raises:
        ValueError: There is no trace, or an empty one.
    """
    if not traces or not all(traces):
        raise ValueError("need a trace for each earlier skill, none of them empty")
    return math.fsum(min(trace) for trace in traces) / len(traces)


def wc_acc(current: float, traces: Sequence[Sequence[float]]) -> float:
    """Worst-case accuracy: current / k + (1 - 1 / k) min-ACC with k skills (their eq. 2)."""
    k = len(traces) + 1
    return current / k + (1 - 1 / k) * min_acc(traces)


def forgetting(trace: Sequence[float], window: int) -> float:
    """Windowed forgetting: the largest drop within `window` evaluations, at least 0; O(1) per evaluation.

    Args:
        trace: Accuracies in order.
        window: Evaluations looked at together, 2 or more.

    Raises:
        ValueError: The window is under 2.
    """
    if window < 2:
        raise ValueError(f"a window holds two evaluations or more, not {window}")
    highest: deque[tuple[int, float]] = deque()
    worst = 0.0
    for at, value in enumerate(trace):
        if highest and highest[0][0] <= at - window:
            highest.popleft()
        if highest:
            worst = max(worst, highest[0][1] - value)
        while highest and highest[-1][1] <= value:
            highest.pop()
        highest.append((at, value))
    return worst


def plasticity(trace: Sequence[float], window: int) -> float:
    """Windowed plasticity: the largest rise within `window` evaluations, at least 0.

    Raises:
        ValueError: The window is under 2.
    """
    return forgetting([-value for value in trace], window)
