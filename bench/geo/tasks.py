"""Tasks with truth from packages that work offline; which package each needs stands beside it."""

from __future__ import annotations

from dataclasses import dataclass

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
