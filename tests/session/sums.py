"""Sessions of sums whose model gets worse the more it has before its eyes; every paid call is billed to a file."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopwright import ComponentOverrides, Run, RunConfig, RunResult, Task
from loopwright.candidate import Candidate
from loopwright.drift import Baseline, observations
from loopwright.models import Reply, Request, Usage, request_hash
from loopwright.store import Event, read_run
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

_NUMBERS = re.compile(r"\d+")


class Sums:
    """Adds up, and is wrong with a chance of `decay` for every earlier answer in its prompt; fixed by the prompt."""

    repeatable = True

    def __init__(
        self, bill: Path | None = None, *, name: str = "test/sums", decay: float = 0.0, delay: float = 0.0
    ) -> None:
        self.name = name
        self.prompts: list[str] = []
        self._bill = bill
        self._decay = decay
        self._delay = delay

    async def complete(self, request: Request) -> Reply:
        text = request.messages[-1].content
        self.prompts.append(text)
        if self._bill:
            with self._bill.open("a") as bill:
                bill.write(request_hash(request) + "\n")
        if self._delay:
            await asyncio.sleep(self._delay)
        return Reply(text=self._answer(text), model=self.name, usage=Usage(input=len(text.split()), output=2))

    def _answer(self, text: str) -> str:
        if "Write the notes anew" in text:
            return f"Add both numbers ({text.count('Answer:')} seen)."
        left, right = map(int, _NUMBERS.findall(text.rpartition("What is")[2])[:2])
        chance = text.count("Answer:") * self._decay
        wrong = zlib.crc32(text.encode()) % 1000 < 1000 * chance
        return f"perhaps {left + right + 1}, or so it seems to me" if wrong else str(left + right)

    async def close(self) -> None:
        pass


class Sum:
    """Passes the right sum."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        left, right = map(int, _NUMBERS.findall(instance.goal))
        return Verdict(checks=(Check(name="sum", score=candidate.text.strip() == str(left + right)),))


def task(episodes: int, **fields: Any) -> Task:
    data = [{"id": f"i{at}", "vars": {"a": at % 40 * 7 % 23, "b": at % 40 * 11 % 31}} for at in range(episodes)]
    return Task.model_validate(
        {
            "name": "sums",
            "goal": {"template": "What is {{ a }} + {{ b }}?"},
            "environment": {"name": "text"},
            "agents": {"proposer": "author", "verifier": "sum"},
            "model": "test/sums",
            "loop": {"strategy": "single"},
            "data": data,
            **fields,
        }
    )


def start(folder: Path, task: Task, *models: Sums, concurrency: int = 4) -> Run:
    """Makes or reopens a run in `folder/run`."""
    given = ComponentOverrides(models={model.name: model for model in models}, verifiers={"sum": Sum()})
    if (folder / "run" / "run.json").exists():
        return Run.reopen(folder / "run", given=given)
    return Run.create(RunConfig(tasks=(task,), project=folder, concurrency=concurrency), folder / "run", given=given)


def play(folder: Path, task: Task, *models: Sums, concurrency: int = 4) -> RunResult:
    return asyncio.run(start(folder, task, *models, concurrency=concurrency).execute())


def events(folder: Path, *types: str) -> list[Event]:
    return [event for event in read_run(folder / "run").events if not types or event.data.type in types]


def told(folder: Path, type: str) -> list[Mapping[str, Any]]:
    return [event.data.model_dump() for event in events(folder, type)]


def freeze(folder: Path) -> str:
    """Writes the baseline of a model that does not decay into a project, and returns its name."""
    clean = folder / "clean"
    clean.mkdir()
    play(clean, task(40), Sums())
    once = list(observations(read_run(clean / "run").events))
    many = [replace(one, id=f"{one.id}-{again}") for again in range(6) for one in once]
    Baseline.freeze(many, embedding="hash", horizon=300).save(folder / "baseline.json")
    return "baseline.json"
