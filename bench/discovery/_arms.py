"""`python -m bench.discovery arms`: cost to a target where a search chooses who makes its candidates.

The landscape is that of `simulate`, and the archive is that of `discover`. Three proposers differ in how often their
candidates are valid and in what a candidate costs. Compared are each of them alone, all in turn, and the bandit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from statistics import fmean, median

import click

from bench.discovery._simulate import BITS, Landscape, Puct, changed, interval
from loopwright.discovery import Bandit
from loopwright.types import ArmUse

SURE, CHEAP, WASTE = "sure", "cheap", "waste"


@dataclass(frozen=True, slots=True)
class Proposer:
    """How good the candidates of an arm are, and what they cost."""

    valid: float
    """Share of its candidates."""
    tokens: int


PROPOSERS: Mapping[str, Proposer] = {
    SURE: Proposer(valid=0.9, tokens=4000),
    CHEAP: Proposer(valid=0.5, tokens=1000),
    WASTE: Proposer(valid=0.05, tokens=4000),
}
EXECUTION = 1000
"""What executing a candidate costs beside its model, in the same unit."""
HOW = (SURE, CHEAP, WASTE, "in turn", "bandit")


def cost(how: str, seed: int, target: float, most: int) -> int:
    """What the candidates cost until one reaches the target, `most` candidates at most."""
    land, random = Landscape(Random(seed)), Random(f"{seed}/{how}")
    start = Random(f"{seed}/start").getrandbits(BITS)
    first = (start, land.value(start))
    search, bandit, names, spent = Puct(first), Bandit(list(PROPOSERS)), list(PROPOSERS), 0
    for number in range(most):
        name = {"in turn": names[number % len(names)], "bandit": bandit.choose(random)}.get(how, how)
        proposer, parent = PROPOSERS[name], search.parent()
        before = search.bits(parent)
        bits = changed(before, random)
        found = (bits, land.value(bits)) if random.random() < proposer.valid else None
        search.take(parent, found)
        spent += proposer.tokens + EXECUTION
        bandit.take(
            ArmUse(arm=name, tokens=proposer.tokens), better=found is not None and found[1] > land.value(before)
        )
        if found is not None and found[1] >= target:
            break
    return spent


@click.command()
@click.option("--seeds", type=int, default=30, show_default=True)
@click.option("--target", type=float, default=0.66, show_default=True)
@click.option("--most", type=int, default=5000, show_default=True, help="Candidates of a search, at most.")
def arms(seeds: int, target: float, most: int) -> None:
    """Compares ways to choose who makes the candidates by cost to a target."""
    found = {how: [cost(how, seed, target, most) for seed in range(seeds)] for how in HOW}
    print(f"NK landscape, target {target:g}, {seeds} seeds, at most {most} candidates; cost in thousands of tokens")
    for how, costs in found.items():
        low, high = interval(list(zip(costs, found["in turn"], strict=True)))
        told = f"{sum(costs) / sum(found['in turn']):6.1%}  {low:.1%} to {high:.1%}"
        print(f"{how:10} mean {fmean(costs) / 1000:7.0f}, median {median(costs) / 1000:7.0f}; of in turn: {told}")
