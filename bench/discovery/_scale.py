"""`python -m bench.discovery scale`: what a candidate costs the loop when there are many, and what the record takes.

Programs are not executed: the environment measures a number in the text of a candidate, at once. What is left is the
loop itself: the archive, the decisions, the record on disk.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from random import Random

import click

import loopwright
from loopwright.agents import AgentReply, AgentRole, KnowsTurnSeed, ModelClient, View
from loopwright.environments import EnvironmentSetup
from loopwright.store import Event, Judged
from loopwright.task import Instance
from loopwright.types import Candidate, Check, Observation, ValueOptions, Verdict

_LINES = "x = 0  # a program of forty lines\n" * 40


class Numbers:
    """Measures the number that a candidate names."""

    places = 2

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        number = float(action.text)
        return Observation(text="measured", verdict=Verdict(checks=(Check(name="valid", score=1.0),), value=number))

    async def submit(self, answer: Candidate) -> Verdict:
        return (await self.step(answer)).verdict or Verdict()

    async def close(self) -> None:
        pass


class Climber:
    """Makes a number that is near to that of the parent, and a program of forty lines."""

    role = AgentRole.PROPOSER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        random = Random(models.turn_seed if isinstance(models, KnowsTurnSeed) else None)
        before = float(view.current.candidate.text) if view.current and view.current.candidate else 0.0
        number = before + random.gauss(0, 1)
        return AgentReply(candidate=Candidate(text=repr(number), files={"solution.py": f"{_LINES}x = {number}\n"}))


@click.command()
@click.option("--candidates", type=int, default=10_000, show_default=True)
@click.option("--width", type=int, default=16, show_default=True)
def scale(candidates: int, width: int) -> None:
    """Times a search without executions, a tenth at a time."""
    times = [time.process_time()]

    def note(event: Event) -> None:
        if isinstance(event.data, Judged):
            times.append(time.process_time())

    value = ValueOptions(direction="maximize")
    loop = {"strategy": "discover", "max_iterations": candidates, "width": width, "value": value.model_dump()}
    given = {"name": "numbers", "goal": "Climb.", "environment": {"name": "text"}, "loop": loop}
    task = loopwright.Task.model_validate(given)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        loopwright.run(task, proposer=Climber(), environment=Numbers, seed=0, out=out, on_event=note)
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    tenth = len(times) // 10
    print(f"{candidates} candidates of 40 lines, {width} in flight, without executions")
    for first in range(0, len(times) - tenth, tenth):
        each = (times[first + tenth] - times[first]) / tenth
        print(f"  {first + 1:6} to {first + tenth:6}: {each * 1000:6.2f} ms of a processor each")
    print(f"store: {size / 1e6:.1f} MB, {size / candidates / 1000:.2f} kB each")
