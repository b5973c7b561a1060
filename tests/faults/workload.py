"""A run with parallel episodes for the fault tests.

The model is a function of its request, so that an undisturbed run and a resumed one must come to the same. It writes
every call it answers to `paid.log` beside the run: what a provider would bill.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from loopwright import ComponentOverrides, Run, RunConfig, RunResult, Task
from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.models import Reply, Request, Usage, request_hash
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

EPISODES = 4
TIMES = ("seconds", "sandbox_seconds", "working_seconds")
ITERATIONS = 4


class Billed:
    """Answers with a number that the request decides; every answer is billed."""

    name = "test/billed"
    repeatable = True

    def __init__(self, bill: Path) -> None:
        self._bill = bill

    async def complete(self, request: Request) -> Reply:
        digest = request_hash(request)
        await asyncio.sleep(int(digest[:2], 16) / 50_000)
        with self._bill.open("a") as bill:
            bill.write(digest + "\n")
        return Reply(text=str(int(digest[:6], 16) % 1000), model=self.name, usage=Usage(input=10, output=3))

    async def close(self) -> None:
        pass


class Guess:
    """Visible: below 700. Hidden: the last digit is 3."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self.setup = setup

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        checks = tuple(
            Check(name=f"below_{limit}", score=int(action.text) < limit, evidence=f"{action.text} is not below {limit}")
            for limit in (700, 300, 60)
        )
        return Observation(text=action.text, verdict=Verdict(checks=checks))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="three", score=answer.text.endswith("3")),))

    async def close(self) -> None:
        pass


def write_project(folder: Path) -> None:
    for kind in ("agents", "prompts"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / "agents" / "guesser.yaml").write_text(
        "version: 1\nname: guesser\nrole: proposer\nprompt: guess.md\nreply: text\nsampling: {max_tokens: 8}\n"
    )
    (folder / "prompts" / "guess.md").write_text(
        "Guess.\n--- user ---\n{{ view.goal }} {{ view.current.critique if view.current else '' }}\n"
    )


def guessing() -> Task:
    """Its episodes differ in their goals."""
    return Task.model_validate(
        {
            "name": "guess",
            "goal": "Guess a number.",
            "environment": {"name": "guess", "hidden": {"digit": 3}},
            "agents": {"proposer": "guesser"},
            "model": Billed.name,
            "data": [{"id": f"i{number}", "goal": f"Guess number {number}."} for number in range(EPISODES)],
            "loop": {"max_iterations": ITERATIONS, "repetition": None, "grade": "all"},
            "budget": {"model_calls": ITERATIONS, "tokens": 100_000},
        }
    )


def start(folder: Path) -> Run:
    given = ComponentOverrides(models={Billed.name: Billed(folder / "paid.log")}, environments={"guess": Guess})
    if (folder / "run" / "run.json").exists():
        return Run.reopen(folder / "run", given=given)
    write_project(folder / "project")
    config = RunConfig(tasks=(guessing(),), project=folder / "project", concurrency=3)
    return Run.create(config, folder / "run", given=given)


def outcome(result: RunResult) -> list[tuple[object, ...]]:
    """Everything about a result that a crash must not change."""
    return [
        (
            episode.id,
            episode.outcome and episode.outcome.model_copy(update=dict.fromkeys(TIMES, 0.0)),
            episode.attempts,
            episode.graded,
        )
        for episode in sorted(result, key=lambda episode: episode.id)
    ]


def execute(folder: Path) -> None:
    """Starts or resumes the run and goes on to its end."""
    asyncio.run(start(folder).execute())
