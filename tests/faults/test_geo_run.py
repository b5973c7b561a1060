"""A crash in a run of a map: no recorded call is paid twice, and the map is the same."""

from __future__ import annotations

import asyncio
import random
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.runner import EpisodeResult
from loopwright.store import read_run
from tests.faults.geo_workload import execute_until, start
from tests.faults.table import proves
from tests.faults.test_kill_run import lines, paid

KILLS = 30


def finished(folder: Path) -> int:
    """How many calls are in the record with their results."""
    if not (folder / "run" / "run.json").exists():
        return 0
    return sum(event.data.type == "call_finished" for event in read_run(folder / "run").events)


def map_of(folder: Path, episodes: tuple[EpisodeResult, ...]) -> bytes:
    (episode,) = episodes
    assert episode.answer is not None
    return read_run(folder / "run").get(episode.answer.artifacts["map"])


@pytest.mark.slow
@proves(
    f"`kill -9` of a run of a map at {KILLS} instants: at events, and before and after calls are billed",
    "the same map; 0 recorded calls paid again; 0 events lost",
)
def test_kill_9_of_a_run_of_a_map(tmp_path: Path, processes: ForkServerContext) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = map_of(whole, tuple(asyncio.run(start(whole).execute())))
    chance, kills, folders, calls = random.Random(15), 0, 0, len(paid(whole))
    while kills < KILLS:
        folder = tmp_path / str(folders)
        folder.mkdir()
        folders += 1
        while True:
            known, kept, bill = finished(folder), lines(folder)[:-1], len(paid(folder))
            process = processes.Process(target=execute_until, args=(folder, chance.randint(2, 60)))
            process.start()
            process.join()
            assert lines(folder)[: len(kept)] == kept
            assert len(paid(folder)) - bill <= calls - known
            if process.exitcode == 0:
                break
            assert process.exitcode == -9
            kills += 1
        assert len(paid(folder)) - bill == calls - known
        assert map_of(folder, tuple(load_result(folder / "run"))) == expected
