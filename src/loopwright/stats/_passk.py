"""pass@k and pass^k from repeated rollouts of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Outcomes of one task's independent rollouts: whole attempts, never the unit tests of one."""

    successes: int
    n: int


def pass_at_k(successes: int, rollouts: int, k: int) -> float:
    """Chance that at least one of k rollouts of a task succeeds: 1 - C(n-c, k) / C(n, k).

    Unbiased (Chen et al. 2021, arXiv 2107.03374, eq. 1), unlike 1 - (1 - c/n)^k. Average it over tasks; never
    pool the counts of several tasks.

    Raises:
        ValueError: Not 0 <= successes <= rollouts, or not 1 <= k <= rollouts.
    """
    _check(successes, rollouts, k)
    return 1.0 - comb(rollouts - successes, k) / comb(rollouts, k)


def pass_hat_k(successes: int, rollouts: int, k: int) -> float:
    """Chance that all of k rollouts of a task succeed, pass^k: C(c, k) / C(n, k).

    Unbiased (Yao et al. 2024, tau-bench, arXiv 2406.12045), unlike (c/n)^k. Average it over tasks.

    Raises:
        ValueError: As `pass_at_k`.
    """
    _check(successes, rollouts, k)
    return comb(successes, k) / comb(rollouts, k)


def suite_pass_at_k(tasks: Sequence[Rollouts], k: int) -> float:
    """Mean of pass@k over tasks.

    Raises:
        ValueError: No tasks, or a task with fewer than k rollouts.
    """
    return _mean([pass_at_k(task.successes, task.n, k) for task in tasks])


def suite_pass_hat_k(tasks: Sequence[Rollouts], k: int) -> float:
    """Mean of pass^k over tasks.

    Raises:
        ValueError: As `suite_pass_at_k`.
    """
    return _mean([pass_hat_k(task.successes, task.n, k) for task in tasks])


def posterior_pass_at_k(successes: int, rollouts: int, k: int) -> float:
    """Posterior mean of 1 - (1 - p)^k under a uniform prior on p; defined for every k >= 1.

    Raises:
        ValueError: Not 0 <= successes <= rollouts, or k < 1.
    """
    return 1.0 - posterior_pass_hat_k(rollouts - successes, rollouts, k)


def posterior_pass_hat_k(successes: int, rollouts: int, k: int) -> float:
    """Posterior mean of p^k under a uniform prior on p: prod over i < k of (1 + c + i) / (2 + n + i).

    Raises:
        ValueError: As `posterior_pass_at_k`.
    """
    if not 0 <= successes <= rollouts or k < 1:
        raise ValueError(f"need 0 <= successes <= rollouts and k >= 1, got {successes} of {rollouts}, k={k}")
    return prod((1 + successes + i) / (2 + rollouts + i) for i in range(k))


def _check(successes: int, rollouts: int, k: int) -> None:
    if not 0 <= successes <= rollouts or not 1 <= k <= rollouts:
        raise ValueError(
            f"need 0 <= successes <= rollouts and 1 <= k <= rollouts, got {successes} of {rollouts}, k={k}"
        )


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("no tasks")
    return sum(values) / len(values)
