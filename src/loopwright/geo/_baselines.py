"""Maps that need no further call: what refining must be better than."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loopwright.geo._field import smooth_whole
from loopwright.geo._libraries import library
from loopwright.geo._neighbours import find_neighbours
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

K = 10
"""Neighbours whose ratings are averaged."""
RAW = "raw rating"
COUNTRY_MEAN = "country mean, leave-one-out"
"""An upper reference where truth is constant within countries, not a rival."""


def neighbour_maps(places: Sequence[Place], rating: Numbers) -> dict[str, Numbers]:
    """Maps from ratings of neighbours, by name. All ratings must be known."""
    np = library("numpy")
    near = find_neighbours(places, K)
    nearness = 1 / np.maximum(near.km, 1.0)
    mean = rating[near.index].mean(axis=1)
    inverse = (rating[near.index] * nearness).sum(axis=1) / nearness.sum(axis=1)
    once = (rating + mean) / 2
    twice = (once + once[near.index].mean(axis=1)) / 2
    return {
        RAW: rating,
        "10-NN mean, without self": mean,
        "half self, half 10-NN, one round": once,
        "the same, two rounds": twice,
        "inverse distance, without self": inverse,
        "half self, half inverse distance": (rating + inverse) / 2,
    }


def process_maps(places: Sequence[Place], rating: Numbers) -> dict[str, Numbers]:
    """Gaussian processes on all places at once; the time grows with the cube of their number."""
    found = {"Gaussian process, smoothed": smooth_whole(places, rating, countries=False)}
    if len({place.country for place in places}) > 1:
        found["the same with a country effect"] = smooth_whole(places, rating, countries=True)
    return found


def kriging_map(places: Sequence[Place], rating: Numbers) -> Numbers:
    """Ordinary kriging by PyKrige in 5 folds, the own rating unseen; exponential, fitted by default."""
    np, ok, selection = library("numpy"), library("pykrige.ok"), library("sklearn.model_selection")
    longitude = np.array([place.longitude for place in places])
    latitude = np.array([place.latitude for place in places])
    found: Numbers = np.empty(len(places))
    for seen, unseen in selection.KFold(5, shuffle=True, random_state=0).split(latitude):
        kriging = ok.OrdinaryKriging(
            longitude[seen], latitude[seen], rating[seen], variogram_model="exponential", coordinates_type="geographic"
        )
        found[unseen] = kriging.execute("points", longitude[unseen], latitude[unseen])[0]
    return found


def country_mean(places: Sequence[Place], rating: Numbers) -> Numbers:
    """The mean of the other places of a country; a place alone in its country gets the mean of its neighbours."""
    np = library("numpy")
    near = find_neighbours(places, K)
    countries = np.array([place.country for place in places])
    found: Numbers = rating[near.index].mean(axis=1)
    for name in set(countries.tolist()) - {""}:
        rows = countries == name
        if rows.sum() > 1:
            found[rows] = (rating[rows].sum() - rating[rows]) / (rows.sum() - 1)
    return found


def averaged_in_degrees(rating: Numbers, places: Sequence[Place], rounds: int) -> list[Numbers]:
    """Rounds of averaging with the ten nearest by degrees of latitude and longitude, as GeoSR takes its neighbours."""
    np, trees = library("numpy"), library("sklearn.neighbors")
    points = np.array([[place.latitude, place.longitude] for place in places])
    near = trees.KDTree(points).query(points, k=K + 1, return_distance=False)[:, 1:]
    found = [rating]
    for _ in range(rounds):
        found.append((found[-1] + found[-1][near].mean(axis=1)) / 2)
    return found
