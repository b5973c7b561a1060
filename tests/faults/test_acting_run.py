"""A crash in an episode whose actions build on each other: the environment comes back to where it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

from loopwright import ComponentOverrides, Run, RunConfig, RunResult, Task, load_result
from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.task import Instance
from loopwright.verify import Check, Verdict
from tests.faults.table import proves
from tests.faults.test_kill_run import lines, paid, recorded
from tests.faults.workload import Billed, outcome, write_project

ACTIONS = 4


class Adding:
    """Every action adds its number to what the ones before left."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self.total = 0

    async def reset(self, instance: Instance) -> Observation:
        self.total = 0
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        self.total += int(action.text)
        return Observation(text=f"total {self.total}")

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="total", score=self.total / 10_000, evidence=str(self.total)),))

    async def close(self) -> None:
        pass


def play(folder: Path) -> RunResult:
    """Starts the run or goes on with it."""
    given = ComponentOverrides(models={Billed.name: Billed(folder / "paid.log")}, environments={"adding": Adding})
    if (folder / "run" / "run.json").exists():
        return asyncio.run(Run.reopen(folder / "run", given=given).execute())
    write_project(folder / "project")
    # What the model says next depends on what the environment said: a lost step would change all that follows.
    (folder / "project" / "prompts" / "guess.md").write_text(
        "Add.\n--- user ---\n{{ view.goal }} {{ view.current.observation.text if view.current else '' }}\n"
    )
    task = Task.model_validate(
        {
            "name": "add",
            "goal": "Add numbers.",
            "environment": {"name": "adding", "hidden": {"any": 1}},
            "agents": {"proposer": "guesser"},
            "model": Billed.name,
            "loop": {"strategy": "react", "max_iterations": ACTIONS, "repetition": None},
        }
    )
    config = RunConfig(tasks=(task,), project=folder / "project")
    return asyncio.run(Run.create(config, folder / "run", given=given).execute())


@proves(
    "an episode of actions that build on each other, cut off behind any event",
    "recorded actions are run again in a fresh environment, without a model call; observations, grade and end are the "
    "same",
)
def test_actions_are_run_again(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = outcome(play(whole))
    [episode] = load_result(whole / "run")
    texts = [attempt.observation.text for attempt in episode.attempts]
    assert len(texts) == ACTIONS
    assert episode.score == int(texts[-1].removeprefix("total ")) / 10_000
    events = lines(whole)
    for length in range(1, len(events)):
        folder = tmp_path / f"cut{length}"
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "run.json").write_bytes((whole / "run" / "run.json").read_bytes())
        (folder / "run" / "events.jsonl").write_text("".join(line + "\n" for line in events[:length]))
        known = recorded(folder)
        assert outcome(play(folder)) == expected, events[length - 1]
        assert not known & set(paid(folder))
