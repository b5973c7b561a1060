"""One refining stage: geostatistics proposes, the model disposes, the rest is settled without a call.

Stages are synchronous. A place sees the values that its neighbours had after the last stage, never those of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.geo._autocorrelation import moran, outliers
from loopwright.geo._evidence import Evidence, with_evidence
from loopwright.geo._field import STANDS_OUT, Field, Prediction, fit_field, predict
from loopwright.geo._libraries import library
from loopwright.geo._places import Place
from loopwright.geo._table import Status, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopwright.geo._libraries import Flags, Numbers

SIGMAS = 2.0
"""How far a rating may lie from what the others tell before the model is asked again."""
FEWEST = 20
"""Rated places below which nothing can be said about space."""
LEAST_SPATIAL = 0.5
"""Share of the variance below which what looks like noise may be true differences from place to place."""
CONFIRMS = 1.0
"""Standard deviations within which an answer confirms a value: half of what makes a rating stand out."""
SURE = 1.645
"""Standard deviations beyond chance from which answers count: p below .05."""
_STEPS, _UNSEEN = 100, 10
"""Points of the scale that stand for any answer, and answers that they count as."""
BY_CALL = ("kept", "neighbours", "revised")
"""How a place whose answer counted came to its value."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Whether there is ground for refining, by the ratings alone."""

    warranted: bool
    why: str
    field: Field | None
    moran: float
    """Moran's I of the ratings; NaN where it is not known."""
    explained: float = 0.0
    """Share of the ratings' variance that the other places' ratings, and covariates, tell."""
    evidence: tuple[Evidence, ...] = ()
    """Of each covariate; none where there is no field."""


