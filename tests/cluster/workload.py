"""A run whose episodes need sandboxes, for the fault tests of clusters.

The model is a function of its request, so that an undisturbed run and a disturbed one must come to the same. It writes
every call it answers to `paid.log` beside the run: what a provider would bill.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright import ComponentOverrides, Run, RunConfig, RunResult, Task
from loopwright.candidate import Candidate
from loopwright.cluster import RayCluster
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.models import Reply, Request, Usage, request_hash
from loopwright.plan import Machines
from loopwright.sandbox import Sandbox
from loopwright.store import CallFinished, SandboxOpened, read_run
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

ACTIONS = 5


async def at_once() -> None:
    """Lets a model answer at once."""


class Billed:
    """Answers with a number, or with a program, that the request decides; every answer is billed."""

    repeatable = True
    name = "test/billed"

    def __init__(self, bill: Path, ready: Callable[[], Awaitable[None]] = at_once) -> None:
        self._bill, self._ready = bill, ready

    async def complete(self, request: Request) -> Reply:
        digest = request_hash(request)
        await asyncio.sleep(int(digest[:2], 16) / 5_000)
        await self._ready()
        with self._bill.open("a") as bill:
            bill.write(digest + "\n")
        number = int(digest[:6], 16) % 1000
        wants_program = any("double" in message.content for message in request.messages)
        text = f"```python\ndef double(x):\n    return x * {2 + number % 2}\n```" if wants_program else str(number)
        return Reply(text=text, model=self.name, usage=Usage(input=10, output=3))

    async def close(self) -> None:
        pass


class Adding:
    """Every action adds its number to a file in a sandbox, which the ones before wrote to."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._sandbox: Sandbox | None = None

    async def reset(self, instance: Instance) -> Observation:
        await self.close()
        self._sandbox = await self._setup.provider.open(self._setup.spec)
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        assert self._sandbox
        done = await self._sandbox.run(["sh", "-c", 'echo "$0" >> numbers; cat numbers', action.text.strip()])
        return Observation(text=done.stdout.text)

    async def submit(self, answer: Candidate) -> Verdict:
        assert self._sandbox
        numbers = (await self._sandbox.read("numbers")).split()
        return Verdict(checks=(Check(name="total", score=sum(map(int, numbers)) / 10_000, evidence=str(numbers)),))

    async def close(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox:
            await sandbox.close()


def tasks(provider: str, adders: int, coders: int, session: Mapping[str, Any] | None) -> Sequence[Task]:
    add = {
        "name": "add",
        "goal": "Add numbers.",
        "environment": {"name": "adding", "hidden": {"any": 1}},
        "agents": {"proposer": "guesser"},
        "model": Billed.name,
        "sandbox": {"provider": provider},
        "data": [{"id": f"a{number}", "goal": f"Add numbers, {number}."} for number in range(adders)],
        "loop": {"strategy": "react", "max_iterations": ACTIONS, "repetition": None},
        "budget": {"model_calls": ACTIONS},
        "session": session,
    }
    tests = "from solution import double\n\n" + "".join(
        f"def test_{number}():\n    assert double({number}) == {2 * number}\n\n" for number in (0, 2)
    )
    code = {
        "name": "code",
        "goal": "Write double(x).",
        "environment": {
            "name": "python",
            "entry": "solution.py",
            "tests": tests,
            "timeout": 60,  # a busy machine is no fault of a program
            "hidden": {"tests": tests},
        },
        "model": Billed.name,
        "sandbox": {"provider": provider},
        "data": [{"id": f"c{number}", "goal": f"Write double(x), {number}."} for number in range(coders)],
        "loop": {"strategy": "refine", "max_iterations": 3, "repetition": None, "grade": "all"},
        "budget": {"model_calls": 6},
    }
    return [Task.model_validate(task) for task, number in ((add, adders), (code, coders)) if number]


def begin(
    folder: Path,
    provider: str = "bubblewrap",
    *,
    adders: int = 4,
    coders: int = 2,
    concurrency: int = 6,
    session: Mapping[str, Any] | None = None,
    ready: Callable[[], Awaitable[None]] = at_once,
) -> Run:
    """Makes the run, or opens it again; the model answers when it is ready."""
    model = Billed(folder / "paid.log", ready)
    given = ComponentOverrides(models={Billed.name: model}, environments={"adding": Adding})
    if (folder / "run" / "run.json").exists():
        return Run.reopen(folder / "run", given=given)
    project = folder / "project"
    for kind in ("agents", "prompts"):
        (project / kind).mkdir(parents=True, exist_ok=True)
    (project / "agents" / "guesser.yaml").write_text(
        "version: 1\nname: guesser\nrole: proposer\nprompt: guess.md\nreply: text\nsampling: {max_tokens: 8}\n"
    )
    # What the model says next depends on what the sandbox said: a lost step would change all that follows.
    (project / "prompts" / "guess.md").write_text(
        "Add.\n--- user ---\n{{ view.goal }} {{ view.current.observation.text if view.current else '' }}\n"
    )
    config = RunConfig(tasks=tuple(tasks(provider, adders, coders, session)), project=project, concurrency=concurrency)
    return Run.create(config, folder / "run", given=given)


class Shared:
    """Machines that stay after a run."""

    def __init__(self, cluster: RayCluster) -> None:
        self.sandboxes = cluster.sandboxes
        self.placed = cluster.placed
        self.placed_images = cluster.placed_images
        self.places = cluster.places

    async def __aenter__(self) -> Shared:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


async def executed(run: Run, machines: Machines | None) -> RunResult:
    run.machines = machines
    return await run.execute()


def drive(folder: Path, on: str, provider: str) -> None:
    """A driver of its own: starts or resumes the run on two workers, and says which processes those are."""

    class Told(RayCluster):
        async def __aenter__(self) -> Told:
            await super().__aenter__()
            with (folder / "workers").open("a") as told:
                told.writelines(f"{facts.pid}\n" for facts in self.facts)
            return self

    os.environ["RAY_AUTH_MODE"] = "token"  # as the cluster has it, which another process started
    asyncio.run(executed(begin(folder, provider), Told(on, 2)))


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an episode that a fault must not change; times are left out."""

    id: str
    score: float | None
    end: tuple[str, str, str, int] | None
    """Status, stop rule, failure, model calls."""
    attempts: list[tuple[str | None, str, list[tuple[str, float]]]]
    """Candidate, what was observed of it, and its checks."""


def outcome(result: RunResult) -> list[Came]:
    """What came of each episode."""
    return [
        Came(
            episode.id,
            episode.score,
            None
            if (end := episode.outcome) is None
            else (end.status, end.rule, str(end.failure or ""), end.model_calls),
            [
                (
                    attempt.candidate.digest if attempt.candidate else None,
                    attempt.observation.text,
                    [(check.name, check.score) for check in attempt.verdict.checks],
                )
                for attempt in episode.attempts
            ],
        )
        for episode in sorted(result, key=lambda episode: episode.id)
    ]


def paid(folder: Path) -> list[str]:
    bill = folder / "paid.log"
    return bill.read_text().splitlines() if bill.exists() else []


def recorded(folder: Path) -> set[str]:
    """Request hashes whose answer is in the record."""
    if not (folder / "run" / "run.json").exists():
        return set()
    return {
        event.data.key.rsplit("/", 1)[-1]
        for event in read_run(folder / "run").events
        if isinstance(event.data, CallFinished) and event.data.failure is None
    }


def descendants(pid: int) -> set[tuple[int, str]]:
    """A process and all below it, each with the time of its start."""
    children: dict[int, list[int]] = {}
    starts: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] in "ZX":
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
        starts[int(entry.name)] = fields[19]
    found, todo = set(), [pid]
    while todo:
        one = todo.pop()
        if one in starts:
            found.add((one, starts[one]))
            todo += children.get(one, [])
    return found


def alive(processes: set[tuple[int, str]]) -> set[tuple[int, str]]:
    return {one for one in processes if descendants(one[0]) & {one}}


def kill(pid: int) -> bool:
    """Kills a process; says whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def opened(folder: Path) -> list[SandboxOpened]:
    """The sandboxes of a run."""
    return [event.data for event in read_run(folder / "run").events if isinstance(event.data, SandboxOpened)]


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder
