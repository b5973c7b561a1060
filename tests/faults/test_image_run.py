"""A crash in a run of pictures: no recorded picture is paid twice, none is lost, and the answers are the same."""

from __future__ import annotations

import asyncio
import random
import shutil
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.store import read_run
from tests.faults.image_workload import execute_until, start
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
    f"`kill -9` of a run of pictures at {KILLS} instants: at events, and before, within and after calls",
    "the same pictures, verdicts and audits; 0 recorded pictures drawn again; 0 events lost",
)
def test_kill_9_of_a_run_of_pictures(tmp_path: Path, processes: ForkServerContext) -> None:
    expected, chance, kills, folders = whole_run(tmp_path / "whole"), random.Random(11), 0, 0
    while kills < KILLS:
        folder = tmp_path / str(folders)
        folder.mkdir()
        folders += 1
        # The same run is killed again and again, each time a little further on, until it comes to its end.
        while True:
            known, kept, bill = recorded(folder), lines(folder)[:-1], len(paid(folder))
            process = processes.Process(target=execute_until, args=(folder, chance.randint(2, 12)))
            process.start()
            process.join()
            assert not known & set(paid(folder)[bill:])
            assert lines(folder)[: len(kept)] == kept
            if process.exitcode == 0:
                break
            assert process.exitcode == -9
            kills += 1
        assert outcome(load_result(folder / "run")) == expected
