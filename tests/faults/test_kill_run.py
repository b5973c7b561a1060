"""`kill -9` of a whole run at random instants: nothing is lost, nothing recorded is paid twice, the end is the same."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.store import CallFinished, read_run
from tests.faults.workload import outcome, start

KILLS = 100


def recorded(folder: Path) -> set[str]:
    """Request hashes whose answer is in the record."""
    if not (folder / "run" / "events.jsonl").exists():
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


def run_for(folder: Path, seconds: float | None, environment: dict[str, str]) -> bool:
    """Runs or resumes in a process of its own; kills it after the given time. Returns whether it came to its end."""
    process = subprocess.Popen([sys.executable, "-m", "tests.faults.workload", str(folder)], env=environment)
    try:
        assert process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False
    return True


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{repository / 'src'}:{repository}"}


@pytest.mark.slow
def test_kill_9_at_random_instants(tmp_path: Path, environment: dict[str, str]) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    begun = time.monotonic()
    assert run_for(undisturbed, None, environment)
    whole = time.monotonic() - begun
    expected = outcome(load_result(undisturbed / "run"))
    chance = random.Random(7)
    kills = repeated = lost = 0
    for trial in range(1000):
        if kills >= KILLS:
            break
        folder = tmp_path / str(trial)
        folder.mkdir()
        while True:
            # Starting Python and its imports takes most of the time; the instants that matter come after.
            in_time = run_for(folder, chance.uniform(0.5 * whole, 1.02 * whole), environment)
            if in_time:
                break
            kills += 1
            known, before = recorded(folder), lines(folder)
            bill = len(paid(folder))
            finished = run_for(folder, chance.uniform(0.5 * whole, 2 * whole), environment)
            repeated += len(known & set(paid(folder)[bill:]))
            # Every whole line stays; the torn one at the end, if any, may go.
            lost += lines(folder)[: len(before) - 1] != before[:-1]
            if finished:
                break
            kills += 1
        result = load_result(folder / "run")
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
def test_a_run_cut_off_after_any_event_comes_to_the_same_end(tmp_path: Path) -> None:
    """Cuts the record at every boundary between two events: the state that a crash right there leaves behind."""
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = outcome(asyncio.run(start(whole).execute()))
    events = lines(whole)
    for length in range(1, len(events), 3):
        folder = tmp_path / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "run.json").write_bytes((whole / "run" / "run.json").read_bytes())
        (folder / "run" / "events.jsonl").write_text("".join(line + "\n" for line in events[:length]))
        known = recorded(folder)
        assert outcome(asyncio.run(start(folder).execute())) == expected, json.loads(events[length - 1])
        assert not known & set(paid(folder))
