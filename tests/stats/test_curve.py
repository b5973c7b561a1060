"""Power-law fits and the stop that rests on them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.stats import fit_power_law, predicted_asymptote


def curve(n: int) -> list[float]:
    return [0.9 - 0.4 / x for x in range(1, n + 1)]


@pytest.mark.parametrize(("level", "remaining"), [(3, 0.1333), (4, 0.1), (6, 0.0667), (8, 0.05)])
def test_an_exact_curve_is_recovered(level: int, remaining: float) -> None:
    fit = fit_power_law(curve(level))
    assert (fit.a, fit.b, fit.c) == pytest.approx((0.4, 1, 0.9), abs=1e-3)
    assert fit.remaining(level) == pytest.approx(remaining, abs=1e-3)
    assert fit.gain(level) == pytest.approx(0.4 / level - 0.4 / (level + 1), abs=1e-3)


@pytest.mark.parametrize(("tau", "first"), [(0.0501, 9), (0.0201, 21)])
def test_stops_one_after_the_gain_left_is_small(tau: float, first: int) -> None:
    """The gain left is a / x: at most tau from x = 8 and 20 on, and it has to hold twice."""
    stops = [n for n in range(1, 30) if predicted_asymptote(curve(n), remaining=tau) is not None]
    assert stops == list(range(first, 30))
    assert predicted_asymptote(curve(first), remaining=tau) == pytest.approx(0.9, abs=1e-3)


def test_a_flat_curve_stops_at_six() -> None:
    assert [predicted_asymptote([0.5] * n) for n in (5, 6)] == [None, pytest.approx(0.5)]


def test_a_steep_curve_goes_on() -> None:
    assert predicted_asymptote([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]) is None


def test_falling_scores_count_as_best_so_far() -> None:
    assert predicted_asymptote([0.6, 0.1, 0.0, 0.2, 0.5, 0.6]) == pytest.approx(0.6)


def test_two_points_are_no_curve() -> None:
    with pytest.raises(ValueError, match="three points"):
        fit_power_law([0.1, 0.2])


@given(st.lists(st.floats(0, 1), min_size=3, max_size=12))
def test_every_fit_is_inside_its_bounds(scores: list[float]) -> None:
    fit = fit_power_law(scores)
    assert fit.a >= 0
    assert 0.05 <= fit.b <= 5
    assert fit.c <= 1.5 + 1e-9


@given(st.lists(st.floats(0, 1), min_size=6, max_size=10))
def test_a_prediction_is_at_least_the_best_and_near_it(scores: list[float]) -> None:
    reached = predicted_asymptote(scores)
    if reached is not None:
        assert reached <= 1 + 1e-9


def test_noise_is_survived() -> None:
    rng = random.Random(1)
    noisy = [y + rng.gauss(0, 0.01) for y in curve(12)]
    assert fit_power_law(noisy).c == pytest.approx(0.9, abs=0.1)
