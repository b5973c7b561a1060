"""Places: a table of points with what is known of each, read from CSV, JSON lines or GeoJSON and checked at once."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopwright.errors import TaskError
from loopwright.project import GEOPARQUET, read_geoparquet, read_text
from loopwright.text import cut_middle

LARGEST = 64_000_000
"""Bytes of a file of places that are read, at most."""
_LONGEST = 1000
"""Characters of a place's id, at most."""
_HUGE = 1e100
"""From here on numbers are refused."""
_NAMES = {
    "latitude": ("latitude", "lat", "y"),
    "longitude": ("longitude", "lon", "lng", "long", "x"),
    "id": ("id", "name"),
    "context": ("context", "text", "address"),
    "country": ("country", "iso3", "iso2", "country_code"),
    "continent": ("continent",),
}
NO_VALUE = ("", "nan", "null", "none", "n/a", "-")
"""What stands in a truth column where there is no value; "NA" is not among them in other columns: it is Namibia."""
_ERRORS = (
    "ssl error",
    "api error",
    "traceback (most recent",
    "connection refused",
    "max retries exceeded",
    "http error",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One point."""

    id: str
    latitude: float
    """Degrees north, from -90 to 90."""
    longitude: float
    """Degrees east, from -180 to 180."""
    context: str = ""
    """What a model is told beside the coordinates, such as an address and what is nearby."""
    country: str = ""
    """A group whose places have something in common; empty for none."""
    continent: str = ""
    """A larger group, by which results are told."""
    covariates: Mapping[str, float | str] = field(default_factory=dict, hash=False)
    """What else is known, by name: a number, or a group that the place belongs to."""


def load_places(path: str | Path) -> tuple[Place, ...]:
    """Reads a file of places: `.csv`, `.jsonl`, `.geojson` or `.parquet` (GeoParquet).

    Raises:
        TaskError: It cannot be read as places; names file, line and remedy.
        MissingExtra: It is GeoParquet, and the extra `geoparquet` is not installed.
    """
    path = Path(path)
    read = read_geoparquet if path.suffix.lower() == GEOPARQUET else read_text
    return parse_places(read(path, LARGEST), str(path))


def parse_places(text: str, path: str = "places") -> tuple[Place, ...]:
    """Reads places from text in CSV, JSON lines or GeoJSON; which of them it is, the text tells.

    Columns are `latitude` and `longitude` in degrees, and optionally `id`, `context`, `country` and `continent`; others
    are passed over here.

    Args:
        text: The table.
        path: What errors name.

    Raises:
        TaskError: A place cannot be used; names the line and what to write.
    """
    places: list[Place] = []
    seen: dict[str, int] = {}
    for line, row in rows_of(text, path):
        place = _place(row, line, path)
        _note(place.id, line, seen, path)
        places.append(place)
    if not places:
        raise TaskError("there are no places", path=path, remedy="Write a header and one line for each place.")
    return tuple(places)


def _note(name: str, line: int, seen: dict[str, int], path: str) -> None:
    """Notes the line of an id; raises where another line has it, or no table can hold it."""
    if len(name) > _LONGEST or re.search(r"[\r\0\ud800-\udfff]", name):
        long = f"has {len(name):,} characters" if len(name) > _LONGEST else "holds a character that no table can hold"
        raise TaskError(
            f"the id {cut_middle(name, 80)!r} {long}",
            path=path,
            line=line,
            remedy=f"Write an id of at most {_LONGEST:,} characters, without line breaks and half characters.",
        )
    if name in seen:
        raise TaskError(
            f"the id {name!r} is that of line {seen[name]} too",
            path=path,
            line=line,
            remedy="Give each place an id of its own, or take out the second one.",
        )
    seen[name] = line


def parse_truth(text: str, path: str = "truth") -> dict[str, float]:
    """Reads true values by place id: a table with the column `id` and one column of numbers, or `value`.

    A value that is missing or not a number is left out: such a place is refined and not scored.

    Raises:
        TaskError: There is no such column, no value at all, or a second line for an id.
    """
    found: dict[str, float] = {}
    seen: dict[str, int] = {}
    for line, row in rows_of(text, path):
        names = [name for name in row if name != "id"]
        column = "value" if "value" in row else names[0] if len(names) == 1 else ""
        if "id" not in row or not column:
            raise TaskError(
                f"the truth has the columns {', '.join(row)}",
                path=path,
                line=line,
                remedy="Write the columns `id` and `value`.",
            )
        name = str(row["id"]).strip()
        _note(name, line, seen, path)
        told = str("" if row[column] is None else row[column]).strip()
        if told.lower() in NO_VALUE or told == "NA":
            continue
        value = _number(told, column, line, path)
        if math.isfinite(value):
            found[name] = value
    if not found:
        raise TaskError("no place has a true value", path=path, remedy="Leave out `hidden.truth` if there is none.")
    return found


def rows_of(text: str, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a table with their lines; raises `TaskError` where it is none."""
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:1]
    if start == "{":
        yield from _json_rows(text, path)
        return
    if start == "[":
        raise TaskError("this is a JSON list", path=path, remedy="Write JSON lines: one object a line, no brackets.")
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise TaskError(
                    f"the line has {'more' if None in row else 'fewer'} fields than the header",
                    path=path,
                    line=reader.line_num,
                    remedy='Put text with commas into quotes: "a, b".',
                )
            yield reader.line_num, {str(name).strip(): value for name, value in row.items()}
    except csv.Error as error:
        raise TaskError(f"this is no CSV: {error}", path=path, line=reader.line_num) from None


