"""GeoSR's loop made again from what is known of it: a call for covariates, for references and for a value, each round.

Neighbours are the ten nearest in degrees. The model is simulated: it picks references as GeoSR's prompt asks for them,
with large differences and spread out, and it refines as the simulated model of this page does. Its covariates cost a
call and change nothing here, as the truth is made without any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.geo.stages import Ask
from loopwright.geo import Place, spearman

ROUNDS, NEAREST, REFERENCES = 15, 10, 5
BOX = 5.0
"""Degrees of latitude and longitude within which references lie."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GeoSR:
    """What the loop came to."""

    value: Numbers
    """The round that is best by truth: its oracle."""
    rounds: int
    """Rounds until truth told it to stop."""
    best: int
    calls: int


def geosr(places: tuple[Place, ...], rating: Numbers, truth: Numbers, refine: Ask, *, listens: float) -> GeoSR:
    """Runs rounds until the rank correlation with the truth falls below the best so far.

    Args:
        places: The places.
        rating: The first map.
        truth: What the loop stops by.
        refine: What the model believes of places when it is asked again.
        listens: Weight that it gives to the mean of what it is shown; the rest is what it believes.
    """
    points = np.array([[place.latitude, place.longitude] for place in places])
    apart = np.abs(points[:, None] - points[None])
    order = np.argsort((apart**2).sum(axis=2) + np.where(np.eye(len(places)), np.inf, 0), axis=1)
    boxed = (apart <= BOX).all(axis=2) & ~np.eye(len(places), dtype=bool)
    maps, scores, calls = [rating], [float("-inf")], 0
    for _ in range(ROUNDS):
        value, believed = maps[-1], refine(tuple(range(len(places))))
        after = value.copy()
        for number in range(len(places)):
            near = order[number, :NEAREST]
            others = np.setdiff1d(np.flatnonzero(boxed[number]), near)
            shown = np.concatenate([near, _chosen(number, others, value, points)])
            calls += 2 + bool(len(others))
            own = believed[number]
            assert not isinstance(own, Exception)
            after[number] = listens * value[shown].mean() + (1 - listens) * own
        maps.append(after)
        scores.append(spearman(after, truth))
        if scores[-1] < max(scores):
            break
    best = int(np.argmax(scores))
    return GeoSR(maps[best], len(maps) - 1, best, calls)


def _chosen(number: int, others: NDArray[np.int64], value: Numbers, points: Numbers) -> NDArray[np.int64]:
    """References one by one: the most different value, and far from those that are chosen already."""
    chosen: list[int] = []
    for _ in range(min(REFERENCES, len(others))):
        different = np.abs(value[others] - value[number])
        taken = points[[number, *chosen]]
        spread = np.sqrt(((points[others][:, None] - taken) ** 2).sum(axis=2)).min(axis=1)
        merit = different / 10 + spread / BOX
        merit[np.isin(others, chosen)] = -np.inf
        chosen.append(int(others[np.argmax(merit)]))
    return np.array(chosen, int)
