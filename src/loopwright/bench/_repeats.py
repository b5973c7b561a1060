"""Where repeats of one task part: what repeating a benchmark has told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from loopwright.runner import EpisodeResult
from loopwright.stats import common_prefix, divergence

_Step = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Repeats:
    """How alike the repeats of each task are, as sequences of actions and observations."""

    tasks: int
    """Tasks with two or more scored episodes in which something was done."""
    identical: int
    """Tasks of which all repeats are the same to the letter: repeating them told nothing."""
    common: float
    """Median over tasks of the share of the shorter episode that a pair of repeats has in common, in [0, 1]."""
    first: Mapping[str, int]
    """What pairs part with, `action`, `observation` or `end`, and how many do."""

    def __str__(self) -> str:
        if self.identical == self.tasks:
            return "the same to the letter in all tasks: they tell nothing (temperature 0?)"
        parted = ", ".join(f"{what} {count}" for what, count in self.first.items())
        common = f"a pair has {self.common:.0%} of its steps in common (median of {self.tasks} tasks)"
        return f"{common}; pairs part by {parted}; all the same in {self.identical} tasks"


def repeats_of(episodes: Sequence[EpisodeResult]) -> Repeats | None:
    """Compares the scored episodes of one variant task by task; None without repeats.

    See `loopwright.stats.divergence` (Bjarnason, Silva and Monperrus 2026, arXiv 2602.07150).
    """
    runs: dict[str, list[list[_Step]]] = {}
    for episode in episodes:
        if episode.scored and (steps := _steps(episode)):
            runs.setdefault(episode.instance, []).append(steps)
    repeated = [steps for steps in runs.values() if len(steps) > 1]
    if not repeated:
        return None
    parted = Counter(_parting(a, b) for steps in repeated for a, b in combinations(steps, 2))
    identical = sum(all(run == steps[0] for run in steps) for steps in repeated)
    del parted[""]
    return Repeats(len(repeated), identical, median(map(divergence, repeated)), dict(parted.most_common()))


def _steps(episode: EpisodeResult) -> list[_Step]:
    steps = []
    for attempt in episode.attempts:
        if attempt.candidate:
            steps.append(("action", attempt.candidate.text))
        steps.append(("observation", attempt.observation.text))
    return steps


def _parting(a: Sequence[_Step], b: Sequence[_Step]) -> str:
    """What the first difference is; empty where there is none."""
    at = common_prefix(a, b)
    if at < min(len(a), len(b)):
        return a[at][0]
    return "" if len(a) == len(b) else "end"
