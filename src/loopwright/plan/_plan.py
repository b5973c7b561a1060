"""What a run is made of: its configuration, and the episodes that follow from it."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loopwright.environments import EnvironmentFolder, find_environment
from loopwright.errors import StoreError, TaskError, UserError
from loopwright.loop import BUILTIN_STRATEGIES, traits_of
from loopwright.project import Project
from loopwright.store import Manifest
from loopwright.task import CapOptions, EnvironmentOptions, Instance, Task
from loopwright.types import Endpoint, PlainNumbers, Seed

_EPISODES = 250_000
"""Of one run: all are planned before the first begins."""


class RegradeOptions(BaseModel):
    """Of a run that grades the candidates of another one again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Path
    """Folder of the run whose candidates are graded."""
    judge: str | None = None
    """`provider/model` of the judge, over what tasks say; None for each task's own."""
    files: tuple[Path, ...] = ()
    """The task files that grade, to be read when these grades are given again."""


class RunConfig(PlainNumbers):
    """Everything that fixes a run's results; it is kept in the run's manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[Task, ...]
    files: tuple[Path, ...] = ()
    """The tasks' files, to see whether they changed since; empty for tasks that were made in Python."""
    strategies: tuple[str, ...] = ()
    """Strategies to compare on every task; empty for each task's own."""
    models: tuple[str, ...] = ()
    """Models to compare, each for every role, over what tasks and cards say; empty for each task's own."""
    calls: int | None = Field(default=None, ge=1)
    """Model calls per instance, the same for every strategy: `single` makes independent episodes of them."""
    judged: tuple[str, ...] | None = Field(None, exclude_if=operator.not_)
    """Tasks whose candidates a model judges in the loop: each takes two of `calls`. None until that is found."""
    repeats: int | None = Field(default=None, ge=1)
    """Repeats of every episode, over what tasks say."""
    seed: Seed | None = None
    """Over what tasks say; the same seed draws the same samples from a model that honours seeds."""
    grade_all: bool = False
    """Whether the hidden checks grade every candidate after the loop, to see what refining did."""
    budget: CapOptions = CapOptions()
    """Hard caps of the whole run."""
    project: Path = Path()
    """Where the user's own agents, prompts, environments and modules are."""
    prices: Path | None = None
    """The user's price file; without one no cost is told."""
    cache: Path | None = None
    """Folder of replies that runs share: a call that any of them made before is not made again; None for none."""
    concurrency: int = Field(default=4, ge=1)
    """Episodes at a time."""
    endpoints: Mapping[str, Endpoint] = {}
    """Servers of models, beside the built-in ones, by the names that the run's models begin with; never their keys."""
    only: tuple[str, ...] = ()
    """Names of the episodes to run; empty for all that follow from the rest."""
    regrade: RegradeOptions | None = None
    """Whose candidates are graded again, without a loop; None for a run of its own."""

    def with_concurrency(self, episodes: int) -> Self:
        """The configuration with so many episodes at a time.

        Raises:
            UserError: It is no whole number from 1 on.
        """
        if type(episodes) is not int or episodes < 1:
            raise UserError(f"`concurrency` is {episodes!r}", remedy="Name a whole number of episodes, 1 or more.")
        return self.model_copy(update={"concurrency": episodes})

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [task.name for task in self.tasks]
        if len(set(names)) != len(names):
            msg = f"task names repeat: {sorted(names)}"
            raise ValueError(msg)
        return self

    @field_validator("project", "prices", "cache")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        return path.absolute() if path else None

    def prepared(self) -> RunConfig:
        """The configuration with the fields that environment folders give to tasks, so that it stands for itself.

        Raises:
            TaskError: An environment's folder is broken.
        """
        project = Project(self.project)
        return with_fields(self, lambda name: find_environment(name, project))

    @classmethod
    def recorded(cls, manifest: Manifest) -> Self:
        """The configuration of a run that is recorded.

        Raises:
            StoreError: It is not what a run is made of, as in a file that was damaged.
        """
        # What names its episodes stays as it was, whoever judges them now.
        judged = {"judged": ()} if manifest.config.get("calls") else {}
        try:
            return cls.model_validate({**judged, **manifest.config})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise StoreError(
                f"the configuration of run {manifest.id} cannot be used: {place}: {first['msg']}",
                remedy="Restore its run.json from a backup, or use the loopwright that wrote it.",
            ) from None


def with_fields(config: RunConfig, find: Callable[[str], EnvironmentFolder | None]) -> RunConfig:
    """The configuration with what environment folders give to tasks; `find` finds a folder by name."""
    return config.model_copy(update={"tasks": tuple(_with_fields(task, find) for task in config.tasks)})


