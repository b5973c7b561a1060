"""Who is near whom on the globe: right at the date line, near the poles, and where places share a spot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopwright.geo._libraries import library
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Flags, Numbers, Rows

RADIUS = 6371.0088
"""Mean radius of the Earth, in km."""
_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest other places of each place, nearest first."""

    index: Rows
    """Shape (places, k)."""
    km: Numbers
    """Great-circle distances, of the same shape."""

    def weights(self, k: int) -> Any:
        """Row-standardised weights of the k nearest, as a libpysal `Graph`."""
        np, graph = library("numpy"), library("libpysal.graph")
        n, k = len(self.index), min(k, self.index.shape[1])
        focal = np.repeat(np.arange(n), k)
        return graph.Graph.from_arrays(focal, self.index[:, :k].ravel(), np.full(n * k, 1 / k)).transform("r")


def find_neighbours(places: Sequence[Place], k: int, among: Flags | None = None) -> Neighbours:
    """Finds the k nearest other places of each place; fewer where there are fewer.

    Args:
        places: The places.
        k: How many.
        among: Which places may be neighbours; None for all.
    """
    np, trees = library("numpy"), library("sklearn.neighbors")
    points = np.radians([[place.latitude, place.longitude] for place in places])
    members = np.arange(len(places)) if among is None else np.flatnonzero(among)
    k = min(k, len(members) - 1)
    if k < 1:
        return Neighbours(np.empty((len(places), 0), int), np.empty((len(places), 0)))
    radians, found = trees.BallTree(points[members], metric="haversine").query(points, k=k + 1)
    index = members[found]
    # Self goes out by its number: where places share a spot it is not the first.
    own = index == np.arange(len(places))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(places), k)
    return Neighbours(index[~own].reshape(shape), radians[~own].reshape(shape) * RADIUS)


def bearing(start: Place, end: Place) -> str:
    """In which of eight directions one place lies from another, by the initial bearing."""
    a, b = math.radians(start.latitude), math.radians(end.latitude)
    east = math.radians(end.longitude - start.longitude)
    angle = math.atan2(
        math.sin(east) * math.cos(b), math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(east)
    )
    return _WINDS[round(math.degrees(angle) / 45) % 8]
