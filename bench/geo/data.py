"""The recorded ratings of a real model, with truth: 1,000 places in `data/geo` of the test data."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loopwright.geo import Place

COLUMNS = ("rating_most_probable", "rating_expected")


def folder() -> Path:
    """Where the data lie."""
    return Path(os.environ["LOOPWRIGHT_TEST_DATA"]) / "geo"


def recorded() -> tuple[tuple[Place, ...], dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The places, their ratings by column, and what is true (NaN where it is not known)."""
    rows = _rows("ratings.csv")
    true = {row["iso3"]: float(row["value"]) for row in _rows("truth_infant_mortality_2015.csv")}
    places = tuple(
        Place(
            row["id"], float(row["latitude"]), float(row["longitude"]), country=row["iso3"], continent=row["continent"]
        )
        for row in rows
    )
    ratings = {column: np.array([float(row[column]) for row in rows]) for column in COLUMNS}
    return places, ratings, np.array([true.get(row["iso3"], np.nan) for row in rows])


def _rows(name: str) -> list[dict[str, str]]:
    with (folder() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
