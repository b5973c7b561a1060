"""Which covariates tell something of the ratings that position does not tell: evidence decides, and no model is asked.

Ratings and covariates are both freed of what their neighbours tell of them, by the field of the ratings. A covariate is
kept where the ranks of what is left go together, by an interval from blocks of the globe that are drawn many times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from loopwright.geo._blocks import FEWEST, blocks_of
from loopwright.geo._field import Field, covariate_columns, fit_field, predict, trend
from loopwright.geo._libraries import library
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

RISK = 0.01
"""Chance of keeping any covariate where none tells anything."""
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ratings say of a covariate, or of a group of one."""

    name: str
    correlation: float
    """Partial rank correlation with the ratings, given position."""
    low: float
    high: float
    """Ends of its interval, from blocks of the globe: 99 %, and wider where there are several covariates."""
    kept: bool
    """Whether the field uses it."""
    why: str


def with_evidence(
    field: Field, places: Sequence[Place], rating: Numbers, spread: Numbers | None
) -> tuple[Field, tuple[Evidence, ...]]:
    """Weighs the covariates of places, and fits the field again with those that are kept; none, where that adds noise.

    Args:
        field: Of the ratings, without covariates.
        places: All places, with their covariates.
        rating: Of each place; NaN for nothing.
        spread: Variance of each rating that its samples tell; None where there is one answer for each place.
    """
    np, covariates = library("numpy"), covariate_columns(places)
    if not covariates:
        return field, ()
    rated = np.flatnonzero(np.isfinite(rating))
    noise = field.noise + (np.zeros(len(rating)) if spread is None else spread)
    around_0 = replace(field, mean=0.0)

    def left(values: Numbers) -> Numbers:
        seen = np.where(np.isfinite(rating), values, np.nan)
        found: Numbers = (values - predict(around_0, places, seen, noise).mean)[rated]
        return found

    own = left(rating - field.mean)
    columns = {name: left(column) for name, column in covariates.items()}
    evidence = _weighed([places[row] for row in rated], own, columns)
    kept = [one.name for one in evidence if one.kept]
    if not kept:
        return field, evidence
    found = np.linalg.lstsq(np.column_stack([columns[name] for name in kept]), own)[0]
    slopes = dict(zip(kept, found.tolist(), strict=True))
    added = trend(places, slopes)
    fitted = fit_field(places, rating - added, spread)
    if fitted.noise > field.noise:
        # What explains ratings leaves less to chance. Where it does not, true differences would pass for noise.
        why = "the field with it takes more of the ratings for noise"
        return field, tuple(replace(one, kept=False, why=why) if one.kept else one for one in evidence)
    return replace(fitted, slopes=slopes, told=float(np.var(added[rated]))), evidence


def _weighed(places: Sequence[Place], own: Numbers, columns: Mapping[str, Numbers]) -> tuple[Evidence, ...]:
    """Rank correlations of columns with what is left of the ratings, and which of them hold up under blocks.

    Ends of intervals are as many standard deviations away as Student's t says for the number of blocks, as far tails of
    drawn values are too thin where blocks are few.
    """
    np, stats = library("numpy"), library("scipy.stats")
    blocks = blocks_of(places)
    sizes = np.array([len(rows) for rows in blocks])
    free = sizes.sum() ** 2 / (sizes**2).sum() - 1
    if free < FEWEST - 1:
        return tuple(Evidence(name, 0.0, -1.0, 1.0, False, "the places lie in too few blocks") for name in columns)
    weights = np.random.default_rng(0).multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), _RESAMPLES)
    away, y = float(stats.t.ppf(1 - RISK / 2 / len(columns), free)), _centred_ranks(own)
    found = []
    for name, column in columns.items():
        x = _centred_ranks(column)
        products = [np.array([values[rows].sum() for rows in blocks]) for values in (x * y, x * x, y * y)]
        whole = _correlation(*(one.sum() for one in products))
        around = away * float(np.std(_correlation(*(weights @ one for one in products))))
        low, high = max(-1.0, whole - around), min(1.0, whole + around)
        kept = low > 0 or high < 0
        found.append(Evidence(name, whole, low, high, kept, f"the interval {'excludes' if kept else 'holds'} 0"))
    return tuple(found)


def _centred_ranks(values: Numbers) -> Numbers:
    found: Numbers = library("scipy.stats").rankdata(values) - (len(values) + 1) / 2
    return found


def _correlation(both: Any, one: Any, other: Any) -> Any:
    np = library("numpy")
    return both / np.sqrt(np.maximum(one * other, 1e-12))
