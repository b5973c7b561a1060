"""pass@k and pass^k against worked numbers and against counting."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.stats import (
    Rollouts,
    pass_at_k,
    pass_hat_k,
    posterior_pass_at_k,
    posterior_pass_hat_k,
    suite_pass_at_k,
    suite_pass_hat_k,
)


@pytest.mark.parametrize(
    ("n", "c", "k", "at_least_one", "all_of_them"),
    [
        (10, 3, 5, 0.916667, 0),
        (10, 3, 1, 0.3, 0.3),
        (10, 8, 3, 1, 0.466667),
        (5, 3, 2, 0.9, 0.3),
        (20, 15, 4, 0.998968, 0.281734),
        (10, 6, 5, 1, 0.0238095),
        (10, 0, 5, 0, 0),
        (10, 10, 5, 1, 1),
    ],
)
def test_worked_numbers(n: int, c: int, k: int, at_least_one: float, all_of_them: float) -> None:
    assert pass_at_k(c, n, k) == pytest.approx(at_least_one, abs=1e-6)
    assert pass_hat_k(c, n, k) == pytest.approx(all_of_them, abs=1e-6)


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_equals_counting_all_draws(case: tuple[int, int, int]) -> None:
    n, c, k = case
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(c, n, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(c, n, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_a_suite_averages_tasks() -> None:
    tasks = [Rollouts(c, 10) for c in (10, 8, 5, 0)]
    assert suite_pass_at_k(tasks, 1) == pytest.approx(0.575)
    assert suite_pass_at_k(tasks, 3) == pytest.approx(0.729167, abs=1e-6)
    assert suite_pass_hat_k(tasks, 3) == pytest.approx(0.3875)


def test_posterior_means() -> None:
    assert posterior_pass_hat_k(8, 10, 3) == pytest.approx(0.453297, abs=1e-6)
    assert posterior_pass_at_k(3, 10, 5) == pytest.approx(0.818681, abs=1e-6)


@pytest.mark.parametrize(("c", "n", "k"), [(4, 3, 1), (-1, 3, 1), (1, 3, 4), (1, 3, 0), (0, 0, 1)])
def test_impossible_questions_are_refused(c: int, n: int, k: int) -> None:
    for estimate in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="rollouts"):
            estimate(c, n, k)


def test_a_suite_refuses_too_few_rollouts_and_no_tasks() -> None:
    with pytest.raises(ValueError, match="k=3"):
        suite_pass_hat_k([Rollouts(2, 5), Rollouts(1, 2)], 3)
    with pytest.raises(ValueError, match="no tasks"):
        suite_pass_at_k([], 1)
    with pytest.raises(ValueError, match="k=0"):
        posterior_pass_hat_k(1, 2, 0)