def look(places: Sequence[Place], rating: Numbers, spread: Numbers | None = None) -> Ground:
    """Says whether the ratings hang together in space, and fits their field if they do.

    Args:
        places: All places.
        rating: What the model said of each; NaN for nothing.
        spread: Variance of each rating that its samples tell; None where there is one answer for each place.
    """
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
    field = fit_field(places, rating, spread)
    if not field.smooth + field.country + field.noise:
        return Ground(False, "nearly all ratings are equal", None, found.i)
    field, evidence = with_evidence(field, places, rating, spread)
    if field.spatial_share < LEAST_SPATIAL:
        why = f"{field.spatial_share:.0%} of the ratings' variance is spatial; the rest is noise, or too local to tell"
        return Ground(False, why, field, found.i, evidence=evidence)
    rated, noise = np.isfinite(rating), field.noise + (np.zeros(len(rating)) if spread is None else spread)
    missed = rating[rated] - predict(field, places, rating, noise).mean[rated]
    explained = 1 - float(np.mean(missed**2) / np.var(rating[rated]))
    return Ground(
        True, f"Moran's I of the ratings is {found.i:.3f} (p {found.p:.3f})", field, found.i, explained, evidence
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What geostatistics proposes for a stage."""

    expected: Prediction
    """Of each place by the others' values of the last stage."""
    asked: tuple[int, ...]
    """Places that the model is asked about again."""
    held: Flags
    """Places that stand out more than the spread of their samples explains."""


def proposal(places: Sequence[Place], field: Field, table: Table) -> Proposal:
    """Finds the places whose ratings stand out and that no answer of the model has disposed of."""
    np = library("numpy")
    # A place that the model confirmed against its neighbours is an anomaly of its own: it tells nothing about others.
    among = np.array([status not in BY_CALL for status in table.status]) & np.isfinite(table.value)
    far = np.zeros(len(places), bool)
    # What stands out tells nothing about others either: they are told once more without it.
    for _ in range(2):
        expected = predict(field, places, table.value, table.noise, among & ~far)
        far = np.abs(table.rating - expected.mean) > SIGMAS * np.sqrt(expected.variance + table.noise)
    if all(status not in BY_CALL for status in table.status):
        far |= outliers(places, table.rating)
    open_ = far & np.isfinite(table.rating) & among
    # A rating with samples has more noise than the field alone tells.
    held = far & among & (table.noise > field.noise)
    return Proposal(expected, tuple(int(number) for number in np.flatnonzero(open_)), held)


def settle(
    table: Table, proposed: Proposal, answers: Mapping[int, float | Exception], scale: tuple[float, float]
) -> Table:
    """Joins the stage: what the model disposed of, and the rest by the field.

    An answer decides for the rating, for the neighbours or for a value between. None counts where the answers confirm
    no more than chance would: their places are settled like those that were not asked about. A place whose call failed
    stays as it was. A place that is held keeps its rating unless an answer counts: its samples agree, so it is no slip.
    """
    np = library("numpy")
    expected, noise, own = proposed.expected, table.noise, table.value
    share = 1 / (1 / expected.variance + 1 / noise)
    settled = np.where(np.isfinite(own), share * (expected.mean / expected.variance + own / noise), expected.mean)
    value = np.where(proposed.held, table.rating, settled)
    deviation = np.sqrt(np.where(np.isfinite(own), share, expected.variance))
    status: list[Status] = [
        "failed" if before == "failed" else "held" if held else "settled"
        for before, held in zip(table.status, proposed.held, strict=True)
    ]
    for number, before in enumerate(table.status):
        if before in BY_CALL:
            status[number] = before
            value[number] = expected.mean[number] if before == "neighbours" else own[number]
    told = _informed(table, expected, answers, scale)
    for number, answer in answers.items():
        if isinstance(answer, Exception):
            value[number], status[number] = own[number], table.status[number]
        elif told:
            status[number], value[number] = _disposition(table, expected, number, answer)
    return Table(table.rating, value, deviation, noise, tuple(status))


def _informed(
    table: Table, expected: Prediction, answers: Mapping[int, float | Exception], scale: tuple[float, float]
) -> bool:
    """Whether answers confirm ratings or neighbours more often than chance does.

    Chance is what answers from anywhere on the scale confirm, and what the answers about other places do: a model that
    guesses, or that says the same of every place, decides nothing.
    """
    np = library("numpy")
    given = {number: answer for number, answer in answers.items() if not isinstance(answer, Exception)}
    rows, said = np.array(list(given), int), np.array(list(given.values()))
    near = CONFIRMS * np.sqrt(expected.variance[rows] + table.noise[rows])

    def confirms(one: Numbers) -> Flags:
        far = np.minimum(abs(one[:, None] - table.rating[rows]), abs(one[:, None] - expected.mean[rows]))
        found: Flags = far <= near
        return found

    by_place = confirms(said)
    hits, others = by_place.diagonal(), by_place.sum(axis=0) - by_place.diagonal()
    anywhere = confirms(np.linspace(*scale, _STEPS)).mean(axis=0)
    chance = (_UNSEEN * anywhere + others) / (_UNSEEN + len(rows) - 1)
    return bool(hits.sum() - chance.sum() > SURE * np.sqrt((chance * (1 - chance)).sum()))


def _disposition(table: Table, expected: Prediction, number: int, answer: float) -> tuple[Status, float]:
    """What an answer decides about a place: for the rating or beyond it, for the neighbours, or for a value between."""
    rating, mean = float(table.rating[number]), float(expected.mean[number])
    near = CONFIRMS * float(expected.variance[number] + table.noise[number]) ** 0.5
    between = min(max(answer, min(rating, mean)), max(rating, mean))
    if abs(between - rating) <= min(near, abs(between - mean)):
        return "kept", rating
    return ("neighbours", mean) if abs(between - mean) <= near else ("revised", between)


def moved(table: Table) -> float:
    """Mean squared change of the map from the ratings, over the places that were settled without a call.

    A place counts with what its noise allows at most: what stands out is left out of the noise, too.
    """
    np = library("numpy")
    free = np.array([status not in (*BY_CALL, "held") for status in table.status]) & np.isfinite(table.rating)
    change = (table.value[free] - table.rating[free]) ** 2
    known = np.nan_to_num(STANDS_OUT**2 * table.noise[free], nan=np.inf)
    return float(np.mean(np.minimum(change, known))) if free.any() else 0.0


def mean_noise(table: Table) -> float:
    """Mean variance of the ratings about the field; 0 where it is not known."""
    np = library("numpy")
    known = table.noise[np.isfinite(table.noise)]
    return float(known.mean()) if len(known) else 0.0
