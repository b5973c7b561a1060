"""Neighbours on the globe."""

from __future__ import annotations

import numpy as np

from loopwright.geo import Place, find_neighbours


def test_the_date_line_separates_nobody() -> None:
    places = [Place("w", 0, -179.9), Place("e", 0, 179.9), Place("far", 0, 90)]
    near = find_neighbours(places, 1)
    assert near.index.ravel().tolist()[:2] == [1, 0]
    assert round(float(near.km[0, 0]), 2) == 22.24


def test_poles_and_meridians_at_180_degrees() -> None:
    places = [
        Place("n", 90, 0),
        Place("also n", 90, 180),
        Place("s", -90, -180),
        Place("e", 0, 180),
        Place("w", 0, -180),
    ]
    near = find_neighbours(places, 1)
    assert near.index.ravel().tolist()[:2] == [1, 0]
    assert near.index.ravel().tolist()[3:] == [4, 3]


def test_places_on_one_spot_are_neighbours_and_not_their_own() -> None:
    places = [Place(f"{number}", 10, 10) for number in range(10)]
    near = find_neighbours(places, 3)
    assert all(number not in row for number, row in enumerate(near.index.tolist()))
    assert float(near.km.max()) == 0


def test_one_place_has_none_and_few_have_few() -> None:
    assert find_neighbours([Place("a", 1, 1)], 10).index.shape == (1, 0)
    assert find_neighbours([Place("a", 1, 1), Place("b", 2, 2)], 10).index.tolist() == [[1], [0]]


def test_only_some_may_be_neighbours() -> None:
    places = [Place("a", 0, 0), Place("b", 0, 1), Place("c", 0, 2)]
    near = find_neighbours(places, 1, np.array([True, False, True]))
    assert near.index.ravel().tolist() == [2, 2, 0] or near.index.ravel().tolist() == [2, 0, 0]
