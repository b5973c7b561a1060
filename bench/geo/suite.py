"""The tasks T1 to T6 with a simulated rater: when refining helps, when it harms, and when it is not warranted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.geo.raters import simulated
from bench.geo.stages import refined
from bench.geo.tasks import GeoTask, all_tasks
from loopwright.geo import RAW, compare_maps, moran, neighbour_maps, spearman

HEAD = (
    "| task | places | I of truth | I of ratings | neighbours tell | spatial share | raw | by stage | chosen | loss "
    "| asked | best baseline | gain over it |"
)
MOST = 800
"""Places of a task, at most: a fixed draw of more."""


def main() -> None:
    print("\n" + HEAD)
    print("|" + "---|" * 13)
    for name, make in all_tasks().items():
        try:
            task = make()
        except ImportError as error:
            print(f"| {name} | needs {error.name} |" + " |" * 11)
            continue
        print(_row(name, thinned(task)), flush=True)


def thinned(task: GeoTask) -> GeoTask:
    """At most so many places of a task."""
    if len(task.places) <= MOST:
        return task
    rows = np.sort(np.random.default_rng(0).choice(len(task.places), MOST, replace=False))
    return GeoTask(task.question, tuple(task.places[row] for row in rows), task.truth[rows])


def _row(name: str, task: GeoTask) -> str:
    places, truth = task.places, task.truth
    rater = simulated(places, truth, seed=0)

    def ask(asked: tuple[int, ...]) -> Mapping[int, float | Exception]:
        return {number: float(rater.second[number]) for number in asked}

    ours = refined(places, rater.rating, ask)
    stages = [spearman(table.value, truth) for table in ours.tables]
    maps = neighbour_maps(places, rater.rating)
    best = max(maps, key=lambda one: spearman(maps[one], truth))
    low, high = compare_maps(places, truth, {**maps, "ours": ours.value}, (best,))["ours"].over[best]
    field = ours.ground.field
    share = f"{field.spatial_share:.2f}" if field else ""
    told = " ".join(f"{one:.3f}" for one in stages)
    grounds = f"{moran(places, truth).i:.2f} | {ours.ground.moran:.2f} | {ours.ground.explained:.2f} | {share}"
    loss, calls = max(stages) - stages[ours.chosen], sum(ours.calls[: ours.chosen])
    return (
        f"| {name} | {len(places)} | {grounds} | {spearman(maps[RAW], truth):.3f} | {told} | {ours.chosen} "
        f"| {loss:.3f} | {calls} | {best} {spearman(maps[best], truth):.3f} | {low:+.3f} to {high:+.3f} |"
    )
