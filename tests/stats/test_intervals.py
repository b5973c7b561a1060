"""Intervals against published and independently computed numbers."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.stats import Interval, clopper_pearson, clustered_error, credible, mean_interval, rate_interval, wilson

RATES = [
    (8, 10, (0.490162, 0.943318), (0.443905, 0.974789), (0.482244, 0.939782)),
    (10, 10, (0.722467, 1), (0.691503, 1), (0.715086, 0.997701)),
    (0, 10, (0, 0.277533), (0, 0.308497), (0.002299, 0.284914)),
    (45, 50, (0.786398, 0.956524), (0.781865, 0.966725), (0.785855, 0.955580)),
    (90, 100, (0.825634, 0.944771), (0.823777, 0.950995), (0.825447, 0.944363)),
    (437, 500, (0.842032, 0.900265), (0.841686, 0.901804), (0.841996, 0.900214)),
]


def close(interval: Interval, expected: tuple[float, float]) -> bool:
    return (interval.low, interval.high) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("x", "n", "by_wilson", "by_clopper", "by_beta"), RATES)
def test_worked_numbers(
    x: int,
    n: int,
    by_wilson: tuple[float, float],
    by_clopper: tuple[float, float],
    by_beta: tuple[float, float],
) -> None:
    assert close(wilson(x, n), by_wilson)
    assert close(clopper_pearson(x, n), by_clopper)
    assert close(credible(x, n), by_beta)


def test_nothing_known_is_the_whole_range() -> None:
    assert close(wilson(0, 0), (0, 1))
    assert close(clopper_pearson(0, 0), (0, 1))
    assert close(mean_interval([]), (0, 1))


@pytest.mark.parametrize(("x", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(x: int, n: int) -> None:
    for method in (wilson, clopper_pearson, credible):
        with pytest.raises(ValueError, match="successes"):
            method(x, n)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_share(confidence: float) -> None:
    for method in (wilson, clopper_pearson, credible):
        with pytest.raises(ValueError, match="confidence"):
            method(1, 3, confidence)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_intervals_hold_the_rate_and_mirror(counts: tuple[int, int], confidence: float) -> None:
    x, n = counts
    for method in (wilson, clopper_pearson):
        interval, mirror = method(x, n, confidence), method(n - x, n, confidence)
        assert 0 <= interval.low <= x / n <= interval.high <= 1
        assert (interval.low, interval.high) == pytest.approx((1 - mirror.high, 1 - mirror.low), abs=1e-9)


def test_clustered_error_of_the_worked_example() -> None:
    scores = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    tasks = list("aaaabbbbcccc")
    assert clustered_error(scores, tasks) == pytest.approx(0.180021, abs=1e-6)
    naive = clustered_error(scores, range(12)) * (12 / 11) ** 0.5
    assert naive == pytest.approx(0.148647, abs=1e-6)


def test_repeats_of_a_task_are_not_new_evidence() -> None:
    tasks = [f"t{i}" for i in range(30)]
    scores = [float(i % 3 == 0) for i in range(30)]
    once = mean_interval(scores, tasks)
    repeated = mean_interval([s for s in scores for _ in range(8)], [t for t in tasks for _ in range(8)])
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=1e-9)
    ignoring_tasks = mean_interval([s for s in scores for _ in range(8)])
    assert ignoring_tasks.high - ignoring_tasks.low < 0.5 * (once.high - once.low)
    assert "30 clusters" in once.method


def test_equal_scores_do_not_make_a_point() -> None:
    interval = mean_interval([1.0] * 40, ["a", "b"] * 20)
    assert close(interval, (wilson(2, 2).low, 1))


def test_mean_interval_covers_clustered_rates() -> None:
    rng = random.Random(7)
    covered = 0
    for _ in range(400):
        values, tasks = [], []
        for task in range(12):
            p = rng.betavariate(1.2, 0.8)
            values += [float(rng.random() < p) for _ in range(5)]
            tasks += [task] * 5
        interval = mean_interval(values, tasks)
        covered += interval.low <= 0.6 <= interval.high
    assert 0.92 <= covered / 400 <= 0.99


def test_scores_outside_the_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        mean_interval([0.5, 1.5])
    with pytest.raises(ValueError, match="shorter"):
        mean_interval([0.5, 0.5], ["a"])


def test_wider_with_more_confidence() -> None:
    for low, high in combinations([0.5, 0.8, 0.95, 0.99], 2):
        narrow, wide = wilson(7, 10, low), wilson(7, 10, high)
        assert wide.low < narrow.low < narrow.high < wide.high


def test_a_rate_counts_repeats_of_a_unit_as_alike() -> None:
    passed = [True, True, True, True, False, False, False, False]
    assert rate_interval(passed, [*"abcdefgh"]) == wilson(4, 8)
    alike = rate_interval(passed, [*"aaaabbbb"])
    assert alike == mean_interval([float(one) for one in passed], [*"aaaabbbb"])
    assert alike.high - alike.low > wilson(4, 8).high - wilson(4, 8).low
