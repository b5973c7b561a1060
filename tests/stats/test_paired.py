"""Paired comparisons against worked numbers, against each other and under no difference."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.stats import bca, benjamini_hochberg, mcnemar, paired_difference, paired_values, sign_flip

A, B = "1110110110", "1100100110"


def system(outcomes: str) -> Mapping[str, Sequence[float]]:
    return {f"task-{i}": [float(outcome)] for i, outcome in enumerate(outcomes)}


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(12, 4, 0.076813), (9, 1, 0.021484), (6, 0, 0.03125), (5, 0, 0.0625), (2, 0, 0.5), (30, 18, 0.111403), (0, 0, 1)],
)
def test_exact_mcnemar(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p, abs=1e-6)
    assert mcnemar(only_b, only_a) == mcnemar(only_a, only_b)


def test_mid_p_mcnemar() -> None:
    assert mcnemar(12, 4, mid=True) == pytest.approx(0.049042, abs=1e-6)
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


@given(st.integers(0, 8), st.integers(0, 7))
def test_sign_flips_of_single_rollouts_are_mcnemar(only_a: int, only_b: int) -> None:
    assert sign_flip([1.0] * only_a + [-1.0] * only_b + [0.0] * 3) == pytest.approx(mcnemar(only_a, only_b))


def test_sampled_sign_flips_come_near_the_exact_ones() -> None:
    assert sign_flip([1.0] * 30 + [-1.0] * 18) == pytest.approx(mcnemar(30, 18), abs=0.012)


def test_worked_difference() -> None:
    result = paired_difference(system(A), system(B))
    assert result.difference == pytest.approx(0.2)
    assert result.error == pytest.approx(0.133333, abs=1e-6)
    assert (result.tasks, result.left_out, result.rollouts) == (10, 0, (10, 10))
    assert result.p_value == pytest.approx(mcnemar(2, 0))
    assert result.interval.method == "Bayesian bootstrap of 10 tasks"


def test_worked_bootstrap() -> None:
    interval = bca([float(a) - float(b) for a, b in zip(A, B, strict=True)])
    assert interval.low == 0
    # The exact level falls on the step from 0.5 to 0.6 of this small sample.
    assert interval.high == pytest.approx(0.55, abs=0.06)


def test_bootstrap_agrees_with_scipy() -> None:
    """Expected: scipy.stats.bootstrap(..., method="BCa", n_resamples=40_000) of scipy 1.17."""
    counts = {0.0: 9, 0.25: 4, 0.5: 3, 0.75: 1, 1.0: 3, -0.25: 2, -0.5: 1, -1.0: 1}
    values = [value for value, times in counts.items() for _ in range(times)]
    interval = bca(values)
    assert (interval.low, interval.high) == pytest.approx((-0.010417, 0.364583), abs=0.011)


def test_rollouts_are_averaged_inside_their_task() -> None:
    a = {"x": [1.0, 0.0, 1.0, 0.0], "y": [1.0], "only a": [0.0]}
    result = paired_difference(a, {"x": [0.5], "y": [0.0, 0.0]})
    assert (result.mean_a, result.mean_b, result.difference) == (0.75, 0.25, 0.5)
    assert (result.tasks, result.left_out, result.rollouts) == (2, 1, (5, 3))


def test_no_difference_seen_is_not_no_difference() -> None:
    same = paired_difference(system("1" * 15 + "0" * 15), system("1" * 15 + "0" * 15))
    # d = w - l of Dirichlet(1, 1, 30) has mean 0 and standard deviation sqrt(2 / (32 * 33)) = 0.0435.
    assert (same.interval.low, same.interval.high) == pytest.approx((-0.095, 0.095), abs=0.01)
    assert same.p_value == 1
    one = paired_difference({"x": [1.0]}, {"x": [0.0]})
    assert -1 < one.interval.low < 0 < one.interval.high < 1
    assert isnan(one.error)


def test_small_intervals_agree_with_the_mid_p_test() -> None:
    """Four wins, no loss, nine ties: mid-p 0.0625, so 95 % holds 0 and 90 % does not."""
    a, b = system("1" * 4 + "0" * 9), system("0" * 13)
    assert paired_difference(a, b, confidence=0.95).interval.low < 0
    assert paired_difference(a, b, confidence=0.90).interval.low > 0


@pytest.mark.parametrize("tasks", [8, 40])
def test_intervals_cover(tasks: int) -> None:
    rng = random.Random(3)
    covered = rejected = 0
    for run in range(200):
        a = {str(i): [float(rng.random() < 0.6)] for i in range(tasks)}
        b = {str(i): [float(rng.random() < 0.6)] for i in range(tasks)}
        result = paired_difference(a, b, resamples=300, seed=run)
        covered += result.interval.low <= 0 <= result.interval.high
        rejected += result.p_value < 0.05
    assert covered / 200 >= 0.92
    assert rejected / 200 <= 0.07


def test_equal_seeds_give_equal_results() -> None:
    a, b = system("1011" * 10), system("1101" * 10)
    assert paired_difference(a, b, seed=5) == paired_difference(a, b, seed=5)


def test_unusable_comparisons_are_refused() -> None:
    with pytest.raises(ValueError, match="no task in common"):
        paired_difference({"x": [1.0]}, {"y": [1.0]})
    bad: list[list[float]] = [[], [1.1]]
    for scores in bad:
        with pytest.raises(ValueError, match=r"rollouts with scores in \[0, 1\]"):
            paired_difference({"x": scores}, {"x": [1.0]})
    with pytest.raises(ValueError, match="differ"):
        bca([0.5, 0.5])


def test_benjamini_hochberg() -> None:
    p = [0.001, 0.008, 0.012, 0.03, 0.04, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert benjamini_hochberg(p) == [True] * 3 + [False] * 9
    assert benjamini_hochberg(p[::-1]) == [False] * 9 + [True] * 3
    # A p-value above its own line is rejected where a later one is below its line.
    assert benjamini_hochberg([0.04, 0.045], q=0.05) == [True, True]
    assert benjamini_hochberg([]) == []
    with pytest.raises(ValueError, match="q must"):
        benjamini_hochberg(p, q=5)


def test_values_are_compared_as_scores_are_in_their_own_unit() -> None:
    a, b = system("1110110110"), system("1100100110")
    scores = paired_difference(a, b)
    longer = [{task: [5 + 20 * value for value in values] for task, values in side.items()} for side in (a, b)]
    values = paired_values(*longer)
    assert (values.mean_a, values.mean_b) == pytest.approx((5 + 20 * scores.mean_a, 5 + 20 * scores.mean_b))
    assert values.difference == pytest.approx(20 * scores.difference)
    assert (values.interval.low, values.interval.high) == pytest.approx(
        (20 * scores.interval.low, 20 * scores.interval.high)
    )
    assert values.p_value == scores.p_value
