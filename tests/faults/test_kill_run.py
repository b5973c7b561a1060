"""`kill -9` of a whole run at random instants: nothing is lost, nothing recorded is paid twice, the end is the same."""

from __future__ import annotations

import asyncio
import json
import random
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.store import CallFinished, read_run
from tests.faults.table import proves
from tests.faults.workload import execute, outcome, start

KILLS = 100


def recorded(folder: Path) -> set[str]:
    """Request hashes whose answer is in the record."""
    if not (folder / "run" / "run.json").exists():
        return set()
    events = read_run(folder / "run").events
    return {
        event.data.key.rsplit("/", 1)[-1]
        for event in events
        if isinstance(event.data, CallFinished) and event.data.failure is None
    }


def paid(folder: Path) -> list[str]:
    bill = folder / "paid.log"
    return bill.read_text().splitlines() if bill.exists() else []


def lines(folder: Path) -> list[str]:
    path = folder / "run" / "events.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def run_for(processes: ForkServerContext, folder: Path, seconds: float | None) -> bool:
    """Runs or resumes in a process of its own; kills it after the given time. Returns whether it came to its end."""
    process = processes.Process(target=execute, args=(folder,))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True


@pytest.mark.slow
@proves(
    f"`kill -9` of a whole run, loop and all, at {KILLS} random instants",
    "same attempts, verdicts and grades; 0 recorded model calls repeated; 0 events lost; calls counted as undisturbed",
)
def test_kill_9_at_random_instants(tmp_path: Path, processes: ForkServerContext) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    assert run_for(processes, undisturbed, None)
    begun = time.monotonic()
    (tmp_path / "timed").mkdir()
    assert run_for(processes, tmp_path / "timed", None)
    whole = time.monotonic() - begun
    expected = outcome(load_result(undisturbed / "run"))
    chance = random.Random(7)
    kills = repeated = lost = 0
    for trial in range(1000):
        if kills >= KILLS:
            break
        folder = tmp_path / str(trial)
        folder.mkdir()
        while not run_for(processes, folder, chance.uniform(0, whole)):
            kills += 1
            known, before, bill = recorded(folder), lines(folder), len(paid(folder))
            finished = run_for(processes, folder, chance.uniform(0, 2 * whole))
            kills += not finished
            repeated += len(known & set(paid(folder)[bill:]))
            # Every whole line stays; the torn one at the end, if any, may go.
            kept = before[:-1]
            lost += lines(folder)[: len(kept)] != kept
            if finished:
                break
        result = load_result(str(folder / "run"))
        assert outcome(result) == expected
        assert sum(e.outcome.model_calls for e in result if e.outcome) == len(recorded(folder))
    assert kills >= KILLS
    assert (repeated, lost) == (0, 0)


def test_a_run_that_is_resumed_when_finished_does_nothing(tmp_path: Path) -> None:
    first = asyncio.run(start(tmp_path).execute())
    bill = paid(tmp_path)
    again = asyncio.run(start(tmp_path).execute())
    assert outcome(again) == outcome(first)
    assert paid(tmp_path) == bill
    assert len(bill) == len(set(bill)) > 6


@pytest.mark.slow
@proves(
    "a whole run, loop and all, cut off behind any event",
    "the state that a crash right there leaves behind comes to the same end; 0 recorded model calls repeated",
)
def test_a_run_cut_off_after_any_event_comes_to_the_same_end(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = outcome(asyncio.run(start(whole).execute()))
    events = lines(whole)
    for length in range(1, len(events)):
        folder = tmp_path / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "run.json").write_bytes((whole / "run" / "run.json").read_bytes())
        (folder / "run" / "events.jsonl").write_text("".join(line + "\n" for line in events[:length]))
        known = recorded(folder)
        assert outcome(asyncio.run(start(folder).execute())) == expected, json.loads(events[length - 1])
        assert not known & set(paid(folder))
