"""`kill -9` of drivers and of the server at random instants, with real processes and a real server."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import load_result
from loopwright.store.shared import SharedStore
from tests.faults.table import proves
from tests.faults.workload import outcome
from tests.store.shared.server import PostgresServer, postgres
from tests.store.shared.test_store import execute as ask
from tests.store.shared.test_store import same
from tests.store.shared.workload import RUN, execute

KILLS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of these tests alone, which kill it."""
    with postgres() as server:
        yield server


def paid(shared: Path) -> list[str]:
    bill = shared / "paid.log"
    return bill.read_text().splitlines() if bill.exists() else []


def recorded(url: str) -> set[str]:
    """Request hashes whose answer the database has."""
    lines = ask(url, "SELECT line FROM loopwright.events WHERE type = 'call_finished'")
    return {json.loads(line)["data"]["key"].rsplit("/", 1)[-1] for (line,) in lines}


def timed(processes: ForkServerContext, server: PostgresServer, shared: Path) -> tuple[float, list[tuple[object, ...]]]:
    """How long an undisturbed run takes, and what comes of it."""
    for name in ("first", "second"):
        (shared / name).mkdir(parents=True)
        begun = time.monotonic()
        process = processes.Process(target=execute, args=(server.new_database(), shared / name, shared / name))
        process.start()
        process.join()
        assert process.exitcode == 0
    return time.monotonic() - begun, outcome(load_result(shared / name / RUN))


@pytest.mark.slow
@proves(
    f"`kill -9` of the driver of a run in Postgres, at {KILLS} random instants, and resume on another machine",
    "same attempts, verdicts and grades; 0 model calls repeated that the database knew; folder and database equal",
)
def test_kill_9_of_drivers_and_resume_elsewhere(
    tmp_path: Path, server: PostgresServer, processes: ForkServerContext
) -> None:
    whole, expected = timed(processes, server, tmp_path / "undisturbed")
    chance = random.Random(11)
    kills = trial = 0
    while kills < KILLS:
        trial += 1
        assert trial < 100
        url, shared = server.new_database(), tmp_path / str(trial)
        shared.mkdir()
        SharedStore(url).init()
        machine = 0
        while True:
            known, billed = recorded(url), len(paid(shared))
            process = processes.Process(target=execute, args=(url, shared, shared / f"machine{machine}"))
            process.start()
            process.join(chance.uniform(0, whole) if machine < 4 else None)
            if process.is_alive():
                process.kill()
                kills += 1
            process.join()
            assert not known & set(paid(shared)[billed:])
            if process.exitcode == 0:
                break
            assert process.exitcode == -9
            machine += 1
        folder = shared / f"machine{machine}" / RUN
        assert outcome(load_result(folder)) == expected
        SharedStore(url).pull(RUN, shared / "reader")
        assert same(folder, shared / "reader")


@pytest.mark.slow
@proves(
    f"`kill -9` of Postgres with all its processes, at {KILLS} random instants of runs, and its start again",
    "the run waits and comes to the same end; each call is paid once; folder and database equal",
)
def test_kill_9_of_the_server_and_back(tmp_path: Path, server: PostgresServer, processes: ForkServerContext) -> None:
    whole, expected = timed(processes, server, tmp_path / "undisturbed")
    chance = random.Random(12)
    kills = trial = 0
    while kills < KILLS:
        trial += 1
        assert trial < 100
        url, shared = server.new_database(), tmp_path / str(trial)
        shared.mkdir()
        SharedStore(url).init()
        process = processes.Process(target=execute, args=(url, shared, shared))
        process.start()
        while not (shared / RUN / "run.json").exists():
            time.sleep(0.01)
        while process.is_alive() and kills < KILLS:
            process.join(chance.uniform(0, whole))
            if process.is_alive():
                server.kill()
                kills += 1
                server.start()
        process.join()
        assert process.exitcode == 0
        assert outcome(load_result(shared / RUN)) == expected
        assert len(paid(shared)) == len(set(paid(shared)))
        SharedStore(url).pull(RUN, shared / "reader")
        assert same(shared / RUN, shared / "reader")
