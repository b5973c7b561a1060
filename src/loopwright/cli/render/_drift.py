"""What `loopwright drift` reads and writes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import click

from loopwright.cli._exit import ExitCode
from loopwright.cli._output import write, write_json, write_table
from loopwright.cli._runs import find_run
from loopwright.drift import (
    CHANNELS,
    SCENARIOS,
    TRAITS,
    Baseline,
    Channel,
    DetectorName,
    Interaction,
    Monitor,
    Review,
    from_mapping,
    observations,
    run_trial,
)
from loopwright.errors import UserError
from loopwright.files import open_regular
from loopwright.stats import wilson
from loopwright.store import DriftAlarm, Event, read_run

_LONGEST_LINE = 16 * 1024 * 1024


def interactions(sources: Iterable[str], runs: Path) -> Iterator[Interaction]:
    """Reads runs and files of interactions, in order."""
    for source in sources:
        if Path(source).is_file():
            yield from _lines(Path(source))
        else:
            record = read_run(find_run(source, runs))
            yield from observations(record.events, record.manifest.id)


def _lines(path: Path) -> Iterator[Interaction]:
    with open_regular(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), 1):
            if len(line) > _LONGEST_LINE:
                raise UserError(f"{path}:{number}: a line has at most {_LONGEST_LINE} bytes")
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}:{number}: not JSON: {error}", remedy="Write one object per line.") from None
            if not isinstance(record, dict):
                raise UserError(f"{path}:{number}: not an object", remedy="Write one object per line.")
            try:
                yield from_mapping(record)
            except UserError as error:
                raise UserError(f"{path}:{number}: {error.args[0]}", remedy=error.remedy) from None


def follow(baseline: Baseline, folder: Path, every: float, detector: DetectorName) -> Iterator[DriftAlarm]:
    """Alarms of a run while it is written, until it is finished."""
    monitor, run, taken = Monitor(baseline, detector), read_run(folder).manifest.id, 0
    for events in _growing(folder, every):
        seen = list(observations(events, run))
        for one in seen[taken:]:
            yield from monitor.observe(one)
        taken = len(seen)


def follow_recorded(folder: Path, every: float) -> Iterator[DriftAlarm]:
    """Alarms that a run's own monitor records while it is made, until it is finished."""
    taken = 0
    for events in _growing(folder, every):
        for event in events[taken:]:
            if isinstance(event.data, DriftAlarm):
                yield event.data
        taken = len(events)


def _growing(folder: Path, every: float) -> Iterator[list[Event]]:
    """A run's events whenever there are more of them, until it is finished."""
    record, size = read_run(folder), -1
    while True:
        now = sum(path.stat().st_size for path in folder.glob("events.jsonl"))
        if now != size:
            size = now
            events = list(record.events)
            yield events
            if any(event.data.type == "run_finished" for event in events):
                return
        time.sleep(every)


def append(path: Path | None, alarms: Iterable[DriftAlarm]) -> None:
    """Appends alarms as lines of JSON."""
    if path is None:
        return
    with path.open("a", encoding="utf-8") as file:
        for alarm in alarms:
            file.write(_line(alarm) + "\n")


def tell(alarm: DriftAlarm, *, as_json: bool) -> None:
    """Tells one alarm at once."""
    write(_line(alarm) if as_json else str(alarm))


def _line(alarm: DriftAlarm) -> str:
    return json.dumps(alarm.model_dump(mode="json", exclude={"agent"}))


def leave(worse: Sequence[DriftAlarm]) -> None:
    """Leaves with the exit code for CI."""
    if worse:
        click.get_current_context().exit(ExitCode.BELOW)


