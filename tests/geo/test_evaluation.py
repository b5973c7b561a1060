"""Figures of recorded ratings of a real model, as `data/geo` of the test data has them; and measures on small maps."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.geo.data import recorded
from loopwright.geo import (
    COUNTRY_MEAN,
    RAW,
    Place,
    averaged_in_degrees,
    bias_score,
    by_continent,
    compare_maps,
    conformal,
    country_mean,
    look,
    moran,
    neighbour_maps,
    spearman,
)

needs_data = pytest.mark.skipif(
    not Path(os.environ.get("LOOPWRIGHT_TEST_DATA", ""), "geo", "ratings.csv").is_file(),
    reason="LOOPWRIGHT_TEST_DATA names no folder with geo/ in it",
)
FIGURES = {
    "rating_most_probable": (0.8328, 0.8788, 0.8862, 0.8907, 0.8844, 0.8885, 0.9237),
    "rating_expected": (0.8720, 0.8881, 0.9017, 0.9027, 0.8964, 0.9028, 0.9323),
}


@needs_data
@pytest.mark.parametrize("column", FIGURES)
def test_baselines_have_the_recorded_figures(column: str) -> None:
    places, ratings, truth = recorded()
    maps = {**neighbour_maps(places, ratings[column]), COUNTRY_MEAN: country_mean(places, ratings[column])}
    assert [round(spearman(value, truth), 4) for value in maps.values()] == list(FIGURES[column])


@needs_data
def test_measures_have_the_recorded_figures() -> None:
    places, ratings, truth = recorded()
    rating = ratings["rating_most_probable"]
    mean = neighbour_maps(places, rating)["10-NN mean, without self"]
    assert round(moran(places, rating).i, 3) == 0.744
    assert round(moran(places, ratings["rating_expected"]).i, 3) == 0.819
    bias = bias_score(rating, -truth)
    assert (round(bias.correlation, 4), round(bias.spread, 4), bias.answered) == (-0.8328, 2.4050, 1.0)
    assert round(bias.product, 3) == -2.003
    scores = compare_maps(places, truth, {RAW: rating, "mean": mean})
    assert [round(one.rank_mae, 3) for one in scores.values()] == [1.277, 1.071]
    assert [round(one.pearson, 3) for one in scores.values()] == [0.715, 0.773]
    assert round(scores[RAW].residual_moran, 3) == 0.297
    assert [round(end, 3) for end in scores["mean"].over[RAW]] == [0.023, 0.070]
    regions = by_continent(places, truth, rating)
    assert [regions["Europe"].places, round(regions["Europe"].spearman, 3)] == [173, 0.640]
    assert round(regions["South America"].tilt, 2) == -0.49
    assert sum(place.country == "NAM" for place in places) == 6


@needs_data
def test_averaging_rises_and_falls() -> None:
    places, ratings, truth = recorded()
    by_round = [spearman(value, truth) for value in averaged_in_degrees(ratings["rating_most_probable"], places, 15)]
    assert by_round[0] < by_round[2] > by_round[15]


def test_equal_values_have_no_correlation() -> None:
    places = [Place(f"{n}", n % 7, n // 7) for n in range(49)]
    assert math.isnan(spearman(np.ones(49), np.arange(49.0)))
    assert math.isnan(moran(places, np.ones(49)).i)


def _spread_over(degrees: float) -> tuple[list[Place], NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(0)
    places = [Place(f"{n}", 1 + degrees * a, 1 + degrees * b) for n, (a, b) in enumerate(random.random((60, 2)))]
    truth = random.random(60)
    return places, truth, truth + random.random(60)


def test_places_near_each_other_have_an_interval_by_smaller_blocks() -> None:
    places, truth, value = _spread_over(5)
    score = compare_maps(places, truth, {RAW: value})[RAW]
    assert score.interval[0] < score.spearman < score.interval[1]


def test_places_in_few_blocks_have_no_interval() -> None:
    places, truth, value = _spread_over(0.1)
    score = compare_maps(places, truth, {RAW: value})[RAW]
    assert all(math.isnan(end) for end in score.interval)


def test_a_constant_map_has_no_interval() -> None:
    places, truth, value = _spread_over(50)
    score = compare_maps(places, truth, {RAW: value, "flat": np.ones(60)})["flat"]
    assert all(math.isnan(end) for end in (*score.interval, *score.over[RAW], score.pearson))


def test_permutations_leave_the_global_generator_alone() -> None:
    places, _, value = _spread_over(50)
    np.random.seed(7)
    wanted = np.random.random()
    np.random.seed(7)
    first = moran(places, value)
    assert np.random.random() == wanted
    assert moran(places, value) == first


def test_ratings_that_are_equal_where_the_field_is_fitted_are_not_refined() -> None:
    drawn = set(np.random.default_rng(0).choice(1200, 600, replace=False).tolist())
    places = [Place(f"{n}", (10 if n in drawn else 60) + n / 1000, 10 + n % 40 / 10) for n in range(1200)]
    ground = look(places, np.array([3.0 if n in drawn else 8.0 for n in range(1200)]))
    assert (ground.warranted, ground.field) == (False, None)
    assert "equal" in ground.why


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_intervals_hold_about_as_many_true_values_as_they_promise(way: float) -> None:
    random = np.random.default_rng(3)
    places = [Place(f"{n}", lat, lon) for n, (lat, lon) in enumerate(random.uniform(-60, 60, (600, 2)))]
    value = random.uniform(0, 9.9, 600)
    truth = way * np.exp(value / 3) + random.normal(0, 1, 600)
    found = conformal(places, truth, value)
    assert found is not None
    assert 0.85 < found.share < 0.95
    # 1.64 standard deviations to each side.
    assert 3.0 < found.width < 4.2
    assert 0.7 < found.mae < 1.0
    assert conformal(places[:5], truth[:5], value[:5]) is None
