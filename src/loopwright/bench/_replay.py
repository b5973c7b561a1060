"""Recorded trajectories, executed again: do our environments give the rewards that were logged?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from loopwright.bench._canaries import Scored
from loopwright.bench._causes import FOREIGN_TOOLS, PUBLISHED_TOOLS, Evidence, cause_of
from loopwright.bench._replayed import ReplayedLog, Turn, agree
from loopwright.bench.intercode import LoggedEpisode, LoggedTurn, SharedShells, read_log
from loopwright.candidate import Candidate
from loopwright.environments import (
    BUILTIN_ENVIRONMENTS,
    BashEnvironment,
    Environment,
    EnvironmentSetup,
    InterpreterEnvironment,
    Scores,
)
from loopwright.errors import TaskError
from loopwright.sandbox import SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance, Task

_OLD = "find /testbed /system /workspace -newermt '7 days ago' -exec touch -d '30 days ago' {} + 2>/dev/null; true"
"""The published files were older than what their tasks call old; an archive made today is not."""
_NOTHING = Scores(intercode=0, exact=0)


@dataclass(frozen=True, slots=True)
class Published:
    """The machines of the published Bash experiments: root, and one container for all episodes, put back by Git."""

    built: datetime | None = None
    """When the containers were made; None for files as old as the archive says."""
    run: datetime | None = None
    """When the experiment ran."""


async def replay(
    path: Path,
    task: Task,
    *,
    prefix: str,
    concurrency: int = 4,
    provider: SandboxProvider | None = None,
    published: Published | None = None,
) -> ReplayedLog:
    """Executes every action of a log again, in order, each episode in a sandbox of its own.

    Args:
        path: The log.
        task: The suite's task.
        prefix: What the names of its instances begin with before the index of the log, such as `fs1-`.
        concurrency: Episodes at a time.
        provider: Where sandboxes come from; the task's own one by default.
        published: Runs all episodes in one sandbox instead, one after the other, as the published runs did.

    Raises:
        TaskError: The log cannot be read, or is not of these tasks.
        SandboxError: There is no sandbox.
    """
    known = _paired(path, task, prefix)
    opened = provider or await open_provider(task.sandbox.provider)
    places = asyncio.Semaphore(concurrency)

    spec = SandboxSpec(image=task.sandbox.image)
    if published:
        spec = replace(spec, user="root", env=_recipe(prefix))
    setup = EnvironmentSetup(opened, spec, put=lambda data: "", get=lambda reference: b"")
    machines = SharedShells(setup, published.built, published.run) if published else None

    async def one(instance: Instance, episode: LoggedEpisode) -> list[Turn]:
        async with places:
            name = task.environment.name
            place = BashEnvironment(setup, machines) if machines else BUILTIN_ENVIRONMENTS[name](setup)
            if machines is None and instance.public.get("fixture"):
                instance = instance.model_copy(update={"public": {**instance.public, "setup": _OLD}})
            return await _episode(place, instance, episode, machine)

    try:
        machine = await _machine(opened, spec)
        if machines:
            turns = [await one(instance, episode) for instance, episode in known]
        else:
            turns = await asyncio.gather(*(one(instance, episode) for instance, episode in known))
    finally:
        if machines:
            await machines.close()
        if provider is None:
            await opened.close()
    return ReplayedLog(path.stem, tuple(turn for episode in turns for turn in episode))


def _paired(path: Path, task: Task, prefix: str) -> list[tuple[Instance, LoggedEpisode]]:
    """Instances with the log's episodes.

    Raises:
        TaskError: The log is of other tasks.
    """
    instances = {instance.id: instance for instance in task.instances()}
    named = [(f"{prefix}{episode.index}", episode) for episode in read_log(path)]
    known = [(instances[name], episode) for name, episode in named if name in instances]
    others = [i.id for i, episode in known if episode.goal is not None and episode.goal.strip() != i.goal.strip()]
    if not known or others:
        told = f"its question for {others[0]} is another" if others else f"no task is named {prefix}NUMBER"
        raise TaskError(
            f"the log is not of these tasks: {told}",
            path=str(path),
            remedy="Name the suite that it was made with, and with --prefix how its tasks are named, such as fs4-.",
        )
    return known


def _recipe(prefix: str) -> Mapping[str, str]:
    """Variables that the recipe of the published image sets."""
    number = "".join(filter(str.isdigit, prefix))
    return {"script": f"setup_nl2b_fs_{number}.sh", "file_system_version": number}


@dataclass(frozen=True, slots=True)
class _Machine:
    """What a machine has and lacks beside the published one."""

    missing: frozenset[str]
    foreign: frozenset[str]


async def _episode(place: Environment, instance: Instance, episode: LoggedEpisode, machine: _Machine) -> list[Turn]:
    turns: list[Turn] = []
    command, scores, earlier = "", _NOTHING, ""
    try:
        observation = await place.reset(instance)
        for number, logged in enumerate(episode.turns):
            if logged.command is not None:
                command = logged.command
                observation = await place.step(Candidate(text=_reply(command)))
            expected = ""
            if logged.reward is not None and not logged.repeated:
                scores = await _scores(place, command)
                expected = await place.expected() if isinstance(place, BashEnvironment) else ""
            seen = Evidence(
                action=command,
                gold=str(instance.hidden["gold"]) if logged.reward is not None else "",
                output=_shown(observation.text, logged),
                logged=_shown(logged.observation, logged),
                expected=expected,
                recorded=episode.gold_output,
                earlier=earlier,
                cut=logged.shown is not None and len(logged.observation) == logged.shown,
                beyond=observation.text[logged.shown :] if logged.shown else "",
                passed=logged.reward is not None and logged.reward >= 1,
            )
            cause = _cause(place, scores, logged, seen, machine)
            if logged.command is not None and seen.output != seen.logged and not earlier:
                found = cause or cause_of(seen, machine.missing, machine.foreign)
                earlier = "" if found == "unexplained" else found.removeprefix("after ")
            turns.append(
                Turn(
                    instance.id,
                    number,
                    logged.command or "",
                    logged.reward,
                    scores,
                    logged.observation,
                    seen.output,
                    cause,
                )
            )
    finally:
        await place.close()
    return turns


async def _scores(place: Environment, command: str) -> Scores:
    """The present scores; as published, an action in Python counts as an answer if it begins with a definition."""
    assert isinstance(place, Scored)
    if isinstance(place, InterpreterEnvironment) and not command.startswith(("def ", "submit")):
        return _NOTHING
    return await place.scores()


async def _machine(provider: SandboxProvider, spec: SandboxSpec) -> _Machine:
    sandbox = await provider.open(spec)
    try:
        asked = "; ".join(f"command -v {tool} >/dev/null && echo {tool}" for tool in PUBLISHED_TOOLS | FOREIGN_TOOLS)
        here = frozenset((await sandbox.run(["sh", "-c", asked])).stdout.text.split())
    finally:
        await sandbox.close()
    return _Machine(PUBLISHED_TOOLS - here, FOREIGN_TOOLS & here)


def _cause(place: Environment, scores: Scores, logged: LoggedTurn, seen: Evidence, machine: _Machine) -> str:
    if logged.reward is None:
        if logged.command is None:
            return ""
        if not isinstance(place, BashEnvironment):
            return "output not compared"
        if seen.output.split() == seen.logged.split():
            return ""
    elif agree(scores.rules["intercode"], logged.reward):
        return ""
    elif agree(float(scores.parts.get("overlap", -2)), logged.reward):
        return "reward variant"
    elif "dialect" in scores.parts:
        return "dialect" if seen.output != seen.logged else "dialect of the gold"
    return cause_of(seen, machine.missing, machine.foreign)


def _reply(action: str) -> str:
    """A reply that holds an action, whatever marks the action holds."""
    return action if action in ("skip", "submit") else f"~~~\n{action}\n~~~"


def _shown(text: str, logged: LoggedTurn) -> str:
    """An output without the exit status, as far as the published agent saw it."""
    output = text.partition("\n[exit status")[0]
    return output[: logged.shown].strip()
