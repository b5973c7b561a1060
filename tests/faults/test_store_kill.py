"""`kill -9` of a process that writes a record."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loopwright.store import CallFinished, CallIntended, RunRecord, read_run
from tests.faults import scripted_run
from tests.faults.scripted_run import EPISODES, ITERATIONS, PRICE, acknowledged, provider_log
from tests.faults.table import proves

KILLED = -9


@dataclass
class Zygote:
    """Forks processes that run the scripted run."""

    process: subprocess.Popen[str]

    def start(self, folder: Path, *, die_at: int | None = None, kill_after: float | None = None) -> int:
        """Returns how the process ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"folder": str(folder), "die_at": die_at, "kill_after": kill_after}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@dataclass
class Watch:
    """What was true of a record at each crash, to be held against what comes after."""

    folder: Path
    undisturbed: dict[str, object]
    done: Counter[str] = field(default_factory=Counter)
    """Recorded calls, and how often the provider had carried each out by then."""
    journal: bytes = b""

    def crashed(self) -> None:
        if not (self.folder / "run.json").exists():
            return
        journal = (self.folder / "events.jsonl").read_bytes()
        events = list(read_run(self.folder).events)
        assert len(events) >= acknowledged(self.folder), "an event that was acknowledged is lost"
        sound = journal[: journal.rfind(b"\n") + 1]
        assert sound.startswith(self.journal), "the record was rewritten"
        self.journal = sound
        calls = Counter(provider_log(self.folder))
        self.done = Counter({e.data.key: calls[e.data.key] for e in events if isinstance(e.data, CallFinished)})

    def finished(self) -> None:
        self.crashed()
        assert json.loads(self.folder.with_suffix(".result").read_text()) == self.undisturbed
        calls = Counter(provider_log(self.folder))
        assert set(calls) == set(self.done), "a call was lost"
        assert results(read_run(self.folder)) == Counter(dict.fromkeys(calls, 1)), "a call was recorded twice"

    def resumed(self) -> None:
        """No call whose result had been recorded was carried out again."""
        calls = Counter(provider_log(self.folder))
        assert {key: calls[key] for key in self.done} == dict(self.done)


def begun(record: RunRecord) -> set[str]:
    """Calls in flight."""
    intended = {event.data.key for event in record.events if isinstance(event.data, CallIntended)}
    return intended - set(results(record))


def results(record: RunRecord) -> Counter[str]:
    return Counter(event.data.key for event in record.events if isinstance(event.data, CallFinished))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with subprocess.Popen(
        [sys.executable, "-m", scripted_run.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        yield Zygote(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    result = asyncio.run(scripted_run.run(folder))
    assert result["spent"] == str(PRICE * EPISODES * ITERATIONS)
    return result


BOUNDARIES = EPISODES * ITERATIONS * 2 * 2 + EPISODES + 1
"""Events of the undisturbed run: intent and result of two calls per iteration, the ends of episodes and run."""


def test_the_boundaries_are_all_events(tmp_path: Path, undisturbed: dict[str, object]) -> None:
    asyncio.run(scripted_run.run(tmp_path / "run"))
    assert sum(1 for _ in read_run(tmp_path / "run").events) == BOUNDARIES


def die_at_boundaries(zygote: Zygote, folder: Path, undisturbed: dict[str, object], boundaries: range) -> None:
    for boundary in boundaries:
        watch = Watch(folder / f"{boundary}", undisturbed)
        assert zygote.start(watch.folder, die_at=boundary) == KILLED
        watch.crashed()
        before = Counter(provider_log(watch.folder))
        in_flight = begun(read_run(watch.folder))
        assert zygote.start(watch.folder) == 0
        watch.resumed()
        watch.finished()
        repeated = {key for key, calls in Counter(provider_log(watch.folder)).items() if calls > 1}
        assert repeated == set(before) & in_flight, "other calls than those in flight were repeated"


def test_a_kill_at_some_boundaries(zygote: Zygote, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    die_at_boundaries(zygote, tmp_path, undisturbed, range(0, BOUNDARIES, 13))


@pytest.mark.slow
@proves(
    f"`kill -9` at each of the {BOUNDARIES} journal boundaries of a run with {EPISODES} parallel episodes",
    "same final result; 0 recorded calls repeated; at most the calls in flight made again; 0 events lost; "
    "the ledger ends at the same amount",
)
def test_a_kill_at_every_boundary(zygote: Zygote, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    die_at_boundaries(zygote, tmp_path, undisturbed, range(BOUNDARIES))


def kill_at_instants(zygote: Zygote, folder: Path, undisturbed: dict[str, object], kills: int, seed: int) -> None:
    """Starts runs and kills each at random instants, up to three times in a row, until that many kills struck."""
    chance = random.Random(seed)
    begun_at = time.monotonic()
    assert zygote.start(folder / "timed") == 0
    duration = time.monotonic() - begun_at
    struck = number = 0
    while struck < kills:
        number += 1
        watch = Watch(folder / f"{number}", undisturbed)
        for _ in range(3):
            if zygote.start(watch.folder, kill_after=chance.uniform(0, duration)) == 0:
                break
            struck += 1
            watch.resumed()
            watch.crashed()
        else:
            assert zygote.start(watch.folder) == 0
        watch.resumed()
        watch.finished()


def test_kills_at_some_random_instants(zygote: Zygote, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    kill_at_instants(zygote, tmp_path, undisturbed, kills=10, seed=1)


@pytest.mark.slow
@proves(
    "`kill -9` at 200 random instants, up to three in a row of one run",
    "same final result; 0 recorded calls repeated; 0 events lost; the ledger ends at the same amount",
)
def test_kills_at_random_instants(zygote: Zygote, tmp_path: Path, undisturbed: dict[str, object]) -> None:
    kill_at_instants(zygote, tmp_path, undisturbed, kills=200, seed=2)
