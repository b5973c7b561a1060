"""`kill -9` of a session: what its agents remember, its alarms and its mitigations come out as if undisturbed."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections import Counter
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright.task import Task
from tests.faults.table import proves
from tests.session.sums import Sums, events, freeze, start, task

EPISODES = 40
KILLS = 20


def session(baseline: str) -> Task:
    """Everything at once: two models, one of which decays, alarms, summaries with probes, examples."""
    mitigations = {
        "consolidation": {"every": 12, "raw": 2, "probes": 3},
        "routing": {"models": ["test/one", "test/two"], "probes": 3},
        "anchoring": {"probes": 2},
    }
    memory = {"memory": {"turns": 25, "tokens": 1500}}
    return task(EPISODES, session=memory, drift={"baseline": f"../{baseline}", "mitigations": mitigations})


def execute(folder: Path, wanted: Task, delay: float = 0.0) -> None:
    """Starts or resumes the run and goes on to its end."""
    bill = folder / "paid.log"
    models = [Sums(bill, name="test/one", delay=delay), Sums(bill, name="test/two", decay=0.06, delay=delay)]
    asyncio.run(start(folder, wanted, Sums(bill, delay=delay), *models).execute())


def trace(folder: Path) -> list[object]:
    """Everything that a crash must not change, in order: what was asked, routed, alarmed, mitigated and scored."""
    told: list[object] = []
    for event in events(folder):
        data = event.data.model_dump(mode="json")
        match event.data.type:
            case "call_finished":
                told.append(data["key"])
            case "drift_alarm":
                told.append({**data, "time": ""})
            case "mitigated":
                told.append({**data, "seconds": 0})
            case "routed" | "proposed" | "graded":
                told.append(data)
            case "episode_finished":
                told.append((event.episode, data["score"], data["model_calls"]))
    return told


def calls(folder: Path) -> Counter[str]:
    """Requests to how many calls of them are in the record."""
    # `run.json` is written last: without it there is no run.
    if not (folder / "run" / "run.json").exists():
        return Counter()
    return Counter(key.rpartition("/")[2] for key in trace(folder) if isinstance(key, str))


def paid(folder: Path) -> Counter[str]:
    """Requests to how often they were billed."""
    bill = folder / "paid.log"
    return Counter(bill.read_text().split() if bill.exists() else ())


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Task]:
    folder = tmp_path_factory.mktemp("session")
    return folder, session(freeze(folder))


@pytest.fixture(scope="module")
def whole(wanted: tuple[Path, Task]) -> Path:
    folder = wanted[0] / "whole"
    folder.mkdir()
    execute(folder, wanted[1])
    return folder


def test_the_session_of_these_tests_has_everything(whole: Path) -> None:
    kinds = {event.data.model_dump().get("kind") for event in events(whole, "mitigated")}
    assert {"consolidation", "routing"} <= kinds
    assert events(whole, "drift_alarm")


@pytest.mark.slow
@proves(
    "a session with memory, alarms and mitigations, cut off behind any event",
    "every later prompt, alarm, choice and mitigation as if undisturbed; 0 recorded model calls repeated",
)
def test_a_session_cut_off_after_any_event_goes_on_as_it_would(wanted: tuple[Path, Task], whole: Path) -> None:
    expected = trace(whole)
    lines = (whole / "run" / "events.jsonl").read_text().splitlines(keepends=True)
    odd = [at for at, line in enumerate(lines) if any(f'"{kind}"' in line for kind in ("mitigated", "drift_alarm"))]
    chosen = sorted({*random.Random(3).sample(range(1, len(lines)), 12), *(at + more for at in odd for more in (0, 1))})
    for length in chosen:
        folder = wanted[0] / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        shutil.copy(whole / "run" / "run.json", folder / "run" / "run.json")
        (folder / "run" / "events.jsonl").write_text("".join(lines[:length]))
        known = calls(folder)
        execute(folder, wanted[1])
        assert trace(folder) == expected, json.loads(lines[length - 1])
        assert known + paid(folder) == calls(whole)
        shutil.rmtree(folder)


@pytest.mark.slow
@proves(
    f"`kill -9` of a session with memory and mitigations, at {KILLS} random instants",
    "the same prompts, alarms and mitigations in the same order; 0 recorded model calls repeated",
)
def test_kill_9_of_a_session(wanted: tuple[Path, Task], whole: Path, processes: ForkServerContext) -> None:
    expected, every = trace(whole), calls(whole)
    (wanted[0] / "timed").mkdir()
    begun = time.monotonic()
    assert run_for(processes, wanted[0] / "timed", wanted[1], None)
    longest = time.monotonic() - begun
    chance = random.Random(11)
    kills = trial = repeated = 0
    while kills < KILLS:
        folder = wanted[0] / f"kill{trial}"
        folder.mkdir()
        trial += 1
        finished = False
        while not finished:
            known, before = calls(folder), paid(folder)
            seconds = chance.uniform(0, longest) if kills < KILLS else None
            finished = run_for(processes, folder, wanted[1], seconds)
            kills += not finished
            # What was recorded when the process began is left out; a call under way at a kill may be made again.
            repeated += (known + (paid(folder) - before) - every).total()
        assert trace(folder) == expected
    assert repeated == 0


def run_for(processes: ForkServerContext, folder: Path, wanted: Task, seconds: float | None) -> bool:
    """Runs or resumes in a process of its own; kills it after the given time. Returns whether it came to its end."""
    process = processes.Process(target=execute, args=(folder, wanted, 0.002))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True
