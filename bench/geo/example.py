"""Makes the example: US counties with their unemployment of 2009 (BLS, public domain), and a simulated rater.

python -m bench.geo.example
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bench.geo.raters import simulated
from loopwright.bench import GEO_TASKS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "geo"
STATES = ("IA", "IL", "IN", "KS", "MI", "MN", "MO", "ND", "NE", "OH", "SD", "WI")


def main() -> None:
    every = GEO_TASKS["T4-unemployment"]()
    middle = [number for number, place in enumerate(every.places) if place.country in STATES]
    chosen = np.sort(np.random.default_rng(1).choice(middle, 400, replace=False))
    places = [every.places[number] for number in chosen]
    truth = np.array([every.truth[place.id] for place in places])
    rater = simulated(places, truth, seed=1, own=1.2)
    _write(
        "counties.csv",
        "id,latitude,longitude,country,context",
        ((one.id, one.latitude, one.longitude, one.country, one.context) for one in places),
    )
    _write("unemployment.csv", "id,value", ((one.id, value) for one, value in zip(places, truth, strict=True)))
    answers = zip(places, rater.rating, rater.second, strict=True)
    _write("answers.csv", "id,first,second", ((place.id, f"{a:.1f}", f"{b:.1f}") for place, a, b in answers))


def _write(name: str, header: str, rows: Iterable[tuple[object, ...]]) -> None:
    with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