def _json_rows(text: str, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and whole.get("type") == "FeatureCollection":
        features = whole.get("features") or []
        if not isinstance(features, list):
            raise TaskError("`features` is no list", path=path, remedy="Write a list of points.")
        for number, feature in enumerate(features, 1):
            yield number, _feature(feature, number, path)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise TaskError(f"this is no JSON: {error.msg}", path=path, line=number) from None
        except (ValueError, RecursionError):
            message = "a number has too many digits, or lists are nested too deep"
            raise TaskError(message, path=path, line=number, remedy="Write one flat object a line.") from None
        if not isinstance(row, dict):
            raise TaskError("a place is a JSON object", path=path, line=number)
        yield number, row


def _feature(feature: Any, number: int, path: str) -> dict[str, Any]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    point = geometry.get("coordinates") if isinstance(geometry, dict) and kind == "Point" else None
    if not isinstance(point, list) or len(point) < 2:
        raise TaskError(
            f"feature {number} is no point with two coordinates: {kind or 'it has no geometry'}",
            path=path,
            remedy="Write points; take a representative point of each area.",
        )
    own = {"id": feature["id"]} if "id" in feature else {}
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise TaskError(f"the properties of feature {number} are no object", path=path, remedy="Write `{}` for none.")
    return {**own, **properties, "longitude": point[0], "latitude": point[1]}


def _place(row: Mapping[str, Any], line: int, path: str) -> Place:
    named = {name.lower(): value for name, value in row.items()}
    found = {what: next((named[name] for name in names if name in named), None) for what, names in _NAMES.items()}
    for wanted in ("latitude", "longitude"):
        if found[wanted] is None:
            raise TaskError(
                f"there is no {wanted}: the columns are {', '.join(row)}",
                path=path,
                line=line,
                remedy="Name two columns `latitude` and `longitude`, in degrees.",
            )
    latitude = _number(found["latitude"], "latitude", line, path)
    longitude = _number(found["longitude"], "longitude", line, path)
    _check_ranges(latitude, longitude, line, path)
    context, country, continent = (
        "" if found[name] is None else str(found[name]).strip() for name in ("context", "country", "continent")
    )
    if error := next((one for one in _ERRORS if one in context.lower()), None):
        raise TaskError(
            f"the context holds the text of an error: {error!r}",
            path=path,
            line=line,
            remedy="Make the context again, or leave it empty.",
        )
    name = str(found["id"]).strip() if found["id"] is not None else ""
    return Place(name or f"{latitude:.5f},{longitude:.5f}", latitude, longitude, context, country, continent)


def _number(value: Any, column: str, line: int, path: str) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
        if _HUGE <= abs(number) < math.inf:
            raise OverflowError
        return number
    except (TypeError, ValueError, OverflowError) as error:
        huge = isinstance(error, OverflowError)
        raise TaskError(
            f"{column} is beyond 10^100" if huge else f"{column} is no number: {value!r}",
            path=path,
            line=line,
            remedy="Write degrees such as 52.52."
            if column in ("latitude", "longitude")
            else "Write a number, or nothing where there is no value.",
        ) from None


def _check_ranges(latitude: float, longitude: float, line: int, path: str) -> None:
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return
    remedy = "Latitude is from -90 to 90, longitude from -180 to 180."
    if 90 < abs(latitude) <= 180 and abs(longitude) <= 90:
        remedy = "Latitude and longitude look swapped: exchange the two columns."
    elif abs(latitude) <= 90 and 180 < longitude <= 360:
        remedy = "Longitudes of 0 to 360 are read as -180 to 180: subtract 360 from those above 180."
    raise TaskError(f"latitude {latitude:g}, longitude {longitude:g} is no place", path=path, line=line, remedy=remedy)
