"""What a run will come to, by the rates of an earlier run: calls, tokens, cost, hours, and what holds it up."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, variance

from loopwright.errors import MissingContent
from loopwright.preflight._validate import CheckedRun
from loopwright.record import RunReader
from loopwright.store import EpisodeFinished, read_run

_Z = 1.96
_MANY = 1_000_000
"""Episodes at a time that no machine has."""
_Group = tuple[str, str]
"""A task and a variant."""


@dataclass(frozen=True, slots=True)
class Total:
    """A total over episodes that were not run yet."""

    mean: float
    low: float | None
    """Of a 95 % prediction interval, by a normal approximation; None where a variant has a single episode to go by."""
    high: float | None


@dataclass(frozen=True, slots=True)
class VariantForecast:
    """What the episodes of one variant will come to."""

    task: str
    variant: str
    episodes: int
    measured: int
    """Episodes of the earlier run that it goes by."""
    model_calls: float
    tokens: float
    usd: float | None
    """None where the earlier run has no cost."""
    seconds: float
    """Of its episodes one after the other."""


@dataclass(frozen=True, slots=True)
class RunForecast:
    """What a run will come to at the rates of an earlier one."""

    variants: tuple[VariantForecast, ...]
    model_calls: Total
    images: Total
    tokens: Total
    usd: Total | None
    hours: Total
    """Wall time with as many episodes at a time as the run has."""
    concurrency: int
    shares: Mapping[str, float]
    """What the time of episodes went to: `model calls`, `sandboxes`, and `waiting`, which is for limits, retries, a
    processor, and Loopwright itself. They add up to 1."""
    bottleneck: str
    """`model calls`, `sandboxes` or `waiting`, the largest share of episodes; `processors` where sandboxes have work
    for more processors than there are; `longest episode` where there are fewer episodes than may run at a time."""
    enough: int | None
    """Episodes at a time beyond which the processors are the bottleneck; None where hardly any time goes to
    sandboxes."""
    processors: int


def forecast_run(checked: CheckedRun, earlier: Path) -> RunForecast:
    """Tells what a run will come to from what an earlier one took.

    Each variant goes by the scored episodes of the same task and variant, else of the same variant.

    Args:
        checked: The run that is planned.
        earlier: The folder of the earlier run.

    Raises:
        MissingContent: The earlier run has no scored episode of a variant.
        StoreError: It cannot be read.
    """
    planned = Counter((episode.task.name, episode.variant) for episode in checked.episodes)
    done = _finished(earlier)
    samples = {group: _samples(group, done, earlier) for group in planned}
    cells = [(number, samples[group]) for group, number in planned.items()]
    priced = all(one.cost_usd is not None for _, episodes in cells for one in episodes)
    time = _total(cells, lambda one: one.seconds)
    shares = _shares(cells, time.mean)
    places, processors = checked.config.concurrency, os.cpu_count() or 1
    sandboxes = _total(cells, lambda one: one.sandbox_seconds).mean
    longest = max(fmean(one.seconds for one in episodes) for _, episodes in cells)
    bounds = {"processors": sandboxes / processors, "longest episode": longest, "": time.mean / places}
    holds = max(bounds, key=lambda name: bounds[name])
    hours = bounds[holds] / 3600
    enough = time.mean * processors / sandboxes if sandboxes else math.inf
    return RunForecast(
        variants=tuple(_variant(group, number, samples[group], priced) for group, number in planned.items()),
        model_calls=_total(cells, lambda one: one.model_calls),
        images=_total(cells, lambda one: one.images),
        tokens=_total(cells, lambda one: one.usage.total),
        usd=_total(cells, lambda one: float(one.cost_usd or 0)) if priced else None,
        hours=Total(hours, _scaled(time.low, time.mean, hours), _scaled(time.high, time.mean, hours)),
        concurrency=places,
        shares=shares,
        bottleneck=holds or max(shares, key=lambda name: shares[name]),
        enough=int(enough) if enough < _MANY else None,
        processors=processors,
    )


def _scaled(end: float | None, mean: float, to: float) -> float | None:
    """An end of an interval, where its mean becomes another one."""
    return None if end is None else end / mean * to if mean else to


def _finished(folder: Path) -> dict[_Group, list[EpisodeFinished]]:
    record = read_run(folder)
    done: dict[_Group, list[EpisodeFinished]] = {}
    for episode in RunReader(record.result).read(record.events):
        if episode.started and episode.finished and episode.finished.status == "scored":
            done.setdefault((episode.started.task, episode.started.variant), []).append(episode.finished)
    return done


def _samples(
    group: _Group, done: Mapping[_Group, Sequence[EpisodeFinished]], folder: Path
) -> Sequence[EpisodeFinished]:
    alike = [one for (_, variant), episodes in done.items() if variant == group[1] for one in episodes]
    if found := done.get(group) or alike:
        return found
    known = ", ".join(sorted({variant for _, variant in done})) or "none"
    raise MissingContent(
        f"{folder} has no scored episode of the variant {group[1]}",
        remedy=f"It has: {known}. Run a few episodes of each variant first, and name that run.",
    )


def _variant(group: _Group, number: int, episodes: Sequence[EpisodeFinished], priced: bool) -> VariantForecast:
    cell = [(number, episodes)]
    return VariantForecast(
        *group,
        episodes=number,
        measured=len(episodes),
        model_calls=_total(cell, lambda one: one.model_calls).mean,
        tokens=_total(cell, lambda one: one.usage.total).mean,
        usd=_total(cell, lambda one: float(one.cost_usd or 0)).mean if priced else None,
        seconds=_total(cell, lambda one: one.seconds).mean,
    )


def _total(cells: Sequence[tuple[int, Sequence[EpisodeFinished]]], amount: Callable[[EpisodeFinished], float]) -> Total:
    r"""The total of n new episodes in each cell, where m were measured.

    It is $\sum n\bar{x} \pm z\sqrt{\sum s^2(n + n^2/m)}$: the first part of the variance is that of the new
    episodes, the second that of the measured mean.
    """
    total, spread, known = 0.0, 0.0, True
    for number, episodes in cells:
        amounts = [float(amount(one)) for one in episodes]
        total += number * fmean(amounts)
        known = known and len(amounts) > 1
        if known:
            spread += variance(amounts) * (number + number**2 / len(amounts))
    if not known:
        return Total(total, None, None)
    return Total(total, max(0.0, total - _Z * math.sqrt(spread)), total + _Z * math.sqrt(spread))


def _shares(cells: Sequence[tuple[int, Sequence[EpisodeFinished]]], total: float) -> dict[str, float]:
    if not total:
        return {"model calls": 0.0, "sandboxes": 0.0, "waiting": 1.0}
    sandboxes = _total(cells, lambda one: min(one.sandbox_seconds, one.seconds)).mean / total
    models = _total(cells, lambda one: max(0.0, min(one.working_seconds, one.seconds) - one.sandbox_seconds)).mean
    return {
        "model calls": models / total,
        "sandboxes": sandboxes,
        "waiting": max(0.0, 1 - sandboxes - models / total),
    }
