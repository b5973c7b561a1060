"""`python -m bench.discovery simulate`: evaluations to a target on a landscape that is known.

The landscape is an NK landscape (Kauffman 1989): the value of 32 bits is the mean of 32 numbers, each of which depends
on one bit and 4 others. The proposer turns over one bit, and with a chance of one half one more, and so on; half of its
candidates are invalid. Strategies differ in what they hand the proposer: best-of-N the seed, greedy the best so far,
greedy islands the best of four populations in turn that hand on their best, PUCT what the archive of `discover` picks,
PUCT islands what four such archives pick (`loop.islands: 4`), and by reward what an archive draws (`loop.parents:
reward`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import fmean, median, quantiles

import click

from loopwright.discovery import Islands, State
from loopwright.types import Attempt, Candidate, Check, ValueOptions, Verdict

BITS, OTHERS = 32, 4
INVALID = 0.5
ISLANDS, MIGRATION = 4, 20
RESAMPLES = 2000


@dataclass(slots=True)
class Landscape:
    """One landscape: its numbers are drawn when they are asked for."""

    random: Random
    _parts: dict[tuple[int, int], float] = field(default_factory=dict)

    def value(self, bits: int) -> float:
        """Between 0 and 1."""
        window = (1 << OTHERS + 1) - 1
        turned = bits | bits << BITS
        return fmean(self._part(at, turned >> at & window) for at in range(BITS))

    def _part(self, at: int, seen: int) -> float:
        if (at, seen) not in self._parts:
            self._parts[at, seen] = self.random.random()
        return self._parts[at, seen]


def changed(bits: int, random: Random) -> int:
    """What the proposer makes of a parent."""
    while True:
        bits ^= 1 << random.randrange(BITS)
        if random.random() < 0.5:
            return bits


class Chooser:
    """Hands the proposer the seed, always: best-of-N, and the base of the others."""

    def __init__(self, seed: tuple[int, float]) -> None:
        self.made = [seed]

    def parent(self) -> int:
        """The number of what the next candidate is made from."""
        return 0

    def take(self, parent: int, found: tuple[int, float] | None) -> None:
        """Takes in a candidate, None for an invalid one."""
        if found is not None:
            self.made.append(found)


class Greedy(Chooser):
    """The best so far."""

    def parent(self) -> int:
        return max(range(len(self.made)), key=lambda at: self.made[at][1])


class GreedyIslands(Chooser):
    """Populations in turn, the best of each; every `MIGRATION` candidates each takes the best of the one before."""

    def __init__(self, seed: tuple[int, float]) -> None:
        super().__init__(seed)
        self.best, self.turns = [0] * ISLANDS, 0

    def parent(self) -> int:
        return self.best[self.turns % ISLANDS]

    def take(self, parent: int, found: tuple[int, float] | None) -> None:
        super().take(parent, found)
        at = self.turns % ISLANDS
        if found is not None and found[1] > self.made[self.best[at]][1]:
            self.best[at] = len(self.made) - 1
        self.turns += 1
        if self.turns % MIGRATION == 0:
            shifted = [self.best[-1], *self.best[:-1]]
            self.best = [max(pair, key=lambda at: self.made[at][1]) for pair in zip(self.best, shifted, strict=True)]


class Puct(Chooser):
    """What the archives of `discover` pick."""

    def __init__(self, seed: tuple[int, float], islands: int = 1) -> None:
        super().__init__(seed)
        self.islands = Islands(ValueOptions(direction="maximize"), islands)
        self.numbers = {0: 0}
        self.count = 0
        for number in range(islands):  # The seed is every island's first candidate.
            self.islands.begin(number)
        for _ in range(islands):
            self._add(None, seed, str(seed[0]))

    def parent(self) -> int:
        state = self.chosen()
        self.islands.begin(self.count)
        return 0 if state is None else state.iteration

    def take(self, parent: int, found: tuple[int, float] | None) -> None:
        if found is not None:
            self.made.append(found)
            self.numbers[self.count] = len(self.made) - 1
        self._add(parent, found, str(found and found[0]))

    def chosen(self) -> State | None:
        """What the archive whose turn it is picks."""
        return self.islands.archives[self.islands.turn].select()

    def bits(self, iteration: int) -> int:
        """The candidate of an iteration."""
        return self.made[self.numbers.get(iteration, 0)][0]

    def _add(self, parent: int | None, found: tuple[int, float] | None, text: str) -> None:
        check = Check(name="valid", score=float(found is not None))
        verdict = Verdict(checks=(check,), value=None if found is None else found[1])
        self.islands.add(Attempt(iteration=self.count, parent=parent, candidate=Candidate(text=text), verdict=verdict))
        self.count += 1


class ByReward(Puct):
    """What the archive draws in proportion to rewards."""

    def chosen(self) -> State | None:
        return self.islands.archives[self.islands.turn].draw(Random(f"{self.made[0]}/{self.count}"))


STRATEGIES: Mapping[str, Callable[[tuple[int, float]], Chooser]] = {
    "best-of-N": Chooser,
    "greedy": Greedy,
    "greedy islands": GreedyIslands,
    "PUCT": Puct,
    "PUCT islands": partial(Puct, islands=ISLANDS),
    "by reward": ByReward,
}


def evaluations(name: str, seed: int, target: float, most: int) -> int:
    """Candidates until one reaches the target; `most` where none does."""
    land, random = Landscape(Random(seed)), Random(f"{seed}/{name}")
    start = Random(f"{seed}/start").getrandbits(BITS)
    chooser = STRATEGIES[name]((start, land.value(start)))
    for number in range(1, most + 1):
        parent = chooser.parent()
        before = chooser.bits(parent) if isinstance(chooser, Puct) else chooser.made[parent][0]
        bits = changed(before, random)
        found = None if random.random() < INVALID else (bits, land.value(bits))
        chooser.take(parent, found)
        if found is not None and found[1] >= target:
            return number
    return most


def interval(pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """95 % interval of a ratio of means, by resampling seeds."""
    random = Random(0)
    ratios = []
    for _ in range(RESAMPLES):
        drawn = random.choices(pairs, k=len(pairs))
        ratios.append(sum(one for one, _ in drawn) / sum(other for _, other in drawn))
    cuts = quantiles(ratios, n=40)
    return cuts[0], cuts[-1]


@click.command()
@click.option("--seeds", type=int, default=30, show_default=True)
@click.option("--target", type=float, default=0.66, show_default=True)
@click.option("--most", type=int, default=20_000, show_default=True, help="Candidates of a search, at most.")
def simulate(seeds: int, target: float, most: int) -> None:
    """Compares strategies by evaluations to a target."""
    found = {name: [evaluations(name, seed, target, most) for seed in range(seeds)] for name in STRATEGIES}
    print(f"NK landscape, {BITS} bits, {OTHERS} others, target {target:g}, {seeds} seeds, at most {most} candidates")
    print(f"{'':15} {'mean':>8} {'median':>8} {'never':>6}  of best-of-N, 95 %")
    for name, counts in found.items():
        low, high = interval(list(zip(counts, found["best-of-N"], strict=True)))
        share = sum(counts) / sum(found["best-of-N"])
        never = sum(count >= most for count in counts)
        told = f"{share:6.1%}  {low:.1%} to {high:.1%}"
        print(f"{name:15} {fmean(counts):8.0f} {median(counts):8.0f} {never:6}  {told}")
