"""One refining stage: geostatistics proposes, the model disposes, the rest is settled without a call.

Stages are synchronous. A place sees the values that its neighbours had after the last stage, never those of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.geo._autocorrelation import moran, outliers
from loopwright.geo._field import Field, Prediction, fit_field, predict
from loopwright.geo._libraries import library
from loopwright.geo._places import Place
from loopwright.geo._table import Status, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopwright.geo._libraries import Numbers

SIGMAS = 2.0
"""How far a rating may lie from what the others tell before the model is asked again."""
FEWEST = 20
"""Rated places below which nothing can be said about space."""
LEAST_SPATIAL = 0.5
"""Share of the variance below which what looks like noise may be true differences from place to place."""
_BY_CALL = ("kept", "neighbours", "revised")


@dataclass(frozen=True, slots=True)
class Ground:
    """Whether there is ground for refining, by the ratings alone."""

    warranted: bool
    why: str
    field: Field | None
    moran: float
    """Moran's I of the ratings; NaN where it is not known."""
    explained: float = 0.0
    """Share of the ratings' variance that the other places' ratings tell."""


def look(places: Sequence[Place], rating: Numbers) -> Ground:
    """Says whether the ratings hang together in space, and fits their field if they do."""
    np = library("numpy")
    known = int(np.isfinite(rating).sum())
    if known < FEWEST:
        return Ground(False, f"{known} places are rated; at least {FEWEST} are needed", None, float("nan"))
    if np.nanmax(rating) == np.nanmin(rating):
        return Ground(False, "all ratings are equal", None, float("nan"))
    found = moran(places, rating)
    if found.p > 0.05:
        why = f"Moran's I of the ratings, {found.i:.3f}, is within what chance gives (p {found.p:.3f})"
        return Ground(False, why, None, found.i)
    field = fit_field(places, rating)
    if not field.smooth + field.country + field.noise:
        return Ground(False, "nearly all ratings are equal", None, found.i)
    if field.spatial_share < LEAST_SPATIAL:
        why = f"{field.spatial_share:.0%} of the ratings' variance is spatial; the rest is noise, or too local to tell"
        return Ground(False, why, field, found.i)
    rated = np.isfinite(rating)
    missed = rating[rated] - predict(field, places, rating).mean[rated]
    explained = 1 - float(np.mean(missed**2) / np.var(rating[rated]))
    return Ground(True, f"Moran's I of the ratings is {found.i:.3f} (p {found.p:.3f})", field, found.i, explained)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What geostatistics proposes for a stage."""

    expected: Prediction
    """Of each place by the others' values of the last stage."""
    asked: tuple[int, ...]
    """Places that the model is asked about again."""


def proposal(places: Sequence[Place], field: Field, table: Table) -> Proposal:
    """Finds the places whose ratings stand out and that no answer of the model has disposed of."""
    np = library("numpy")
    # A place that the model confirmed against its neighbours is an anomaly of its own: it tells nothing about others.
    among = np.array([status not in _BY_CALL for status in table.status]) & np.isfinite(table.value)
    expected = predict(field, places, table.value, among)
    spread = np.sqrt(expected.variance + field.noise)
    far = np.abs(table.rating - expected.mean) > SIGMAS * spread
    if all(status not in _BY_CALL for status in table.status):
        far |= outliers(places, table.rating)
    open_ = far & np.isfinite(table.rating) & among
    return Proposal(expected, tuple(int(number) for number in np.flatnonzero(open_)))


def settle(field: Field, table: Table, expected: Prediction, answers: Mapping[int, float | Exception]) -> Table:
    """Joins the stage: what the model disposed of, and the rest by the field.

    An answer counts if it confirms the rating, confirms the neighbours, or lies between; else the place is settled like
    those that were not asked about. A place whose call failed stays as it was.
    """
    np = library("numpy")
    own, share = table.value, 1 / (1 / expected.variance + 1 / field.noise)
    settled = np.where(np.isfinite(own), share * (expected.mean / expected.variance + own / field.noise), expected.mean)
    value, deviation = settled, np.sqrt(np.where(np.isfinite(own), share, expected.variance))
    status: list[Status] = ["failed" if one == "failed" else "settled" for one in table.status]
    for number, before in enumerate(table.status):
        if before in _BY_CALL:
            status[number] = before
            value[number] = expected.mean[number] if before == "neighbours" else own[number]
    for number, answer in answers.items():
        if isinstance(answer, Exception):
            value[number], status[number] = own[number], table.status[number]
            continue
        disposed = disposition(float(table.rating[number]), float(expected.mean[number]), answer, field.noise**0.5)
        if disposed is not None:
            status[number], value[number] = disposed
    return Table(table.rating, value, deviation, np.full(len(value), field.noise), tuple(status))


def disposition(rating: float, expected: float, answer: float, noise: float) -> tuple[Status, float] | None:
    """What an answer decides about a place; None where it says something third, which is no evidence for either."""
    if abs(answer - rating) <= noise and abs(answer - rating) <= abs(answer - expected):
        return "kept", rating
    if abs(answer - expected) <= noise:
        return "neighbours", expected
    if min(rating, expected) < answer < max(rating, expected):
        return "revised", answer
    return None


def moved(table: Table) -> float:
    """Mean squared change of the map from the ratings, over the places that the model did not dispose of."""
    np = library("numpy")
    free = np.array([status not in _BY_CALL for status in table.status]) & np.isfinite(table.rating)
    return float(np.mean((table.value[free] - table.rating[free]) ** 2)) if free.any() else 0.0
