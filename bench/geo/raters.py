"""A simulated rater: what is true, in ranks, plus errors that neighbours share, plus slips at single places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from loopwright.geo import Place

HIGH = 9.9


@dataclass(frozen=True, slots=True)
class Rater:
    """Answers for every place, on the scale from 0 to 9.9 in steps of a tenth."""

    rating: NDArray[np.float64]
    """At first."""
    second: NDArray[np.float64]
    """When it is shown the neighbours."""
    slip: NDArray[np.bool_]
    """Where the first answer is a slip."""


def on_sphere(places: Sequence[Place]) -> NDArray[np.float64]:
    latitude, longitude = np.radians([[place.latitude, place.longitude] for place in places]).T
    return np.column_stack(
        (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude))
    )


def as_ranks(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(HIGH * (rankdata(value) - 1) / max(len(value) - 1, 1))


def shared_error(places: Sequence[Place], random: np.random.Generator, length: float = 0.1) -> NDArray[np.float64]:
    """A smooth random field of unit variance, by 300 random waves."""
    points = on_sphere(places)
    # Waves whose frequencies are Cauchy distributed have the exponential covariance.
    waves = random.standard_normal((3, 300)) / np.abs(random.standard_normal(300)) / length
    return np.asarray(np.cos(points @ waves + random.uniform(0, 2 * np.pi, 300)).sum(axis=1) / np.sqrt(150))


def simulated(
    places: Sequence[Place], truth: NDArray[np.float64], *, seed: int, shared: float = 0.7, own: float = 0.9,
    slips: float = 0.05,
) -> Rater:  # fmt: skip
    """Simulates a rater.

    Args:
        places: The places.
        truth: True values, in any unit.
        seed: Of all draws.
        shared: Standard deviation of the error that neighbours share.
        own: Of the error that each place has for itself.
        slips: Share of places whose first answer has nothing to do with the truth.
    """
    random = np.random.default_rng(seed)
    true, n = as_ranks(truth), len(places)
    believed = true + shared * shared_error(places, random)
    slip = random.random(n) < slips
    first = np.where(slip, random.uniform(0, HIGH, n), believed + own * random.standard_normal(n))
    second = believed + own / 2 * random.standard_normal(n)
    return Rater(np.clip(np.round(first, 1), 0, HIGH), np.clip(np.round(second, 1), 0, HIGH), slip)
