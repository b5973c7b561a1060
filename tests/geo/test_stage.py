"""Stages: what stands out is found, and a model that is asked about it decides only if it knows something."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from loopwright.geo import Place, Prediction, Proposal, Status, Table, joined, look, proposal, settle

N = 144
ODD = (30, 65, 100)
RATED: tuple[Status, ...] = tuple("rated" for _ in range(N))
SCALE = (0.0, 9.9)
PLACES = tuple(Place(f"p{number}", 40 + number // 12, 10.0 + number % 12) for number in range(N))
ERROR = np.random.default_rng(0).normal(0, 0.3, N)
SMOOTH = np.array([5 + 1.5 * np.sin(place.latitude / 3) + np.cos(place.longitude / 3) for place in PLACES])
TRUTH = np.where(np.isin(np.arange(N), ODD), np.where(SMOOTH < 5, 9.0, 1.0), SMOOTH)
RATING = TRUTH + ERROR


def first(spread: NDArray[np.float64] | None = None) -> Table:
    field = look(PLACES, RATING, spread).field
    assert field is not None
    noise = field.noise + (np.zeros(N) if spread is None else spread)
    return Table(RATING, RATING, np.full(N, np.nan), noise, RATED)


def test_a_few_that_stand_out_are_no_noise_of_all() -> None:
    field = look(PLACES, RATING).field
    assert field is not None
    assert field.noise < 3 * float(ERROR.var())


def stage(answers: Mapping[int, float], spread: float = 0.0) -> Table:
    own = np.full(N, spread) if spread else None
    table, field = first(own), look(PLACES, RATING, own).field
    assert field is not None
    proposed = proposal(PLACES, field, table)
    assert set(ODD) <= set(proposed.asked)
    assert len(proposed.asked) < N / 8
    return settle(table, proposed, {number: answers[number] for number in proposed.asked if number in answers}, SCALE)


def test_a_model_that_knows_keeps_what_truly_stands_out() -> None:
    after = stage(dict(enumerate(TRUTH)))
    assert {after.status[number] for number in ODD} == {"kept"}
    assert np.abs(after.value - TRUTH)[list(ODD)].max() < 1


@pytest.mark.parametrize("answers", [np.random.default_rng(1).uniform(*SCALE, N), np.full(N, 9.5), np.full(N, 5.0)])
def test_a_model_that_knows_nothing_changes_nothing(answers: NDArray[np.float64]) -> None:
    assert stage(dict(enumerate(answers))).value.tolist() == stage({}).value.tolist()


def test_a_place_whose_samples_agree_is_held_at_its_rating() -> None:
    without, held = stage({}), stage({}, spread=0.03)
    assert {held.status[number] for number in ODD} == {"held"}
    assert all(held.value[number] == RATING[number] != without.value[number] for number in ODD)
    assert stage(dict(enumerate(TRUTH)), spread=0.03).status[ODD[0]] == "kept"


def test_the_spread_of_samples_is_each_places_own_noise() -> None:
    rating, spread = joined([(5.0, 5.0, 5.0), (1.0, 5.0, 9.0), (), (2.0, 2.0, 2.0)])
    assert rating.tolist()[:2] == [5.0, 5.0]
    assert np.isnan(rating[2])
    assert spread is not None
    assert spread[1] > 2 * spread[0] > 0
    assert joined([(5.0,), (6.0,)])[1] is None


def test_an_answer_beyond_the_rating_is_one_for_the_rating() -> None:
    expected = Prediction(np.zeros(9), np.full(9, 0.1))
    rating = np.full(9, 5.0)
    table = Table(rating, rating, np.full(9, np.nan), np.full(9, 0.1), RATED[:9])
    proposed = Proposal(expected, tuple(range(9)), np.zeros(9, bool))
    after = settle(table, proposed, {**dict.fromkeys(range(6), 5.0), 6: 9.0, 7: 0.0, 8: 2.5}, SCALE)
    assert after.status[:6] == ("kept",) * 6
    assert [(after.status[one], after.value[one]) for one in (6, 7, 8)] == [
        ("kept", 5.0), ("neighbours", 0.0), ("revised", 2.5)
    ]  # fmt: skip


def test_two_places_on_one_spot_are_refined_like_others() -> None:
    places = (*PLACES[:-1], Place("twin", PLACES[0].latitude, PLACES[0].longitude))
    ground = look(places, RATING)
    assert ground.field is not None
    table = Table(RATING, RATING, np.full(N, np.nan), np.full(N, ground.field.noise), RATED)
    after = settle(table, proposal(places, ground.field, table), {}, SCALE)
    assert np.isfinite(after.value).all()
    assert abs(after.value - RATING).max() < 9.9
