"""The grade of a map: what truth says of it once, after the loop, beside maps that need no further call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loopwright.geo._baselines import COUNTRY_MEAN, RAW, country_mean, neighbour_maps
from loopwright.geo._conformal import conformal
from loopwright.geo._evaluation import MapScore, as_ranks, compare_maps, spearman
from loopwright.geo._libraries import library
from loopwright.geo._places import Place
from loopwright.geo._table import Table
from loopwright.types import Check
from loopwright.verify import Verdict

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

_OURS = "map"
_RESAMPLES = 500
"""Fewer than for a table of results: each stage is graded."""


def grade(places: Sequence[Place], table: Table, truth: Mapping[str, float]) -> Verdict:
    """The rank correlation of a map with the truth, and in the check's data what else truth tells of it."""
    np = library("numpy")
    true = np.array([truth.get(place.id, np.nan) for place in places])
    rho = spearman(table.value, true)
    known = int((np.isfinite(true) & np.isfinite(table.value)).sum())
    if math.isnan(rho):
        return Verdict(summary=f"{known} places have a value and a truth: too few, or all alike, to correlate")
    maps = {RAW: table.rating}
    if np.isfinite(table.rating).all() and len(places) > 1:
        maps |= neighbour_maps(places, table.rating)
    others = {name: spearman(value, true) for name, value in maps.items()}
    best = max(others, key=lambda name: (not math.isnan(others[name]), others[name]))
    compared = {_OURS: table.value, RAW: maps[RAW], best: maps[best]}
    score = compare_maps(places, true, compared, (RAW, best), resamples=_RESAMPLES)[_OURS]
    if len(maps) > 1 and any(place.country for place in places):
        # An upper reference, where truth is the same within countries.
        others[COUNTRY_MEAN] = spearman(country_mean(places, table.rating), true)
    told = f"Spearman {rho:.3f} over {known} places; the raw ratings have {others[RAW]:.3f}"
    data = {
        "spearman": rho,
        "others": {name: round(value, 4) for name, value in others.items() if not math.isnan(value)},
        "places": known,
        "best": best,
        **_told(score, best),
        **_intervals(places, true, table.value),
        "residuals": _residuals(table.value, true),
    }
    return Verdict(
        checks=(Check(name="rank correlation", score=max(0.0, rho), evidence=told, data=data),), summary=told
    )


def _told(score: MapScore, best: str) -> dict[str, Any]:
    return {
        "interval": _rounded(score.interval),
        "over raw": _rounded(score.over[RAW]),
        "over best": _rounded(score.over[best]),
        "rank_mae": _number(score.rank_mae),
        "moran": _number(score.moran),
        "residual_moran": _number(score.residual_moran),
    }


def _intervals(places: Sequence[Place], true: Numbers, value: Numbers) -> dict[str, Any]:
    found = conformal(places, true, value)
    if found is None:
        return {}
    return {"coverage": _number(found.share), "width": _number(found.width), "calibrated_mae": _number(found.mae)}


def _residuals(value: Numbers, true: Numbers) -> list[float | None]:
    """Rank of each place in the map less its rank in the truth, on a scale from 0 to 9.9; None without a truth."""
    np = library("numpy")
    known = np.isfinite(value) & np.isfinite(true)
    found = np.full(len(value), np.nan)
    found[known] = as_ranks(value[known]) - as_ranks(true[known])
    return [None if math.isnan(one) else round(one, 1) for one in found.tolist()]


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _rounded(interval: tuple[float, float]) -> list[float] | None:
    return [round(end, 4) for end in interval] if all(map(math.isfinite, interval)) else None
