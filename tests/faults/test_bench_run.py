"""Two hundred episodes under faults: sandboxes die, the provider refuses, the run is killed and resumed."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from loopwright import ComponentOverrides, Run, RunConfig, Task, load_result
from loopwright.environments import BashEnvironment, EnvironmentSetup
from loopwright.errors import ModelRateLimited
from loopwright.models import Reply, Request, Usage
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from tests.faults.table import proves

TASKS, REPEATS, CONCURRENCY = 50, 4, 16
LOST, REFUSED = 0.04, 0.1
"""Shares of sandboxes that die soon after they were opened, and of calls that are refused at first."""


def right(task: int) -> bool:
    """Whether the model knows this task; the same in every repeat."""
    return task % 3 != 0


class Model:
    """Knows two thirds of the answers, in its second turn; refuses some calls at random."""

    name = "test/knowing"
    repeatable = True

    def __init__(self) -> None:
        self._chance = random.Random()

    async def complete(self, request: Request) -> Reply:
        if self._chance.random() < REFUSED:
            raise ModelRateLimited("slow down", retry_after=0.01)
        text = request.messages[-1].content
        task = int(text.partition("number ")[2].split(".")[0])
        if "Action 2:" in text:
            answer = "submit"
        elif "Action 1:" in text:
            answer = f"cat /data/{task}" if right(task) else "echo nothing"
        else:
            answer = "ls /data"
        return Reply(text=answer, model=self.name, usage=Usage(input=1, output=1))

    async def close(self) -> None:
        pass


class Mortal:
    """A provider some of whose sandboxes die a moment after they were opened."""

    def __init__(self, provider: SandboxProvider) -> None:
        self._provider = provider
        self._chance = random.Random()
        self._deaths: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return self._provider.name

    async def open(self, spec: SandboxSpec) -> Sandbox:
        sandbox = await self._provider.open(spec)
        if self._chance.random() < LOST:
            death = asyncio.create_task(self._kill(sandbox))
            self._deaths.add(death)
            death.add_done_callback(self._deaths.discard)
        return sandbox

    async def _kill(self, sandbox: Sandbox) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.1))
        await sandbox.close()

    async def close(self) -> None:
        pass


def environment(setup: EnvironmentSetup) -> BashEnvironment:
    return BashEnvironment(replace(setup, provider=Mortal(setup.provider)))


def execute(folder: Path) -> None:
    """Starts the run or goes on with it."""
    given = ComponentOverrides(models={Model.name: Model()}, environments={"mortal": environment})
    if (folder / "run.json").exists():
        asyncio.run(Run.reopen(folder, given=given).execute())
        return
    records = [
        {
            "id": str(task),
            "goal": f"Show number {task}.",
            "files": {f"/data/{task}": hashlib.sha256(str(task).encode()).hexdigest()},
            "hidden": {"gold": f"cat /data/{task}"},
        }
        for task in range(TASKS)
    ]
    task = Task.model_validate(
        {
            "name": "show",
            "goal": "Show a file.",
            "environment": {"name": "mortal"},
            "data": records,
            "agents": {"proposer": "actor"},
            "model": Model.name,
            "loop": {"strategy": "react", "max_iterations": 4, "repetition": None, "confirm": False},
            "sandbox": {"provider": "bubblewrap"},
            "repeats": REPEATS,
        }
    )
    asyncio.run(Run.create(RunConfig(tasks=(task,), concurrency=CONCURRENCY), folder, given=given).execute())


@pytest.mark.slow
@proves(
    f"{TASKS * REPEATS} shell episodes, {CONCURRENCY} at a time: sandboxes die, 429s, one `kill -9`",
    "resumed to the table that an undisturbed run has; no infrastructure failure is a score",
)
def test_the_table_is_that_of_an_undisturbed_run(tmp_path: Path, processes: ForkServerContext) -> None:
    folder = tmp_path / "run"
    process = processes.Process(target=execute, args=(folder,))
    process.start()
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and _scored(folder) < TASKS * REPEATS // 3:
        time.sleep(0.1)
    process.kill()
    process.join()
    assert 0 < _scored(folder) < TASKS * REPEATS
    resumed = 0
    while _scored(folder) < TASKS * REPEATS:
        again = processes.Process(target=execute, args=(folder,))
        again.start()
        again.join()
        assert again.exitcode == 0
        resumed += 1
        assert resumed < 12
    result = load_result(folder)
    table = {(int(e.started.instance), e.started.repeat): e.passed for e in result.scored}
    assert table == {(task, repeat): right(task) for task in range(TASKS) for repeat in range(REPEATS)}


def _scored(folder: Path) -> int:
    path = folder / "events.jsonl"
    return path.read_text().count('"status":"scored"') if path.exists() else 0
