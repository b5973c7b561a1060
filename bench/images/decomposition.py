"""Scenes taken apart: objects are removed one by one until the background is left. How often does that come to its end?

A scene of different shapes is given, and the checklist says that none of them is there. An editor removes what it is
told, and fails or damages something else at set rates. `streams` and `ircig` are the strategies of the other bench, on
the task's own picture; `one shot` asks for all removals in one call, and each of them can fail. A scene is taken apart
if nothing is left, and cleanly so if besides each step removed one object and left all others as they were.

`python -m bench.images.decomposition [--scenes 200] [--seeds 3] [--noise low high] [--objects 2 4 6]`
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from statistics import fmean

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from bench.images.noise import NOISE
from bench.images.scenes import Episode
from loopwright.images.shapes import FaultRates, Group, Remove, Scene, ShapesPrompt, repaint, sample_scene
from loopwright.images.shapes._scene import SHAPES
from loopwright.stats import wilson

RATES = FaultRates(fail=0.3, damage=0.15)
STRATEGIES = ("one shot", "ircig", "streams")


class TakenApart(BaseModel, frozen=True):
    """What one scene came to."""

    strategy: str
    empty: bool
    clean: bool
    claimed: bool
    edits: int


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draw", default="test", help="names the set of scenes")
    parser.add_argument("--noise", nargs="+", default=["low", "high"], choices=list(NOISE))
    parser.add_argument("--objects", type=int, nargs="+", default=[2, 4, 6])
    options = parser.parse_args()
    console = Console(width=130)
    for noise in options.noise:
        title = f"{noise} noise: {options.scenes} scenes x {options.seeds} seeds, at most two edits for each object"
        table = Table(title=title)
        for name in ("objects", "strategy", "taken apart, %", "95 %", "cleanly, %", "claimed - true", "edits"):
            table.add_column(name, justify="left" if name == "strategy" else "right")
        for objects in options.objects:
            scenes = [scene_of(objects, f"{options.draw}/{number}") for number in range(options.scenes)]
            for strategy in STRATEGIES:
                cases = product(scenes, range(options.seeds))
                table.add_row(
                    str(objects), strategy, *told(taken_apart(strategy, scene, seed, noise) for scene, seed in cases)
                )
            table.add_section()
        console.print(table)


def told(found: Iterable[TakenApart]) -> Iterator[str]:
    """The cells of a row."""
    all_ = list(found)
    empty = sum(one.empty for one in all_)
    interval = wilson(empty, len(all_))
    yield f"{100 * empty / len(all_):.1f}"
    yield f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    yield f"{100 * fmean(one.clean for one in all_):.1f}"
    yield f"{100 * (fmean(one.claimed for one in all_) - empty / len(all_)):+.1f}"
    yield f"{fmean(one.edits for one in all_):.2f}"


def scene_of(objects: int, name: str) -> Scene:
    """A scene of so many different shapes."""
    random = Random(name)
    groups = tuple(Group(shape, 1) for shape in random.sample(SHAPES, objects))
    return sample_scene(ShapesPrompt(groups, ()), random)


def taken_apart(strategy: str, scene: Scene, seed: int, noise: str) -> TakenApart:
    """Takes one scene apart, with two edits for each object at most."""
    if strategy == "one shot":
        random, left = Random(f"{seed}/{scene}"), scene
        for item in scene.objects:
            left = repaint(Remove(item.shape), left, RATES, random)
        empty = not left.objects
        return TakenApart(strategy=strategy, empty=empty, clean=empty, claimed=empty, edits=1)
    prompt = ", ".join(f"no {item.shape}" for item in scene.objects)
    episode = Episode(prompt, RATES, noise, seed, once=strategy != "streams", start=scene)
    episode.run(strategy, 1 + 2 * len(scene.objects))
    best = max(episode.attempts, key=lambda one: (one.verdict.score, -one.iteration))
    empty = not episode.scenes[best.iteration].objects
    return TakenApart(
        strategy=strategy,
        empty=empty,
        clean=empty and all(_clean(*step) for step in _steps(episode, best.iteration)),
        claimed=best.verdict.passed,
        edits=sum(one.parent is not None for one in episode.attempts),
    )


def _steps(episode: Episode, number: int) -> Iterator[tuple[Scene, Scene]]:
    """The scenes before and after each edit that led to a picture."""
    while (parent := episode.attempts[number].parent) is not None:
        yield episode.scenes[parent], episode.scenes[number]
        number = parent


def _clean(before: Scene, after: Scene) -> bool:
    """Whether one object at most went, and the others are as they were."""
    return set(after.objects) <= set(before.objects) and len(before.objects) - len(after.objects) <= 1


if __name__ == "__main__":
    main()
