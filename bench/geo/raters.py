"""A simulated rater: what is true, in ranks, plus errors that neighbours share, plus slips at single places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from loopwright.bench import GEO_TASKS, geo_task
from loopwright.geo import Place
from loopwright.models import Reply, Request

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
    """Ranks on the scale; the middle of it where there is no value."""
    known = np.isfinite(value)
    found = np.full(len(value), HIGH / 2)
    found[known] = HIGH * (rankdata(value[known]) - 1) / max(known.sum() - 1, 1)
    return found


def true_of(name: str) -> tuple[str, tuple[Place, ...], NDArray[np.float64]]:
    """The question of a task of the suite, its places, and what is true of them: NaN where nothing is known."""
    task = geo_task(name)
    return task.question, task.places, np.array([task.truth.get(place.id, np.nan) for place in task.places])


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


class Simulated:
    """The simulated rater as a model for `loopwright bench run geo --model bench.geo.raters:Simulated`."""

    name, repeatable = "bench.geo.raters:Simulated", True

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, float]] = {}
        for number, name in enumerate(GEO_TASKS):
            question, places, truth = true_of(name)
            rater = simulated(places, truth, seed=number)
            for place, first, second in zip(places, rater.rating, rater.second, strict=True):
                spot = f"({place.latitude:.5f}, {place.longitude:.5f})"
                self._answers[f"{question} {spot}"] = float(first), float(second)

    async def complete(self, request: Request) -> Reply:
        text = request.messages[-1].content
        asked, spot = re.search(r"What is rated: (.*)", text), re.search(r"\(-?\d+\.\d{5}, -?\d+\.\d{5}\)", text)
        assert asked is not None
        assert spot is not None
        answer = self._answers[f"{asked[1]} {spot[0]}"]["Places nearby" in text]
        return Reply(text=f"My answer is {answer:.1f}.", model=self.name)

    async def close(self) -> None:
        return
