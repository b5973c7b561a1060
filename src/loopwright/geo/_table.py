"""A map of one stage as a table: what the model said of each place, and what the map holds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from loopwright.errors import StoreError
from loopwright.geo._libraries import library
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

Status = Literal["rated", "failed", "settled", "held", "kept", "neighbours", "revised"]
"""How a place came to its value: `rated` as the model said, `failed` without an answer, `settled` without a call,
`held` at its rating as its samples agree, and after a call `kept`, given to its `neighbours`, or `revised`."""
MAP = "map"
"""Name of a candidate's table among its artifacts."""
COLUMNS = ("id", "latitude", "longitude", "rating", "noise", "value", "deviation", "status")
"""Of the table, in their order."""


@dataclass(frozen=True, slots=True)
class Table:
    """One row for each place, in the order of the places."""

    rating: Numbers
    """What the model said first; NaN where its call failed."""
    value: Numbers
    """What the map holds; NaN only where nothing is known."""
    deviation: Numbers
    """Standard deviation of the value, as the field of the ratings tells it; NaN before the first stage."""
    noise: Numbers
    """Variance of the rating about the field, with what its samples tell; NaN where it is not known."""
    status: tuple[Status, ...]

    def to_csv(self, places: Sequence[Place]) -> bytes:
        """The table as CSV with the places' ids and coordinates; an empty field is no value."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        columns = zip(places, self.rating, self.noise, self.value, self.deviation, self.status, strict=True)
        for place, *numbers, status in columns:
            told = ["" if math.isnan(number) else f"{number:.6g}" for number in numbers]
            writer.writerow((place.id, place.latitude, place.longitude, *told, status))
        return text.getvalue().encode()

    @classmethod
    def from_csv(cls, data: bytes) -> Table:
        """Reads what `to_csv` wrote.

        Raises:
            StoreError: It is no such table.
        """
        np = library("numpy")
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        if not rows or tuple(rows[0]) != COLUMNS:
            raise StoreError("the artifact is no map of places", remedy="Restore the run's folder from a backup.")
        columns = {
            name: np.array([float(row[name]) if row[name] else np.nan for row in rows])
            for name in ("rating", "noise", "value", "deviation")
        }
        return cls(**columns, status=tuple(row["status"] for row in rows))  # type: ignore[misc]
