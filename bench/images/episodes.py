"""Episodes of the bench of pictures: what is compared, how it is run, and what came of each under each cap.

A run at the highest cap gives all lower ones: no strategy looks at its cap, so the answer under a cap of c is the best
of the first c pictures by the loop's own verdicts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from pydantic import BaseModel

from bench.images.scenes import Episode
from loopwright.images.looking import LOOKS
from loopwright.images.refining import Seen, tally
from loopwright.images.shapes import FaultRates, sample_prompt
from loopwright.types import Check

CAPS = (1, 2, 4, 8, 16)
STRATEGIES = ("best_of_n", "ircig", "streams", "staged")


class Cell(BaseModel, frozen=True):
    """One configuration: a line of a table, under all caps."""

    model: str
    atoms: int
    noise: str
    strategy: str
    looks: int = LOOKS
    """At one picture, at most, of strategies that look more than once."""

    @property
    def once(self) -> bool:
        """Whether the verifier looks once at each picture, as published; else as often as it needs."""
        return self.strategy not in ("streams", "staged")


class Outcome(BaseModel, frozen=True):
    """What one episode came to under one cap."""

    claimed: bool
    believed: float
    """The probability that all of the answer holds, as the loop tells; 1 or 0 where it tells none."""
    audited: bool
    images: int
    looks: int
    """Calls of the verifier and of a critic that looks."""
    failed: tuple[str, ...]
    """Atoms of the answer that do not hold by the auditor."""


class Ran(BaseModel, frozen=True):
    """One episode."""

    cell: Cell
    prompt: str
    seed: int
    outcomes: Mapping[int, Outcome]
    """By the cap on images."""


def prompts(atoms: int, number: int, draw: str) -> list[str]:
    """Different prompts with so many atoms; fewer where there are no more.

    Args:
        atoms: Of each prompt.
        number: Wanted.
        draw: Names the set: what a policy is developed on is not what it is tested on.
    """
    rng, found = random.Random(f"{draw}/{atoms}"), dict[str, None]()
    for _ in range(50 * number):
        found[str(sample_prompt(rng, atoms))] = None
        if len(found) == number:
            break
    return list(found)


def run(cell: Cell, texts: Sequence[str], seed: int) -> Iterator[Ran]:
    """Runs one episode for each prompt, one after the other: each one knows the answers to those before it."""
    strategy, rates, known = cell.strategy, rates_of(cell.model), Counter[Seen]()
    for text in texts:
        episode = Episode(text, rates, cell.noise, seed, once=cell.once, before=known, looks=cell.looks)
        episode.run(strategy, CAPS[-1])
        known += tally(episode.attempts)
        outcomes = {cap: outcome(episode, cap, critic=strategy == "ircig") for cap in CAPS}
        yield Ran(cell=cell, prompt=text, seed=seed, outcomes=outcomes)


def rates_of(model: str) -> FaultRates:
    """The rates of a painter by its name, such as `painter/omit=0.2`."""
    given = [part.partition("=") for part in model.partition("/")[2].split(",") if part != "default"]
    return FaultRates(**{name: float(value) for name, _, value in given})


def outcome(episode: Episode, cap: int, *, critic: bool) -> Outcome:
    """An episode as if it had ended after so many pictures; a critic looks once at each."""
    attempts = episode.attempts[:cap]
    best = max(attempts, key=lambda attempt: (attempt.verdict.score, -attempt.iteration))
    truth = episode.truth(episode.scenes[best.iteration])
    failed = tuple(name for name, answer in truth.items() if answer.value != "yes")
    return Outcome(
        claimed=best.verdict.passed,
        believed=prod(_probability(check) for check in best.verdict.checks),
        audited=not failed,
        images=len(attempts),
        looks=sum(_looks(attempt.verdict.checks[0]) + critic for attempt in attempts),
        failed=failed,
    )


def _probability(check: Check) -> float:
    told = (check.data or {}).get("p", float(check.passed))
    return told if isinstance(told, int | float) else float(check.passed)


def _looks(check: Check) -> int:
    looks = (check.data or {}).get("looks", 1)
    return looks if isinstance(looks, int) else 1
