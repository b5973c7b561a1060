"""The suite's tasks with and without covariates: which the ratings keep, and what the map gains by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from bench.geo.raters import shared_error, simulated, true_of
from bench.geo.stages import refined
from loopwright.bench import GEO_TASKS
from loopwright.errors import MissingExtra
from loopwright.geo import Place, compare_maps, look, with_covariates

MADE = ("absolute_latitude", "elevation", "climate", "town_km")
COUNTIES = ("TotPop90", "PctRural", "PctBach", "PctEld", "PctFB", "PctPov", "PctBlack")
"""Columns of the table of Georgia's counties."""
IS_TRUTH = {
    "T1-elevation": "elevation", "T2-airports": "elevation", "T2-airports-usa": "elevation", "T5-poverty": "PctPov",
    "T5-bachelor": "PctBach", "T5-rural": "PctRural", "T7-climate": "climate",
}  # fmt: skip
"""Covariates that would give the truth away."""
CHANCE = "chance"
"""A covariate that tells nothing: a draw for each place."""


def offered(name: str, places: tuple[Place, ...], seed: int) -> tuple[Place, ...]:
    """The places of a task with all covariates that do not give its truth away, and one by chance."""
    draws = np.random.default_rng([seed, 9]).standard_normal(len(places))
    rows, columns = [f"{value:.4f}" for value in draws], [CHANCE]
    if name.startswith("T5"):
        folder = Path(str(files("libpysal")))
        head, *table = (folder / "examples/georgia/GData_utm.csv").read_text().strip().splitlines()
        rows, columns = [f"{row},{own}" for row, own in zip(rows, table, strict=True)], [CHANCE, *head.split(",")]
    wanted = [one for one in (*MADE, *columns) if one in (*MADE, CHANCE, *COUNTIES) and one != IS_TRUTH.get(name)]
    text = "\n".join([",".join(columns), *rows])
    return with_covariates(places, text, wanted)


def main() -> None:
    print(
        "\n| task | offered | kept | told, without | told, with | Spearman, without | with | gain "
        "| asked, without | with |"
    )
    print("|" + "---|" * 10)
    for number, name in enumerate(GEO_TASKS):
        try:
            print(_row(name, number), flush=True)
        except MissingExtra as error:
            print(f"| {name} | {error} |" + " |" * 8)

    _print_chance()


def _print_chance() -> None:
    """How many worlds keep a covariate that tells nothing, of 20 that are offered: half of them are smooth."""
    for far, size in (("around the globe", 160.0), ("within 4 degrees", 4.0)):
        kept = 0
        for seed in range(20):
            random = np.random.default_rng(seed)
            spots = random.uniform(-size / 2, size / 2, (160, 2)) * (0.5, 1)
            places = [Place(f"s{row}", float(lat), float(lon)) for row, (lat, lon) in enumerate(spots)]
            length = size / 160
            draws = [
                shared_error(places, random, length) if number % 2 else random.standard_normal(160)
                for number in range(20)
            ]
            rating = 5 + 2 * shared_error(places, random, length) + 0.8 * random.standard_normal(160)
            known = tuple(
                replace(place, covariates={f"draw {number}": float(draw[row]) for number, draw in enumerate(draws)})
                for row, place in enumerate(places)
            )
            kept += any(one.kept for one in look(known, rating).evidence)
        print(f"160 places {far}: {kept} of 20 worlds keep a covariate of 20 that tell nothing", flush=True)


def _row(name: str, seed: int) -> str:
    _, places, truth = true_of(name)
    rater = simulated(places, truth, seed=seed)

    def ask(asked: tuple[int, ...]) -> Mapping[int, float | Exception]:
        return {number: float(rater.second[number]) for number in asked}

    known = offered(name, places, seed)
    without, having = refined(places, rater.rating, ask), refined(known, rater.rating, ask)
    scores = compare_maps(places, truth, {"without": without.value, "with": having.value}, ("without",))
    low, high = scores["with"].over["without"]
    kept = ", ".join(f"{one.name} {one.correlation:+.2f}" for one in having.ground.evidence if one.kept)
    told = " | ".join(f"{one.ground.explained:.2f}" for one in (without, having))
    rho = " | ".join(f"{one.spearman:.3f}" for one in scores.values())
    calls = " | ".join(str(sum(one.calls[: one.chosen])) for one in (without, having))
    count = len(having.ground.evidence)
    return f"| {name} | {count} | {kept or 'none'} | {told} | {rho} | {low:+.3f} to {high:+.3f} | {calls} |"
