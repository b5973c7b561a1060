"""What truth says of maps, used once, after the loop; intervals resample blocks of the globe, never single places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.geo._autocorrelation import moran_index
from loopwright.geo._baselines import RAW
from loopwright.geo._blocks import FEWEST, blocks_of
from loopwright.geo._libraries import library
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

RESAMPLES = 2000
_TOP = 9.9

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MapScore:
    """How near a map is to the truth."""

    spearman: float
    interval: Interval
    """95 %, by blocks; NaN for a constant map, or where the places lie in fewer than five blocks."""
    over: Mapping[str, Interval]
    """Name of another map to the 95 % interval of the gain over it, by the same blocks."""
    pearson: float
    rank_mae: float
    """Mean distance of ranks, on a scale from 0 to 9.9."""
    moran: float
    """Moran's I of the map, over all places."""
    residual_moran: float
    """Of its rank residuals: near 0 for a good map."""


def spearman(prediction: Numbers, truth: Numbers) -> float:
    """Rank correlation over the places that have both, with average ranks; NaN where one of them is constant."""
    np, stats = library("numpy"), library("scipy.stats")
    both = np.isfinite(prediction) & np.isfinite(truth)
    p, y = prediction[both], truth[both]
    if len(p) < 3 or np.ptp(p) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(stats.spearmanr(p, y)[0])


def as_ranks(value: Numbers) -> Numbers:
    """Average ranks, on a scale from 0 to 9.9."""
    found: Numbers = _TOP * (library("scipy.stats").rankdata(value) - 1) / len(value)
    return found


def compare_maps(
    places: Sequence[Place],
    truth: Numbers,
    maps: Mapping[str, Numbers],
    over: Sequence[str] = (RAW,),
    *,
    resamples: int = RESAMPLES,
) -> dict[str, MapScore]:
    """Scores maps against the truth.

    Args:
        places: All places.
        truth: NaN where there is none: such places are left out of scores.
        maps: Values of all places, by name.
        over: Names of the maps that each is compared with, in pairs.
        resamples: How many times blocks are drawn for the intervals.
    """
    np = library("numpy")
    known = np.isfinite(truth)
    for value in maps.values():
        known &= np.isfinite(value)
    rows = np.flatnonzero(known)
    some, true = [places[row] for row in rows], truth[rows]
    drawn = _resampled(some, np.vstack([true, *(value[rows] for value in maps.values())]), resamples)
    number = {name: index for index, name in enumerate(maps)}
    scores = {}
    for name, value in maps.items():
        own, residual = drawn[number[name]], as_ranks(value[rows]) - as_ranks(true)
        scores[name] = MapScore(
            spearman=spearman(value[rows], true),
            interval=_interval(own),
            over={other: _interval(own - drawn[number[other]]) for other in over if other != name},
            pearson=_pearson(value[rows], true),
            rank_mae=float(np.abs(residual).mean()),
            moran=moran_index(places, value),
            residual_moran=moran_index(some, residual),
        )
    return scores


def _pearson(one: Numbers, other: Numbers) -> float:
    np = library("numpy")
    return float(np.corrcoef(one, other)[0, 1]) if len(one) > 1 and np.ptp(one) and np.ptp(other) else math.nan


def _resampled(places: Sequence[Place], values: Numbers, resamples: int) -> Numbers:
    """Rank correlations of the rows after the first with the first, for each resample of blocks."""
    np, stats = library("numpy"), library("scipy.stats")
    blocks, random = [np.array(rows) for rows in blocks_of(places)], np.random.default_rng(0)
    found: Numbers = np.full((len(values) - 1, resamples), np.nan)
    if len(blocks) < FEWEST:
        return found
    for number in range(resamples):
        rows = np.concatenate([blocks[one] for one in random.integers(0, len(blocks), len(blocks))])
        ranks = stats.rankdata(values[:, rows], axis=1)
        ranks -= ranks.mean(axis=1, keepdims=True)
        norms = np.sqrt((ranks**2).sum(axis=1))
        spread = norms[1:] * norms[0]
        np.divide(ranks[1:] @ ranks[0], spread, out=found[:, number], where=spread > 0)
    return found


def _interval(values: Numbers) -> Interval:
    np = library("numpy")
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (math.nan, math.nan)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class RegionScore:
    """How a map does in a part of the world."""

    places: int
    spearman: float
    """Within the region."""
    tilt: float
    """Mean signed rank residual: above 0 where the map is too high."""


def by_continent(places: Sequence[Place], truth: Numbers, value: Numbers) -> dict[str, RegionScore]:
    """Scores by continent, over the places that have a value and a truth."""
    np = library("numpy")
    rows = np.flatnonzero(np.isfinite(truth) & np.isfinite(value))
    names = np.array([places[row].continent for row in rows])
    residual = as_ranks(value[rows]) - as_ranks(truth[rows])
    found = {}
    for name in sorted(set(names.tolist()) - {""}):
        own = names == name
        found[name] = RegionScore(
            int(own.sum()), spearman(value[rows][own], truth[rows][own]), float(residual[own].mean())
        )
    return found


@dataclass(frozen=True, slots=True)
class BiasScore:
    """The published bias score (Manvi et al.) with its parts, which say more: smoothing lowers the spread."""

    correlation: float
    """Rank correlation with the anchor."""
    spread: float
    """Mean absolute deviation of the map."""
    answered: float
    """Share of the places that have an answer."""

    @property
    def product(self) -> float:
        """The score."""
        return self.correlation * self.spread * self.answered


def bias_score(value: Numbers, anchor: Numbers) -> BiasScore:
    """The bias of a map by an anchor, over the places that have both."""
    np = library("numpy")
    both = np.isfinite(value) & np.isfinite(anchor)
    wanted = np.isfinite(anchor)
    spread = float(np.abs(value[both] - value[both].mean()).mean())
    return BiasScore(spearman(value, anchor), spread, float(both.sum() / wanted.sum()))
