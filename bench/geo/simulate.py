"""A simulated rater with errors that neighbours share, slips, and places that truly stand out.

The model that is asked again knows the truth but for an error, or it answers at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.geo.raters import HIGH, shared_error
from bench.geo.stages import Ask, Refined, refined
from loopwright.geo import Place, compare_maps

N = 1000
SEEDS = range(3)
ANOMALIES = 0.05
"""Share of places that truly stand out."""
SMOOTHED = "settled without a call"
OURS = "refined"


@dataclass(frozen=True, slots=True)
class World:
    """A simulated task."""

    places: tuple[Place, ...]
    truth: NDArray[np.float64]
    rating: NDArray[np.float64]
    anomaly: NDArray[np.bool_]


def world(seed: int) -> World:
    """A smooth truth with anomalies that the rater knows of, but rates like everything with an error."""
    random = np.random.default_rng(seed)
    height, around = random.uniform(-0.85, 0.95, N), random.uniform(-180, 180, N)
    spots = zip(np.degrees(np.arcsin(height)), around, strict=True)
    places = tuple(Place(f"s{number}", float(lat), float(lon)) for number, (lat, lon) in enumerate(spots))
    smooth = 5 + 2 * shared_error(places, random, length=1.0)
    anomaly = random.random(N) < ANOMALIES
    truth = np.clip(np.where(anomaly, smooth + np.where(smooth < 5, 4.5, -4.5), smooth), 0, HIGH)
    error = 0.6 * shared_error(places, random, length=0.5) + 0.6 * random.standard_normal(N)
    rating = np.clip(np.round(2 * (truth + error)) / 2, 0, HIGH)
    return World(places, truth, rating, anomaly)


def knowing(one: World, seed: int, error: float = 0.6) -> Ask:
    random = np.random.default_rng([seed, 1])

    def ask(asked: tuple[int, ...]) -> Mapping[int, float | Exception]:
        return {
            number: float(np.clip(one.truth[number] + error * random.standard_normal(), 0, HIGH)) for number in asked
        }

    return ask


def guessing(seed: int) -> Ask:
    random = np.random.default_rng([seed, 2])
    return lambda asked: {number: float(random.uniform(0, HIGH)) for number in asked}


def recovered(one: World, with_calls: Refined, without: Refined) -> tuple[int, int]:
    """Of the anomalies that settling without a call wipes out, how many the calls bring back, and how many there are.

    An anomaly is wiped out where the map is off by more than half of how far it stands out.
    """
    lost = one.anomaly & (np.abs(without.value - one.truth) > 2.25)
    back = lost & (np.abs(with_calls.value - one.truth) <= 2.25)
    return int(back.sum()), int(lost.sum())


def main() -> None:
    print(f"\n{N} places, {ANOMALIES:.0%} of them anomalies of 4.5 steps")
    for seed in SEEDS:
        one = world(seed)
        plain = refined(one.places, one.rating)
        for name, ask in (("knows", knowing(one, seed)), ("guesses", guessing(seed))):
            ours = refined(one.places, one.rating, ask)
            back, lost = recovered(one, ours, plain)
            calls = sum(ours.calls[: ours.chosen])
            scores = compare_maps(
                one.places, one.truth, {SMOOTHED: plain.value, OURS: ours.value, "raw": one.rating}, (SMOOTHED,)
            )
            low, high = scores[OURS].over[SMOOTHED]
            print(
                f"seed {seed}, model {name}: {back} of {lost} wiped out anomalies recovered by {calls} calls "
                f"({calls / N:.1%} of a call per place), stage {ours.chosen}; "
                f"Spearman raw {scores['raw'].spearman:.3f}, "
                f"{SMOOTHED} {scores[SMOOTHED].spearman:.3f}, refined {scores[OURS].spearman:.3f} "
                f"(gain {low:+.3f} to {high:+.3f}); neighbours tell {ours.ground.explained:.2f}"
            )


if __name__ == "__main__":
    main()
