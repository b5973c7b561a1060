"""Spatial autocorrelation: Moran's I of a map, and the places that stand out from their neighbours (LISA), by esda."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopwright.geo._libraries import library
from loopwright.geo._neighbours import find_neighbours
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Flags, Numbers

K = 10
"""Nearest neighbours whose weights count."""
_PERMUTATIONS = 199
_SEEDED = threading.Lock()
"""Held while NumPy's global generator, which esda draws from, is seeded."""
_OUTLIERS = (2, 4)
"""Quadrants: low among high, and high among low."""


@dataclass(frozen=True, slots=True)
class Moran:
    """Moran's I of values, with what chance gives."""

    i: float
    """NaN where all values are equal, or there are too few."""
    p: float
    """Of as large an I by chance, from permutations; 1 where I is not known."""


def moran(places: Sequence[Place], value: Numbers) -> Moran:
    """Moran's I over the places that have a value."""
    np, esda = library("numpy"), library("esda")
    known = _known(places, value)
    if known is None:
        return Moran(float("nan"), 1.0)
    some, weights, _ = known
    with _SEEDED, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = np.random.get_state()
        np.random.seed(0)
        try:
            found = esda.Moran(some, weights, permutations=_PERMUTATIONS)
        finally:
            np.random.set_state(state)
    return Moran(float(found.I), float(found.p_sim) if found.EI < found.I else 1.0)


def moran_index(places: Sequence[Place], value: Numbers) -> float:
    """Moran's I alone, without what chance gives; NaN where it is not known."""
    known = _known(places, value)
    return float(library("esda").Moran(*known[:2], permutations=0).I) if known else float("nan")


def outliers(places: Sequence[Place], value: Numbers) -> Flags:
    """Which places are local outliers: high among low or low among high, p below .05."""
    np, esda = library("numpy"), library("esda")
    found: Flags = np.zeros(len(places), bool)
    known = _known(places, value)
    if known is None:
        return found
    some, weights, rows = known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        local = esda.Moran_Local(some, weights, permutations=_PERMUTATIONS, seed=0)
    found[rows] = np.isin(local.q, _OUTLIERS) & (local.p_sim < 0.05)
    return found


def _known(places: Sequence[Place], value: Numbers) -> tuple[Any, Any, Any] | None:
    """The values that are known, their weights and their rows; None where nothing can be said."""
    np = library("numpy")
    rows = np.flatnonzero(np.isfinite(value))
    if len(rows) < 2 * K or np.ptp(value[rows]) == 0:
        return None
    near = find_neighbours([places[row] for row in rows], K)
    return value[rows], near.weights(K), rows
