"""A simulated rater with errors that neighbours share, slips, and places that truly stand out.

The model that is asked again knows the truth but for an error, or it answers at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.geo.geosr import geosr
from bench.geo.raters import HIGH, shared_error
from bench.geo.stages import Ask, refined
from loopwright.geo import RAW, Place, compare_maps, joined, neighbour_maps

N = 1000
SEEDS = range(3)
SAMPLES = 3
ANOMALIES = 0.05
"""Share of places that truly stand out."""
SMOOTHED = "settled without a call"
OURS = "refined"


@dataclass(frozen=True, slots=True)
class World:
    """A simulated task."""

    places: tuple[Place, ...]
    truth: NDArray[np.float64]
    answers: NDArray[np.float64]
    """Three answers about each place, which differ by the rater's own error."""
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
    shared, own = 0.6 * shared_error(places, random, length=0.5), 0.6 * random.standard_normal((SAMPLES, N))
    answers = np.clip(np.round(2 * (truth + shared + own)) / 2, 0, HIGH)
    return World(places, truth, answers, anomaly)


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


def there(one: World, value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The anomalies that a map holds: it is off by at most half of how far they stand out."""
    return one.anomaly & (np.abs(value - one.truth) <= 2.25)


def main() -> None:
    print(f"\n{N} places, {ANOMALIES:.0%} of them anomalies of 4.5 steps")
    print(
        "| seed | answers | model | anomalies that averaging wipes out | of these held without a call | with calls "
        "| calls | raw | averaged | without a call | refined | over raw | over without a call |"
    )
    print("|" + "---|" * 13)
    for seed in SEEDS:
        one = world(seed)
        for samples in (1, SAMPLES):
            _print(one, seed, samples)
    print("\n| seed | model | map | rounds | calls | Spearman | over raw | over ours | anomalies held |")
    print("|" + "---|" * 9)
    for seed in SEEDS:
        _print_geosr(world(seed), seed)


def _print_geosr(one: World, seed: int) -> None:
    """GeoSR's loop beside ours, with the same simulated model and one answer for each place."""
    rating = one.answers[0]
    for name, ask in (("knows", knowing), ("guesses", lambda _, seed: guessing(seed))):
        ours = refined(one.places, rating, ask(one, seed))
        theirs = {
            f"GeoSR's loop, oracle stop, {told}": geosr(one.places, rating, one.truth, ask(one, seed), listens=listens)
            for told, listens in (("what it believes", 0.0), ("half of what it is shown", 0.5))
        }
        rows = {OURS: (ours.chosen, N + sum(ours.calls[: ours.chosen]))}
        rows |= {told: (loop.rounds, N + loop.calls) for told, loop in theirs.items()}
        maps = {RAW: rating, OURS: ours.value} | {told: loop.value for told, loop in theirs.items()}
        scores = compare_maps(one.places, one.truth, maps, (RAW, OURS))
        for told, (rounds, calls) in rows.items():
            over = " | ".join(
                "{:+.3f} to {:+.3f}".format(*scores[told].over[other]) if other != told else "" for other in (RAW, OURS)
            )
            held = there(one, maps[told]).sum()
            print(
                f"| {seed} | {name} | {told} | {rounds} | {calls} | {scores[told].spearman:.3f} | {over} "
                f"| {held} of {one.anomaly.sum()} |",
                flush=True,
            )


def _print(one: World, seed: int, samples: int) -> None:
    rating, spread = joined(list(one.answers[:samples].T))
    averaged = neighbour_maps(one.places, rating)["the same, two rounds"]
    plain, lost = refined(one.places, rating, spread=spread), one.anomaly & ~there(one, averaged)
    for name, ask in (("knows", knowing(one, seed)), ("guesses", guessing(seed))):
        ours = refined(one.places, rating, ask, spread)
        calls = sum(ours.calls[: ours.chosen])
        maps = {RAW: rating, "averaged": averaged, SMOOTHED: plain.value, OURS: ours.value}
        scores = compare_maps(one.places, one.truth, maps, (RAW, SMOOTHED))
        held = [int((lost & there(one, value)).sum()) for value in (plain.value, ours.value)]
        rho = " | ".join(f"{score.spearman:.3f}" for score in scores.values())
        over = " | ".join("{:+.3f} to {:+.3f}".format(*scores[OURS].over[other]) for other in (RAW, SMOOTHED))
        print(
            f"| {seed} | {samples} | {name} | {lost.sum()} | {held[0]} | {held[1]} | {calls} ({calls / N:.1%}) "
            f"| {rho} | {over} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
