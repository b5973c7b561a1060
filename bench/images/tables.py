"""Tables of the bench of pictures: by the cap on images, and by what an atom speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from rich.table import Table

from bench.images.episodes import CAPS, Cell, Outcome, Ran
from loopwright.images.checklist import Atom, AttributeAtom
from loopwright.images.shapes import parse_prompt
from loopwright.stats import paired_difference

OURS = "streams"
RUN = 20
"""Prompts of a run that share a cap."""
FULL_CAP = 8
"""The cap of the table by aspects."""


@dataclass(frozen=True, slots=True)
class Result:
    """All strategies on the same prompts and seeds."""

    model: str
    atoms: int
    noise: str
    episodes: Mapping[str, Mapping[str, Sequence[Ran]]]
    """Strategy to prompt to its episodes, one for each seed."""

    @property
    def title(self) -> str:
        """What was run, with the numbers of prompts and seeds."""
        by_prompt = next(iter(self.episodes.values()))
        seeds = len(next(iter(by_prompt.values()), ()))
        return f"{self.atoms} atoms, {self.noise} noise, {self.model}: {len(by_prompt)} prompts x {seeds} seeds"

    def values(self, strategy: str, cap: int, of: Callable[[Outcome], float]) -> dict[str, list[float]]:
        """Prompt to a value of each of its episodes under a cap."""
        return {
            prompt: [float(of(ran.outcomes[cap])) for ran in runs] for prompt, runs in self.episodes[strategy].items()
        }

    def mean(self, strategy: str, cap: int, of: Callable[[Outcome], float]) -> float:
        """The mean of a value over prompts, under a cap."""
        return fmean(fmean(values) for values in self.values(strategy, cap, of).values())


def results_of(runs: Iterable[Ran], cells: Iterable[Cell]) -> list[Result]:
    """Episodes by number of atoms and noise; prompts that not all strategies have with all seeds are left out."""
    found: dict[Cell, dict[str, list[Ran]]] = {cell: {} for cell in cells}
    for ran in runs:
        if ran.cell in found:
            found[ran.cell].setdefault(ran.prompt, []).append(ran)
    tables: dict[tuple[str, int, str], dict[str, dict[str, list[Ran]]]] = {}
    for cell, by_prompt in found.items():
        tables.setdefault((cell.model, cell.atoms, cell.noise), {})[cell.strategy] = by_prompt
    results = []
    for (model, atoms, noise), strategies in tables.items():
        seeds = max((len(runs) for by_prompt in strategies.values() for runs in by_prompt.values()), default=0)
        whole = [
            {prompt for prompt, runs in by_prompt.items() if len(runs) == seeds} for by_prompt in strategies.values()
        ]
        if shared := sorted(set.intersection(*whole)):
            episodes = {name: {prompt: runs[prompt] for prompt in shared} for name, runs in strategies.items()}
            results.append(Result(model, atoms, noise, episodes))
    return results


def caps_table(result: Result) -> Table:
    """What each strategy comes to under each cap, and how far `streams` is ahead, with a 95 % interval."""
    table = Table(title=result.title)
    for name in (
        "cap",
        "strategy",
        "all correct, %",
        "claimed - audited",
        "believed - audited",
        "images",
        "looks",
        "streams - it",
    ):
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for cap in CAPS:
        for strategy in result.episodes:
            audited = result.mean(strategy, cap, lambda one: one.audited)
            cells = [
                f"{100 * audited:.1f}",
                f"{100 * (result.mean(strategy, cap, lambda one: one.claimed) - audited):+.1f}",
                f"{100 * (result.mean(strategy, cap, lambda one: one.believed) - audited):+.1f}",
            ]
            ahead = "" if strategy == OURS else _ahead(result, strategy, cap)
            images, looks = (result.mean(strategy, cap, of) for of in (lambda one: one.images, lambda one: one.looks))
            table.add_row(str(cap), strategy, *cells, f"{images:.2f}", f"{looks:.2f}", ahead)
            if strategy == "ircig":
                # A critic that never stops uses the cap; its answer is the same, as the first full pass is kept.
                table.add_row(str(cap), "ircig, all images", *cells, f"{cap:.2f}", f"{2 * cap:.2f}", ahead)
        table.add_section()
    return table


def _ahead(result: Result, strategy: str, cap: int) -> str:
    ours, theirs = (result.values(name, cap, lambda one: one.audited) for name in (OURS, strategy))
    found = paired_difference(ours, theirs)
    low, high = 100 * found.interval.low, 100 * found.interval.high
    return f"{100 * found.difference:+.1f} [{low:+.1f}, {high:+.1f}]"


def aspects_table(result: Result) -> Table:
    """How often an atom of the answer holds by the auditor, by what it speaks of, at a cap of 8."""
    table = Table(title=f"Atoms that hold at a cap of {FULL_CAP}, %: {result.title}")
    asked = Counter(aspect(atom) for runs in _any(result).items() for atom in _atoms(runs[0]) for _ in runs[1])
    table.add_column("strategy")
    for name in sorted(asked):
        table.add_column(f"{name} ({asked[name]})", justify="right")
    for strategy, by_prompt in result.episodes.items():
        failed = Counter(
            aspect(atom)
            for prompt, runs in by_prompt.items()
            for ran in runs
            for atom in _atoms(prompt)
            if atom.id in ran.outcomes[FULL_CAP].failed
        )
        table.add_row(strategy, *(f"{100 * (1 - failed[name] / asked[name]):.1f}" for name in sorted(asked)))
    return table


def shared_table(result: Result) -> Table:
    """What a cap on the run brings that each episode may use up to 16 images of, beside caps of 8 for each episode.

    Runs are of 20 prompts, one after the other. Where less than 16 images are left, the episode is taken at the highest
    cap of the bench that is left, so that the table says a little too little.
    """
    table = Table(title=f"8 images for each of {RUN} prompts, or for all together: {result.title}")
    for name in ("strategy", "8 each, %", "images", "together, %", "images", "together - each"):
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for strategy, by_prompt in result.episodes.items():
        prompts = list(by_prompt)
        each, shared = ({prompt: list[float]() for prompt in prompts} for _ in range(2))
        used = {FULL_CAP: 0, CAPS[-1]: 0}
        for seed, start in product(range(len(by_prompt[prompts[0]])), range(0, len(prompts), RUN)):
            these = prompts[start : start + RUN]
            left = FULL_CAP * len(these)
            for prompt in these:
                outcomes = by_prompt[prompt][seed].outcomes
                cap = max((cap for cap in CAPS if cap <= left), default=0)
                each[prompt].append(float(outcomes[FULL_CAP].audited))
                shared[prompt].append(float(cap > 0 and outcomes[cap].audited))
                spent = outcomes[cap].images if cap else 0
                left -= spent
                used[FULL_CAP] += outcomes[FULL_CAP].images
                used[CAPS[-1]] += spent
        number = sum(map(len, each.values()))
        found = paired_difference(shared, each)
        low, high = 100 * found.interval.low, 100 * found.interval.high
        table.add_row(
            strategy,
            f"{100 * fmean(map(fmean, each.values())):.1f}",
            f"{used[FULL_CAP] / number:.2f}",
            f"{100 * fmean(map(fmean, shared.values())):.1f}",
            f"{used[CAPS[-1]] / number:.2f}",
            f"{100 * found.difference:+.1f} [{low:+.1f}, {high:+.1f}]",
        )
    return table


def _any(result: Result) -> Mapping[str, Sequence[Ran]]:
    return next(iter(result.episodes.values()))


def _atoms(prompt: str) -> tuple[Atom, ...]:
    return parse_prompt(prompt).checklist().atoms


def aspect(atom: Atom) -> str:
    """What an atom speaks of: its kind, or the attribute that it names."""
    return atom.aspect if isinstance(atom, AttributeAtom) else atom.kind
