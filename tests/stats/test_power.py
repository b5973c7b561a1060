"""Sample sizes against published tables."""

from __future__ import annotations

import pytest

from loopwright.stats import (
    runs_per_arm,
    tasks_for_paired_means,
    tasks_for_paired_rates,
    tasks_for_unpaired_rates,
)


@pytest.mark.parametrize(("difference", "power", "by_normal"), [(2, 0.8, 9), (2, 0.95, 15), (1, 0.8, 36), (3, 0.8, 4)])
def test_runs_are_one_more_than_the_normal_formula_says(difference: float, power: float, by_normal: int) -> None:
    assert runs_per_arm(1.5, difference, power=power) == by_normal + 1


@pytest.mark.parametrize(
    ("difference", "discordance", "tasks"),
    [
        (0.02, 0.02, 391),
        (0.02, 0.05, 979),
        (0.02, 0.10, 1960),
        (0.02, 0.15, 2941),
        (0.02, 0.20, 3923),
        (0.02, 0.30, 5885),
        (0.02, 0.40, 7847),
        (0.05, 0.1, 312),
        (0.05, 0.2, 626),
        (0.05, 0.3, 940),
        (0.10, 0.1, 77),
        (0.10, 0.2, 155),
        (0.10, 0.3, 234),
    ],
)
def test_paired_rates(difference: float, discordance: float, tasks: int) -> None:
    assert tasks_for_paired_rates(difference, discordance) == tasks


@pytest.mark.parametrize(
    ("difference", "within", "rollouts", "tasks"),
    [(0.03, 0, 1, 969), (0.03, 1 / 6, 10, 1260), (0.03, 1 / 6, 1, 3877), (0.02, 1 / 6, 10, 2835)],
)
def test_paired_means(difference: float, within: float, rollouts: int, tasks: int) -> None:
    got = tasks_for_paired_means(difference, 1 / 9, within=(within, within), rollouts=(rollouts, rollouts))
    assert got == pytest.approx(tasks, abs=1)


@pytest.mark.parametrize(("rate", "tasks"), [(0.5, 9806), (0.6, 9336), (0.8, 6039), (0.9, 3213)])
def test_unpaired_rates(rate: float, tasks: int) -> None:
    assert tasks_for_unpaired_rates(rate, 0.02) == tasks


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="discordance"):
        tasks_for_paired_rates(0.2, 0.1)
    with pytest.raises(ValueError, match="positive"):
        runs_per_arm(1.5, 0)
    with pytest.raises(ValueError, match="power"):
        runs_per_arm(1.5, 2, power=80)
    with pytest.raises(ValueError, match="negative"):
        tasks_for_paired_means(0.1, -0.1)
    with pytest.raises(ValueError, match="shares"):
        tasks_for_unpaired_rates(0.95, 0.1)