def _with_fields(task: Task, find: Callable[[str], EnvironmentFolder | None]) -> Task:
    folder = find(task.environment.name)
    if folder is None:
        return task
    if folder.value and task.loop.value is None:
        task = task.model_copy(update={"loop": task.loop.model_copy(update={"value": folder.value})})
    if not folder.fields:
        return task
    merged = {**folder.fields, **task.environment.model_dump()}
    return task.model_copy(update={"environment": EnvironmentOptions.model_validate(merged)})


@dataclass(frozen=True, slots=True)
class PlannedEpisode:
    """One episode to run."""

    id: str
    task: Task
    """With the model, seed, budget and loop options that hold in this episode."""
    instance: Instance
    strategy: str
    variant: str
    """What differs between the configurations of the run: the strategy, and the model where there are several."""
    repeat: int


def plan_episodes(config: RunConfig) -> tuple[PlannedEpisode, ...]:
    """Lists the episodes of a run, instance by instance, so that variants are compared side by side.

    Raises:
        TaskError: A template of a task cannot be filled, or two episodes would have the same name.
    """
    return plan_filled(config, {task.name: task.instances() for task in config.tasks})


def plan_filled(config: RunConfig, instances: Mapping[str, Sequence[Instance]]) -> tuple[PlannedEpisode, ...]:
    """As `plan_episodes`, of tasks whose instances are filled already, by the task's name."""
    following = (episode for task in config.tasks for episode in _of_task(task, instances[task.name], config))
    planned = list(islice(following, _EPISODES + 1))
    if len(planned) > _EPISODES:
        raise TaskError(
            f"the run would have more than {_EPISODES:,} episodes",
            remedy="Lower `repeats`, or name fewer records, models, strategies or seeds in one run.",
        )
    id, times = Counter(episode.id for episode in planned).most_common(1)[0] if planned else ("", 0)
    if times > 1:
        raise TaskError(
            f"the episode {id!r} is planned {times} times",
            remedy="Name each task, instance, strategy and model once; `repeats` runs them again.",
        )
    return tuple(episode for episode in planned if not config.only or episode.id in config.only)


def _of_task(task: Task, instances: Sequence[Instance], config: RunConfig) -> Iterator[PlannedEpisode]:
    strategies = config.strategies or task.matrix.strategies or (task.loop.strategy,)
    models = config.models or task.matrix.models or (None,)
    seeds = (config.seed,) if config.seed is not None else task.matrix.seeds or (task.seed,)
    repeats = config.repeats or task.repeats
    variants = [
        (f"{strategy}@{model}" if len(models) > 1 else strategy, strategy, _varied(task, strategy, model, config))
        for model in models
        for strategy in strategies
    ]
    for instance in instances:
        name = task.name if instance.id == task.name else f"{task.name}.{instance.id}"
        for variant, strategy, varied in variants:
            # Single answers are compared with N calls by asking for as many independent ones as N calls make.
            times = repeats * (_candidates(task, config) if config.calls and _one_candidate(strategy) else 1)
            for repeat in range(len(seeds) * times):
                seeded = varied.model_copy(update={"seed": seeds[repeat // times]})
                yield PlannedEpisode(f"{name}:{variant}:{repeat}", seeded, instance, strategy, variant, repeat)


def _varied(task: Task, strategy: str, model: str | None, config: RunConfig) -> Task:
    """The task as it is under one variant."""
    loop = {
        "strategy": strategy,
        "grade": "all" if config.grade_all else task.loop.grade,
        "max_iterations": _candidates(task, config) if config.calls else task.loop.max_iterations,
    }
    update: dict[str, object] = {"loop": task.loop.model_copy(update=loop)}
    if config.calls and not config.regrade:
        calls = min(_calls_each(task, config), config.calls) if _one_candidate(strategy) else config.calls
        update["budget"] = task.budget.model_copy(update={"model_calls": calls})
    if model is not None:
        update |= {"model": model, "models": {}}
    return task.model_copy(update=update)


def _one_candidate(strategy: str) -> bool:
    return traits_of(BUILTIN_STRATEGIES.get(strategy)).one_candidate


def _calls_each(task: Task, config: RunConfig) -> int:
    """Model calls of one candidate that is verified."""
    return 2 if task.name in (config.judged or ()) else 1


def _candidates(task: Task, config: RunConfig) -> int:
    """How many candidates the calls of an instance make, at most."""
    return max(1, (config.calls or 1) // _calls_each(task, config))
