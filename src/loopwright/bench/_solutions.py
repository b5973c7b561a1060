"""Is a task of one's own sound? Its own solution must pass, and an answer that does nothing must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from loopwright._version import __version__
from loopwright.agents import AgentRole
from loopwright.bench._canaries import PLANS, Plan
from loopwright.environments import BUILTIN_ENVIRONMENTS, Environment, KnowsSolution
from loopwright.errors import LoopwrightError, VerifierError
from loopwright.plan import PlannedEpisode, ResolvedRun, RunResources
from loopwright.store import Manifest, RunStore
from loopwright.task import Instance
from loopwright.types import Candidate, Verdict
from loopwright.verify import PythonTask, Verifier


@dataclass(frozen=True, slots=True)
class SolutionCheck:
    """What a task's own solution and an answer that does nothing came to on one instance."""

    task: str
    instance: str
    solution: Verdict | None
    """None where the instance has no solution."""
    idle: Verdict | None
    """Of an answer that does nothing; None where only a judge could tell."""
    solved: bool | None
    """Whether the solution passes, or is good enough by the task's threshold."""
    idle_passes: bool | None
    """The same of the answer that does nothing."""
    problem: str = ""
    """Why the grader could not tell."""

    @property
    def flags(self) -> tuple[str, ...]:
        """What is wrong with the instance."""
        found = [f"the grader failed: {self.problem}"] if self.problem else []
        if self.solved is False and self.solution is not None:
            found.append(f"its own solution fails: {_why(self.solution)}")
        if self.idle_passes:
            found.append("an answer that does nothing passes")
        return tuple(found)

    @property
    def told(self) -> str:
        """The scores, for a table."""
        shown = (("gold", self.solution), ("idle", self.idle))
        return ", ".join(f"{name} {verdict.score:.2f}" for name, verdict in shown if verdict is not None)

    def as_dict(self) -> dict[str, Any]:
        """As plain data, with the keys of `Canary`."""
        scores = {"gold": self.solution, "idle": self.idle}
        told = {name: None if verdict is None else {"exact": verdict.score} for name, verdict in scores.items()}
        return {"instance": self.instance, "flags": list(self.flags), **told, "spoilt": None}


def _why(verdict: Verdict) -> str:
    check = next(iter(verdict.failed), None)
    if check is None:
        return verdict.summary or "nothing checked it"
    evidence = check.evidence.strip().splitlines()
    return f"{check.name} {check.score:.2f}" + (f", {evidence[-1]}" if evidence else "")


def _python(instance: Instance) -> Plan:
    task = PythonTask.of(instance)
    starting = task.files if task.entry in task.files else {**task.files, task.entry: ""}
    gold = (Candidate(files=task.solution),) if task.solution else ()
    return Plan(gold, (Candidate(files=starting),))


_PLANS: Mapping[str, Callable[[Instance], Plan]] = MappingProxyType({**PLANS, "python": _python})


async def check_solutions(run: ResolvedRun) -> list[SolutionCheck]:
    """Grades the solution of every instance, and an answer that does nothing, in sandboxes as a run has them.

    No model is asked: what only a judge could tell is left open.

    Args:
        run: Whose tasks; agents need no model.

    Raises:
        UserError: Something that a task names is not there or cannot be used.
        SandboxError: There is no sandbox.
    """
    places = asyncio.Semaphore(run.config.concurrency)
    # A task's instance is the same in every variant and repeat.
    first = {(episode.task.name, episode.instance.id): episode for episode in reversed(run.episodes)}

    async def one(episode: PlannedEpisode, parts: RunResources) -> SolutionCheck:
        async with places:
            return await _checked(episode, run, parts)

    with TemporaryDirectory() as folder:
        manifest = Manifest(id="solutions", created="", loopwright=__version__, config={})
        with closing(RunStore.create(Path(folder) / "run", manifest)) as store:
            async with RunResources(run, store) as parts:
                found = await asyncio.gather(*(one(episode, parts) for episode in reversed(first.values())))
    return list(found)


async def _checked(episode: PlannedEpisode, run: ResolvedRun, parts: RunResources) -> SolutionCheck:
    task, instance = episode.task, episode.instance
    cast = run.components(episode)
    judged = AgentRole.VERIFIER in cast.agents and not instance.hidden
    verdicts: dict[str, Verdict | None] = {"gold": None, "idle": None}
    problem = ""
    plan = _plan(instance, run, episode)
    for name, candidates in (("gold", plan.gold), ("idle", plan.idle)):
        if judged or not candidates:
            continue
        environment = await parts.environment(task, episode.id)
        try:
            verdicts[name] = await _graded(environment, instance, candidates, cast.verifiers)
        except LoopwrightError as error:
            if not isinstance(error, VerifierError):
                raise
            problem = f"{error.args[0]}. {error.remedy}".removesuffix(". ")
        except Exception as error:  # a verifier or an environment of the user's own may raise anything
            problem = f"{type(error).__name__}: {error}"
        finally:
            await environment.close()

    def good(verdict: Verdict | None) -> bool | None:
        return None if verdict is None else verdict.passed or task.loop.good_enough(verdict)

    gold, idle = verdicts["gold"], verdicts["idle"]
    return SolutionCheck(task.name, instance.id, gold, idle, good(gold), good(idle), problem)


def _plan(instance: Instance, run: ResolvedRun, episode: PlannedEpisode) -> Plan:
    """What is tried; in an environment of one's own an empty answer does nothing."""
    made = run.environment(episode.task).make
    name = next((name for name, builtin in BUILTIN_ENVIRONMENTS.items() if builtin is made), "")
    if name in _PLANS:
        return _PLANS[name](instance)
    solution = made.solution(instance) if isinstance(made, KnowsSolution) else None
    return Plan((solution,) if solution else (), (Candidate(),))


async def _graded(
    environment: Environment, instance: Instance, candidates: Sequence[Candidate], verifiers: Sequence[Verifier]
) -> Verdict:
    """The verdict on the last candidate, as a run grades it."""
    await environment.reset(instance)
    verdict = Verdict()
    for candidate in candidates:
        verdict = (await environment.step(candidate)).verdict or Verdict()
    if instance.hidden:
        verdict = await environment.submit(candidates[-1])
    public = instance.without_hidden()
    return Verdict.joined([verdict, *[await one.verify(candidates[-1], public) for one in verifiers]])
