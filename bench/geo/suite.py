"""The suite's tasks with a simulated rater: all stages, so that the stop without labels can be judged by truth."""

from __future__ import annotations

from collections.abc import Mapping

from bench.geo.raters import simulated, true_of
from bench.geo.stages import refined
from loopwright.bench import GEO_TASKS
from loopwright.errors import MissingExtra
from loopwright.geo import RAW, compare_maps, moran, neighbour_maps, spearman

HEAD = (
    "| task | places | I of truth | I of ratings | neighbours tell | spatial share | raw | by stage | chosen | loss "
    "| asked | best baseline | gain over it |"
)


def main() -> None:
    print("\n" + HEAD)
    print("|" + "---|" * 13)
    for number, name in enumerate(GEO_TASKS):
        try:
            print(_row(name, number), flush=True)
        except MissingExtra as error:
            print(f"| {name} | {error} |" + " |" * 11)


def _row(name: str, seed: int) -> str:
    _, places, truth = true_of(name)
    rater = simulated(places, truth, seed=seed)

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
