"""`kill -9` of a run of pictures: no recorded picture is paid twice, none is lost, and the answers are the same."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import shutil
import time
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.store import read_run
from tests.faults.image_workload import execute, start
from tests.faults.table import proves
from tests.faults.test_kill_run import lines, paid, recorded
from tests.faults.workload import outcome

KILLS = 50


def pictures(folder: Path) -> int:
    """How many calls for pictures are in the record with their results."""
    if not (folder / "run" / "run.json").exists():
        return 0
    events = [event.data for event in read_run(folder / "run").events]
    return sum(event.type == "call_finished" and event.kind == "image" and not event.failure for event in events)


def whole_run(folder: Path) -> list[tuple[object, ...]]:
    folder.mkdir()
    return outcome(asyncio.run(start(folder).execute()))


@proves(
    "a run of pictures, cut off behind any event",
    "the same pictures, verdicts and audits; 0 recorded pictures drawn again",
)
def test_a_run_of_pictures_cut_off_after_any_event_comes_to_the_same_end(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    expected = whole_run(whole)
    events, bill = lines(whole), len(paid(whole))
    assert bill == pictures(whole) > 4
    for length in range(1, len(events)):
        folder = tmp_path / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        shutil.copytree(whole / "run" / "artifacts", folder / "run" / "artifacts")
        (folder / "run" / "run.json").write_bytes((whole / "run" / "run.json").read_bytes())
        (folder / "run" / "events.jsonl").write_text("".join(line + "\n" for line in events[:length]))
        known = pictures(folder)
        assert outcome(asyncio.run(start(folder).execute())) == expected, events[length - 1]
        assert len(paid(folder)) == bill - known


@pytest.mark.slow
@proves(
    f"`kill -9` of a run of pictures at {KILLS} random instants",
    "the same pictures, verdicts and audits; 0 recorded pictures drawn again; 0 events lost",
)
def test_kill_9_of_a_run_of_pictures_at_random_instants(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.faults.image_workload", "langgraph.graph", "loopwright.images"])
    expected = whole_run(tmp_path / "whole")
    begun = time.monotonic()
    whole_run(tmp_path / "timed")
    seconds, chance, kills = time.monotonic() - begun, random.Random(11), 0
    for trial in range(500):
        if kills >= KILLS:
            break
        folder = tmp_path / str(trial)
        folder.mkdir()
        while True:
            known, kept, bill = recorded(folder), lines(folder)[:-1], len(paid(folder))
            process = processes.Process(target=execute, args=(folder,))
            process.start()
            process.join(chance.uniform(0, seconds))
            ended = not process.is_alive()
            process.kill()
            process.join()
            assert not known & set(paid(folder)[bill:])
            assert lines(folder)[: len(kept)] == kept
            if ended:
                assert process.exitcode == 0
                break
            kills += 1
        assert outcome(load_result(folder / "run")) == expected
    assert kills >= KILLS
