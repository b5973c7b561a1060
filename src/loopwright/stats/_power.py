"""How many tasks or runs a claim needs. All are two-sided; counts are rounded up."""

from __future__ import annotations

from math import ceil, sqrt

from loopwright.stats._special import normal_quantile


def runs_per_arm(sd: float, difference: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Runs of each system that tell two mean pass rates apart on a fixed set of tasks.

    r = 2 (z_a + z_b)^2 (sd / difference)^2, with Guenther's (1981) z_a^2 / 4 added for an sd that is estimated.
    It says nothing about new tasks.

    Args:
        sd: Standard deviation of a whole run's pass rate between runs.
        difference: The difference to be found, in the same unit.
        power: Wanted chance to find it.
        alpha: Accepted chance of a false claim.

    Raises:
        ValueError: An argument that is not positive, or no share where one is needed.
    """
    _positive(sd, difference)
    z_a, z_b = _quantiles(power, alpha)
    return ceil(2 * ((z_a + z_b) * sd / difference) ** 2 + z_a * z_a / 4)


def tasks_for_paired_rates(difference: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Tasks that a paired pass or fail comparison with one rollout each needs.

    n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2, where psi is the share of tasks on which the two disagree.

    Raises:
        ValueError: The discordance is smaller than the difference, or an argument is out of range.
    """
    _positive(difference, discordance)
    if not difference <= discordance <= 1:
        raise ValueError(f"need difference <= discordance <= 1, got {difference} and {discordance}")
    z_a, z_b = _quantiles(power, alpha)
    root = z_a * sqrt(discordance) + z_b * sqrt(discordance - difference**2)
    return ceil((root / difference) ** 2)


def tasks_for_paired_means(
    difference: float,
    between: float,
    *,
    within: tuple[float, float] = (0.0, 0.0),
    rollouts: tuple[int, int] = (1, 1),
    power: float = 0.8,
    alpha: float = 0.05,
) -> int:
    """Tasks that a paired comparison of mean scores needs (Miller 2024, arXiv 2411.00640, eq. 9).

    n = (z_a + z_b)^2 (w^2 + v_A / K_A + v_B / K_B) / d^2.

    Args:
        difference: The difference to be found.
        between: w^2, variance over tasks of the difference of the two expected scores.
        within: v_A and v_B, mean variance of one rollout's score inside a task.
        rollouts: K_A and K_B, rollouts per task.
        power: Wanted chance to find it.
        alpha: Accepted chance of a false claim.

    Raises:
        ValueError: An argument is out of range.
    """
    _positive(difference, *rollouts)
    if between < 0 or min(within) < 0:
        raise ValueError("a variance cannot be negative")
    variance = between + within[0] / rollouts[0] + within[1] / rollouts[1]
    return ceil(sum(_quantiles(power, alpha)) ** 2 * variance / difference**2)


def tasks_for_unpaired_rates(rate: float, difference: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Tasks of each arm where the two systems run on different tasks: the pooled two-proportion z-test.

    Raises:
        ValueError: `rate` or `rate + difference` is not a share.
    """
    _positive(difference)
    other = rate + difference
    if not (0 <= rate <= 1 and other <= 1):
        raise ValueError(f"need shares in [0, 1], got {rate} and {other}")
    middle = (rate + other) / 2
    z_a, z_b = _quantiles(power, alpha)
    root = z_a * sqrt(2 * middle * (1 - middle)) + z_b * sqrt(rate * (1 - rate) + other * (1 - other))
    return ceil((root / difference) ** 2)


def _quantiles(power: float, alpha: float) -> tuple[float, float]:
    if not (0 < power < 1 and 0 < alpha < 1):
        raise ValueError(f"power and alpha must be inside (0, 1), got {power} and {alpha}")
    return normal_quantile(1 - alpha / 2), normal_quantile(power)


def _positive(*values: float) -> None:
    if any(value <= 0 for value in values):
        raise ValueError(f"need positive numbers, got {values}")
