"""Searches beside other methods on the same problem, at equal budgets, and what each took to reach a target."""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, median
from typing import Any

from loopwright.report._climb import Climb, Rung
from loopwright.report._format import NOTHING, bounds, count, duration, holds_difference, money
from loopwright.report._row import EpisodeRow
from loopwright.stats import PairedDifference, paired_values, wilson
from loopwright.text import counted
from loopwright.types import ValueOptions

_TARGETS = 6
_TUNER = "tuner"
_NEVER = "never"
_SEARCH, _BEST_OF_N, _CLASSICAL = "search", "best-of-N", "classical solver"


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount that every method had."""

    name: str
    fits: Callable[[Rung], bool]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to search a problem, with its episodes by seed."""

    name: str
    kind: str
    """Search, best-of-N, classical solver (the seed program with other seeds), or the name of its strategy."""
    climbs: Mapping[int, Climb]
    """By the number of the repeat; equal numbers have equal seeds."""

    def took(self) -> tuple[str, str, str, str, str]:
        """Candidates, those executed, time, tokens and cost of one episode in the mean."""
        return _took([climb.whole for climb in self.climbs.values()], fmean)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """What a method found with each budget."""

    method: str
    kind: str
    seeds: int
    took: tuple[str, ...]
    found: tuple[str, ...]
    """In the mean over seeds, with the worst and the best of them."""
    difference: str
    """Search minus this method with as many candidates, with its interval over seeds."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """What a method took until it reached a value."""

    target: str
    method: str
    reached: str
    """How many of how many seeds, with the interval of the share."""
    took: tuple[str, ...]
    """In the median of all seeds; those that never got there count as more than the others."""
    several: bool
    """Whether there are several seeds."""

    @property
    def spent(self) -> str:
        """What it took in words; empty where the median seed never got there."""
        candidates, _, seconds, tokens, usd = self.took
        if candidates == _NEVER:
            return ""
        first = "1 candidate" if candidates == "1" else f"{candidates} candidates"
        spent = [first, seconds, *([f"{tokens} tokens"] if tokens != "0" else [])]
        middle = " in the median" if self.several else ""
        return f", after {', '.join([*spent, *([usd] if usd != NOTHING else [])])}{middle}"


@dataclass(frozen=True, slots=True)
class BudgetTable:
    """The methods of one problem."""

    problem: str
    better: str
    """Which values are better."""
    budgets: tuple[str, ...]
    rows: tuple[BudgetRow, ...]
    targets: tuple[TargetRow, ...]
    missing: tuple[str, ...]
    """What was not run, and how to run it."""

    def lines(self) -> list[str]:
        """The table for a terminal."""
        told = []
        for row in self.rows:
            found = "; ".join(f"{value} {name}" for name, value in zip(self.budgets, row.found, strict=True))
            told.append(f"{self.problem}, {row.method} ({row.kind}, {counted(row.seeds, 'seed')}): {found}")
            if row.difference:
                told[-1] += f"; the search minus it {row.difference}"
        for target in self.targets:
            told.append(f"{self.problem}, to {target.target}: {target.method} {target.reached}{target.spent}")
        return told + [f"{self.problem}: {line}" for line in self.missing]


def budget_tables(rows: Iterable[EpisodeRow], config: Mapping[str, Any]) -> tuple[BudgetTable, ...]:
    """The problems of a run that a search works on.

    Args:
        rows: The episodes.
        config: The configuration of the run; tasks with the same environment are one problem.
    """
    tasks = {str(task.get("name")): task for task in config.get("tasks", ()) if isinstance(task, Mapping)}
    problems: dict[tuple[str, str], list[EpisodeRow]] = defaultdict(list)
    for row in rows:
        if row.climb is not None and row.valued is not None and row.status == "scored":
            environment = (tasks.get(row.task) or {}).get("environment")
            same = json.dumps(_problem(environment), sort_keys=True, default=str) if environment else row.task
            problems[same, "" if row.task == row.instance else row.instance].append(row)
    return tuple(
        _table(found, tasks) for found in problems.values() if any(row.climb and row.climb.search for row in found)
    )


def _problem(environment: object) -> object:
    """An environment without what may differ while the problem is the same."""
    if not isinstance(environment, Mapping):
        return environment
    return {key: value for key, value in environment.items() if key not in {"timeout", "verify_timeout"}}


def _table(rows: Sequence[EpisodeRow], tasks: Mapping[str, Mapping[str, Any]]) -> BudgetTable:
    value = rows[0].valued
    assert value is not None
    methods = _methods(rows, tasks)
    search = methods[0]
    budgets = _budgets(methods)
    names = list(dict.fromkeys(row.unit for row in rows))
    return BudgetTable(
        problem=names[0],
        better="higher is better" if value.direction == "maximize" else "lower is better",
        budgets=tuple(budget.name for budget in budgets),
        rows=tuple(_row(method, search, budgets, value) for method in methods),
        targets=tuple(_targets(methods, value, _known(tasks.get(rows[0].task)))),
        missing=tuple(_missing(methods, [_proposer(tasks, row.task) for row in rows])),
    )


def _methods(rows: Sequence[EpisodeRow], tasks: Mapping[str, Mapping[str, Any]]) -> Sequence[Method]:
    """The methods, searches first."""
    several = len({row.task for row in rows}) > 1
    found: dict[tuple[str, str], dict[int, Climb]] = defaultdict(dict)
    for row in rows:
        if row.climb:
            found[row.task, row.variant][row.repeat] = row.climb
    methods = []
    for (task, variant), climbs in found.items():
        kind = _kind(next(iter(climbs.values())), _proposer(tasks, task))
        methods.append(Method(f"{task} {variant}" if several else variant, kind, climbs))
    return sorted(methods, key=lambda method: method.kind != _SEARCH)


def _proposer(tasks: Mapping[str, Mapping[str, Any]], name: str) -> object:
    return ((tasks.get(name) or {}).get("agents") or {}).get("proposer")


def _kind(climb: Climb, proposer: object) -> str:
    if climb.search:
        return _SEARCH
    if climb.strategy != "best_of_n":
        return climb.strategy
    return _CLASSICAL if proposer == _TUNER else _BEST_OF_N


def _budgets(methods: Sequence[Method]) -> Sequence[Budget]:
    """What all methods had: candidates, time, and tokens and money where all took some."""
    wholes = [climb.whole for method in methods for climb in method.climbs.values()]
    candidates, seconds = min(one.candidates for one in wholes), min(one.seconds for one in wholes)
    budgets = [
        Budget(f"with {candidates} candidates", lambda rung: rung.candidates <= candidates),
        Budget(f"in {duration(seconds)}", lambda rung: rung.seconds <= seconds),
    ]
    if tokens := min(one.tokens for one in wholes):
        budgets.append(Budget(f"for {count(tokens)} tokens", lambda rung: rung.tokens <= tokens))
    costs = [one.usd for one in wholes if one.usd]
    if len(costs) == len(wholes):
        usd = min(costs)
        budgets.append(Budget(f"for {money(usd)}", lambda rung: rung.usd is not None and rung.usd <= usd))
    return budgets


def _row(method: Method, search: Method, budgets: Sequence[Budget], value: ValueOptions) -> BudgetRow:
    values = [[climb.within(budget.fits) for climb in method.climbs.values()] for budget in budgets]
    compared = None if method is search else _difference(search, method, budgets[0])
    return BudgetRow(
        method=method.name,
        kind=method.kind,
        seeds=len(method.climbs),
        took=method.took(),
        found=tuple(_spread(each, value) for each in values),
        difference="" if compared is None else _told(compared),
    )


def _difference(search: Method, other: Method, budget: Budget) -> PairedDifference | None:
    """Pairs the seeds that both have and where both found something."""
    sides: tuple[dict[str, list[float]], dict[str, list[float]]] = ({}, {})
    for seed in search.climbs.keys() & other.climbs.keys():
        pair = [method.climbs[seed].within(budget.fits) for method in (search, other)]
        if pair[0] is not None and pair[1] is not None:
            for side, found in zip(sides, (pair[0], pair[1]), strict=True):
                side[str(seed)] = [found]
    return paired_values(*sides) if len(sides[0]) > 1 else None


def _told(found: PairedDifference) -> str:
    interval = f"[{found.interval.low:+.3g}, {found.interval.high:+.3g}]"
    if not holds_difference(found, digits=12):
        interval = "(too few seeds for an interval)"
    return f"{found.difference:+.3g} {interval} over {found.tasks} seeds"


def _spread(values: Sequence[float | None], value: ValueOptions) -> str:
    found = [one for one in values if one is not None]
    if not found:
        return "none"
    told = f"{fmean(found):.10g}"
    if len(found) > 1:
        told += f" ({min(found, key=value.rank):.7g} to {max(found, key=value.rank):.7g})"
    return told if len(found) == len(values) else f"{told}, none of {len(values) - len(found)}"


def _known(task: Mapping[str, Any] | None) -> Sequence[tuple[float, str]]:
    environment = (task or {}).get("environment")
    known = environment.get("known") if isinstance(environment, Mapping) else None
    entries = [one for one in known or () if isinstance(one, Mapping)]
    return [(float(one["value"]), str(one.get("source", ""))) for one in entries if _number(one.get("value"))]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _targets(methods: Sequence[Method], value: ValueOptions, known: Sequence[tuple[float, str]]) -> Iterable[TargetRow]:
    bests = [climb.better[-1].value for method in methods for climb in method.climbs.values() if climb.better]
    targets = [(found, f"{value.describe(found)} ({source})") for found, source in known[:_TARGETS]]
    common = min((best for best in bests if best is not None), key=value.rank, default=None)
    if common is not None and all(climb.better for method in methods for climb in method.climbs.values()):
        targets.append((common, f"{value.describe(common)} (what all of them reached)"))
    for target, told in targets:
        for method in methods:
            rungs = [climb.reached(target, value) for climb in method.climbs.values()]
            got = sum(rung is not None for rung in rungs)
            share = f" {bounds(wilson(got, len(rungs)))}" if len(rungs) > 1 else ""
            reached = f"{got} of {len(rungs)}{share}"
            yield TargetRow(told, method.name, reached, _took(rungs, median), several=len(rungs) > 1)


def _took(rungs: Sequence[Rung | None], middle: Callable[[list[float]], float]) -> tuple[str, str, str, str, str]:
    """Candidates, those executed, time, tokens and cost, or that the middle one of the seeds never got there."""
    missing = [math.inf] * sum(rung is None for rung in rungs)
    there = [rung for rung in rungs if rung is not None]

    def told(amounts: Iterable[float], show: Callable[[float], str]) -> str:
        found = middle([*amounts, *missing])
        return show(found) if math.isfinite(found) else _NEVER

    priced = [float(rung.usd) for rung in there if rung.usd is not None]
    return (
        told((rung.candidates for rung in there), lambda found: f"{found:g}"),
        told((rung.executed for rung in there), lambda found: f"{found:g}"),
        told((rung.seconds for rung in there), duration),
        told((rung.tokens for rung in there), lambda found: count(round(found))),
        NOTHING if len(priced) < len(there) or not any(priced) else told(priced, _dollars),
    )


def _dollars(amount: float) -> str:
    return money(Decimal(str(amount)))


def _missing(methods: Sequence[Method], proposers: Sequence[object]) -> Iterable[str]:
    kinds = {method.kind for method in methods}
    if not kinds & {_BEST_OF_N, _CLASSICAL}:
        what = "the seed program with other seeds" if _TUNER in proposers else "best-of-N"
        yield (
            f"{what} was not run beside the search. `loopwright run TASK --strategy discover,best_of_n --repeats 3` "
            "does that with as many candidates and the same caps"
        )
    if _CLASSICAL not in kinds and _TUNER not in proposers:
        yield (
            "no classical solver was run beside it. A second task on the same problem with `agents: {proposer: tuner}` "
            "and `strategy: best_of_n` runs the seed program with other seeds"
        )
