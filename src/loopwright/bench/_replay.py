"""Recorded trajectories, executed again: do our environments give the rewards that were logged?"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from loopwright.bench._canaries import Scored
from loopwright.bench._causes import FOREIGN_TOOLS, PUBLISHED_TOOLS, Evidence, cause_of
from loopwright.bench.intercode import SharedShells
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
from loopwright.files import read_regular
from loopwright.sandbox import SandboxProvider, SandboxSpec, open_provider
from loopwright.stats import Interval, wilson
from loopwright.task import Instance, Task

_TOLERANCE = 0.0051
"""Rewards were logged with two decimals."""
_UNREAD = "code was found in your last response"
"""What the published environments answered to a reply without an action."""
_OLD = "find /testbed /system /workspace -newermt '7 days ago' -exec touch -d '30 days ago' {} + 2>/dev/null; true"
"""The published files were older than what their tasks call old; an archive made today is not."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One recorded action, executed again."""

    task: str
    turn: int
    action: str
    logged: float
    scores: Scores
    logged_output: str
    output: str
    cause: str
    """Why the reward differs; empty where it does not."""

    def agrees(self, reward: float) -> bool:
        """Whether a reward is the logged one."""
        return abs(reward - self.logged) < _TOLERANCE


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a log was reproduced."""

    log: str
    turns: tuple[Turn, ...]

    def share(self, *, plain: bool = False) -> float:
        """Share of turns with the logged reward; `plain` takes the reward without the order of rows."""
        return self.count(plain=plain) / len(self.turns) if self.turns else 0.0

    def count(self, *, plain: bool = False) -> int:
        """Number of turns with the logged reward."""
        return sum(turn.agrees(_reward(turn.scores, plain=plain)) for turn in self.turns)

    def interval(self, *, plain: bool = False) -> Interval:
        """95 % Wilson interval of `share`; turns of a task are alike, so it is somewhat narrow."""
        return wilson(self.count(plain=plain), len(self.turns))

    @property
    def outcomes(self) -> tuple[int, int]:
        """Episodes whose success, a best reward of 1, is the logged one, and all episodes."""
        best: dict[str, list[bool]] = {}
        for turn in self.turns:
            pair = best.setdefault(turn.task, [False, False])
            pair[0] |= turn.logged >= 1
            pair[1] |= turn.scores.rules["intercode"] >= 1
        return sum(logged == ours for logged, ours in best.values()), len(best)

    @property
    def causes(self) -> Mapping[str, int]:
        """Cause of a disagreement to how often it came."""
        return dict(Counter(turn.cause for turn in self.turns if turn.cause).most_common())

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        same, episodes = self.outcomes
        return {
            "log": self.log,
            "turns": len(self.turns),
            "share": self.share(),
            "interval": [self.interval().low, self.interval().high],
            "share_without_order": self.share(plain=True),
            "same_success": same,
            "episodes": episodes,
            "causes": dict(self.causes),
        }


def read_log(path: Path) -> dict[int, dict[str, Any]]:
    """Reads a published experiment log: index of the task to its episode.

    Raises:
        TaskError: It is none.
    """
    try:
        data = json.loads(read_regular(path))
        episodes = data.get("logs", data)
        return {int(episode["task_id"]): episode for episode in episodes.values() if "turn_history" in episode}
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise TaskError(f"not an experiment log: {error}", path=str(path)) from None


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
) -> Agreement:
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

    async def one(instance: Instance, episode: dict[str, Any]) -> list[Turn]:
        async with places:
            name = task.environment.name
            place = BashEnvironment(setup, machines) if machines else BUILTIN_ENVIRONMENTS[name](setup)
            if machines is None and instance.public.get("fixture"):
                instance = instance.model_copy(update={"public": {**instance.public, "setup": _OLD}})
            return await _episode(place, instance, episode, missing, foreign)

    try:
        missing, foreign = await _tools(opened, spec)
        if machines:
            turns = [await one(instance, episode) for instance, episode in known]
        else:
            turns = await asyncio.gather(*(one(instance, episode) for instance, episode in known))
    finally:
        if machines:
            await machines.close()
        if provider is None:
            await opened.close()
    return Agreement(path.stem, tuple(turn for episode in turns for turn in episode))


def _paired(path: Path, task: Task, prefix: str) -> list[tuple[Instance, dict[str, Any]]]:
    """Instances with the log's episodes.

    Raises:
        TaskError: The log is of other tasks.
    """
    instances = {instance.id: instance for instance in task.instances()}
    named = [(f"{prefix}{index}", episode) for index, episode in read_log(path).items()]
    known = [(instances[name], episode) for name, episode in named if name in instances]
    others = [i.id for i, episode in known if str(episode.get("query", i.goal)).strip() != i.goal.strip()]
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


async def _episode(
    place: Environment,
    instance: Instance,
    episode: dict[str, Any],
    missing: Collection[str],
    foreign: Collection[str],
) -> list[Turn]:
    history = episode["turn_history"]
    turns, earlier = [], ""
    try:
        observation = await place.reset(instance)
        for number, action in enumerate(_actions(history["actions"])):
            logged, seen = float(history["rewards"][number] or 0), str(history["observations"][number])
            # As published: a reply without an action executed nothing, and the reward before it was logged again.
            if _UNREAD not in seen:
                observation = await place.step(Candidate(text=action))
            assert isinstance(place, Scored)
            # As published: an action in Python counts as an answer where it begins with a definition.
            counts = not isinstance(place, InterpreterEnvironment) or action.startswith(("~~~\ndef ", "submit"))
            scores = await place.scores() if counts else Scores(intercode=0, exact=0)
            output = _plain(observation.text)
            evidence = Evidence(
                action=_bare(action),
                gold=str(instance.hidden["gold"]),
                output=output,
                logged=_plain(seen),
                expected=await place.expected() if isinstance(place, BashEnvironment) else "",
                recorded=_recorded(episode),
                earlier=earlier,
            )
            cause = _cause(scores, logged, evidence, missing, foreign)
            if evidence.output != evidence.logged and not earlier:
                found = cause or cause_of(evidence, missing, foreign)
                earlier = "" if found == "unexplained" else found.removeprefix("after ")
            turns.append(Turn(instance.id, number, action, logged, scores, seen, output, cause))
    finally:
        await place.close()
    return turns


async def _tools(provider: SandboxProvider, spec: SandboxSpec) -> tuple[frozenset[str], frozenset[str]]:
    """Programs of the published image that sandboxes here lack, and those here that it lacked."""
    sandbox = await provider.open(spec)
    try:
        asked = "; ".join(f"command -v {tool} >/dev/null && echo {tool}" for tool in PUBLISHED_TOOLS | FOREIGN_TOOLS)
        here = frozenset((await sandbox.run(["sh", "-c", asked])).stdout.text.split())
    finally:
        await sandbox.close()
    return PUBLISHED_TOOLS - here, FOREIGN_TOOLS & here


def _cause(scores: Scores, logged: float, seen: Evidence, missing: Collection[str], foreign: Collection[str]) -> str:
    if abs(scores.rules["intercode"] - logged) < _TOLERANCE:
        return ""
    if abs(float(scores.parts.get("overlap", -2)) - logged) < _TOLERANCE:
        return "reward variant"
    if "dialect" in scores.parts:
        return "dialect" if seen.output != seen.logged else "dialect of the gold"
    return cause_of(seen, missing, foreign)


def _recorded(episode: Mapping[str, Any]) -> str | None:
    """The gold command's output, which some logs hold for the last turn."""
    found = (episode.get("info") or {}).get("eval_obs")
    return found if isinstance(found, str) else None


def _actions(actions: Sequence[str]) -> list[str]:
    """Each as a reply that holds it, whatever marks it holds itself."""
    return [action if action in ("skip", "submit") else f"~~~\n{action}\n~~~" for action in actions]


def _bare(action: str) -> str:
    return action.removeprefix("~~~\n").removesuffix("\n~~~")


def _reward(scores: Scores, *, plain: bool) -> float:
    return float(scores.parts.get("overlap", scores.rules["intercode"])) if plain else scores.rules["intercode"]


def _plain(text: str) -> str:
    return text.partition("\n[exit status")[0].strip()