def show(found: Review) -> None:
    """Writes a review for people."""
    last, bands = (found.points[-1] if found.points else None), found.baseline.bands
    rows = []
    for channel in CHANNELS:
        values = [point.scores[channel] for point in found.points if channel in point.scores]
        alarms = [alarm for alarm in found.alarms if alarm.channel is channel]
        first = alarms[0] if alarms else None
        rows.append(
            (
                f"{channel} {TRAITS[channel].title}",
                f"{values[0]:.2f}" if values else "-",
                f"{values[-1]:.2f}" if values else "-",
                f"{bands[channel].low():.2f}" if channel in bands else "-",
                str(len(alarms)) if channel in found.baseline.levels else "not watched",
                f"{first.at}, since about {first.onset}, {first.shift:+.2f} sd" if first else "",
            )
        )
    columns = ("dimension", "first", "now", "usual from", "alarms", "first alarm")
    write_table(columns, rows, right=columns[1:5])
    value = "-" if last is None or last.value is None else f"{last.value:.3f}"
    usual = f" (usual from {bands['index'].low():.3f})" if "index" in bands else ""
    coverage = last.coverage if last else 0.0
    write(
        f"\nindex {value}{usual}, coverage {coverage:.0%}, {found.counts.seen} interactions, detector {found.detector}"
    )
    write(found.outcome)
    if found.counts.duplicates or found.counts.malformed:
        write(f"left out: {found.counts.duplicates} duplicates, {found.counts.malformed} impossible values")
    if found.counts.aside:
        write(f"set aside: {found.counts.aside} interactions in which half of the signals were odd at once")
    for alarm in found.alarms:
        write(str(alarm))


def show_baseline(baseline: Baseline, path: Path, *, as_json: bool) -> None:
    """Writes what a baseline holds."""
    if as_json:
        write_json(
            {
                "file": str(path),
                "name": baseline.name,
                "interactions": baseline.interactions,
                "alpha": baseline.alpha,
                "horizon": baseline.horizon,
                "embedding": baseline.embedding,
                "digest": baseline.digest,
                "source": baseline.source,
                "channels": {name: level.n for name, level in baseline.levels.items()},
                "warnings": baseline.warnings,
            }
        )
        return
    write(f"{path}: {baseline.name}, {baseline.interactions} interactions, sha256 {baseline.digest}")
    write(f"a session of {baseline.horizon} interactions without drift alarms with probability {baseline.alpha}")
    rows = [
        (
            name if name not in set(CHANNELS) else f"{name} {TRAITS[Channel(name)].title}",
            str(level.n),
            f"{level.means['']:.3f}",
            f"{level.sd:.3f}",
            f"{level.correlation:.2f}",
        )
        for name, level in baseline.levels.items()
    ]
    columns = ("signal", "interactions", "mean score", "sd", "lag-1")
    write_table(columns, rows, right=columns[1:])
    for warning in baseline.warnings:
        write(f"note: {warning}")


def simulate(
    names: Sequence[str],
    seeds: int,
    *,
    alpha: float,
    horizon: int,
    size: int | None,
    detector: DetectorName,
    as_json: bool,
) -> None:
    """Runs scenarios and writes what came of them."""
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise UserError(f"there is no scenario {unknown[0]!r}", remedy=f"There are: {', '.join(SCENARIOS)}.")
    results = []
    for scenario in (SCENARIOS[name] for name in names or SCENARIOS):
        trials = [
            run_trial(scenario, seed, alpha=alpha, size=size, horizon=horizon, detector=detector)
            for seed in range(seeds)
        ]
        hits = sum(one.ever if scenario.drift is None else one.delay is not None for one in trials)
        interval = wilson(hits, seeds)
        delays = [math.inf if one.delay is None else one.delay for one in trials]
        named = sum(bool(scenario.channels & set(one.channels)) for one in trials)
        middle = median(delays)
        results.append(
            {
                "scenario": scenario.name,
                "what": scenario.what,
                "drift": scenario.drift is not None,
                "sessions": seeds,
                "alarmed": hits,
                "low": interval.low,
                "high": interval.high,
                "median_delay": None if scenario.drift is None or math.isinf(middle) else middle,
                "named": named,
            }
        )
    if as_json:
        write_json(results)
        return
    rows = [
        (
            f"{one['scenario']}: {one['what']}",
            f"{one['alarmed']}/{seeds} [{one['low']:.0%}, {one['high']:.0%}]",
            "-" if one["median_delay"] is None else f"{one['median_delay']:.0f}",
            f"{one['named']}/{seeds}" if one["drift"] else "-",
        )
        for one in results
    ]
    columns = ("session", "alarmed (95 %)", "median delay", "right channel")
    write_table(columns, rows, right=columns[1:])
