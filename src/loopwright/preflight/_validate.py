"""Checks that everything a run names is there, before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from loopwright.agents import AgentRole, ModelAgent
from loopwright.environments import PythonEnvironment, TextEnvironment
from loopwright.errors import TaskError, UserError
from loopwright.loop import ACTING_STRATEGIES, SINGLE
from loopwright.models import ModelOptions, Prices, Usage, open_model
from loopwright.plan import ComponentResolver, PlannedEpisode, ResolvedComponents, RunConfig, plan_episodes, routed
from loopwright.preflight._prompts import check_prompt
from loopwright.preflight._session import check_drift, session_notes, unlearned
from loopwright.project import Project
from loopwright.task import Instance, Task, TaskFile

_UNNAMED = "unnamed/model"
"""Stands for a model that is still to be named."""


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """A configuration whose parts are all there."""

    config: RunConfig
    episodes: tuple[PlannedEpisode, ...]
    casts: dict[tuple[str, str], ResolvedComponents]
    """Task name and variant to who plays."""
    prices: Prices | None
    notes: tuple[str, ...] = ()
    """What is no error, but worth knowing before a run."""

    def cast(self, episode: PlannedEpisode) -> ResolvedComponents:
        """Who plays in an episode."""
        return self.casts[episode.task.name, episode.variant]


def check(files: Sequence[TaskFile], config: RunConfig, *, unnamed: bool = False) -> CheckedRun:
    """Finds every strategy, agent, environment and model that the tasks name.

    Args:
        files: The tasks' files.
        config: What is to run.
        unnamed: Whether agents may be without a model, which is noted then.

    Raises:
        UserError: One is not there or cannot be used; says which line of which file, or which flag, names it.
    """
    by_name = {file.task.name: file for file in files}
    episodes = plan_episodes(config)
    casting = ComponentResolver(Project(config.project), stand_in=_UNNAMED if unnamed else None)
    casts: dict[tuple[str, str], ResolvedComponents] = {}
    models = {_UNNAMED}
    notes: dict[str, None] = {}
    for episode in episodes:
        key = (episode.task.name, episode.variant)
        if key not in casts:
            casts[key] = _cast(by_name[episode.task.name], episode, casting, config, models)
            notes |= dict.fromkeys(_notes(episode, casts[key], casting))
    notes |= dict.fromkeys(unlearned(episodes))
    prices = Prices.load(config.prices) if config.prices else None
    _check_prices(files, config, casts, prices)
    return CheckedRun(config, episodes, casts, prices, tuple(notes))


def _check_prices(
    files: Sequence[TaskFile],
    config: RunConfig,
    casts: dict[tuple[str, str], ResolvedComponents],
    prices: Prices | None,
) -> None:
    """Refuses caps on cost that could not be held."""
    for file in files:
        capped = [place for place in (("budget",), ("budget", "run")) if _cap_on_cost(file.task, place)]
        unpriced = sorted(
            model
            for (task, _), cast in casts.items()
            if task == file.task.name
            for model in cast.models.values()
            if model != _UNNAMED and (prices is None or prices.cost(model, Usage(input=1, output=1)) is None)
        )
        if not unpriced or (config.budget.usd is None and not capped):
            continue
        message = f"a cap on cost needs prices, and {unpriced[0]} has none"
        remedy = "Name your price file with --prices." if prices is None else f"Add it to {config.prices}."
        if config.budget.usd is not None:
            raise UserError(f"--max-usd: {message}", remedy=remedy)
        raise file.error(message, *capped[0], "usd", remedy=remedy)


def _cap_on_cost(task: Task, place: tuple[str, ...]) -> bool:
    return (task.budget if len(place) == 1 else task.budget.run).usd is not None


def _cast(
    file: TaskFile, episode: PlannedEpisode, casting: ComponentResolver, config: RunConfig, opened: set[str]
) -> ResolvedComponents:
    task = episode.task
    flag = "--strategy" if config.strategies else ""
    place = ("matrix", "strategies") if task.matrix.strategies else ("loop", "strategy")
    with _told_where(file, *place, flag=flag):
        strategy = casting.strategy(episode.strategy)
    with _told_where(file, "environment", "name"):
        environment = casting.environment(task)
    check_instance = getattr(environment, "check", None)
    if check_instance is not None:
        _check_instances(file, task, check_instance)
    roles = [AgentRole.PROPOSER, *([AgentRole.CRITIC] if strategy.asks_critic else [])]
    for role in roles:
        with _told_where(file, "agents", role.value):
            casting.agent(task, role)
    with _told_where(file, "agents", "verifier"):
        casting.judge(task)
    with _told_where(file, "drift", "mitigations", "consolidation", "agent"):
        cast = casting.cast(task)
    check_drift(file, episode, casting.project)
    for played, agent in cast.agents.items():
        if isinstance(agent, ModelAgent):
            check_prompt(agent.prompt, played, episode.instance.without_hidden(), task.loop.max_iterations)
    for role_name, name in cast.models.items():
        with _told_where(file, *_named_in(file.task, role_name), flag="--model" if config.models else ""):
            _open(name, config, opened)
    routing = task.drift.mitigations.routing if task.drift else None
    if routing:
        with _told_where(file, "drift", "mitigations", "routing"):
            for choice in routing.choices:
                for name in casting.cast(routed(task, routing, choice)).models.values():
                    _open(name, config, opened)
    return cast


def _open(name: str, config: RunConfig, opened: set[str]) -> None:
    if name not in opened:
        open_model(name, options=ModelOptions(folder=config.project))
        opened.add(name)


def _notes(episode: PlannedEpisode, cast: ResolvedComponents, casting: ComponentResolver) -> Iterator[str]:
    """What is no error in a task, but will not do what its author wants."""
    task = episode.task
    unnamed = [role for role, model in cast.models.items() if model == _UNNAMED]
    if unnamed:
        yield (
            f"{task.name}: no model is named for the {' and the '.join(unnamed)}: "
            "run it with --model PROVIDER/MODEL, or write `model:` into the file"
        )
    yield from session_notes(episode, cast)
    if cast.verifiers or AgentRole.VERIFIER in cast.agents:
        return
    environment = casting.environment(task)
    if environment is TextEnvironment and task.drift and task.drift.mitigations.named:
        yield (
            f"{task.name}: no visible check: mitigations have neither successes to go by nor probes; name "
            "a verifier: `agents: {verifier: verifier}`"
        )
    if episode.strategy == SINGLE.name or episode.strategy in ACTING_STRATEGIES:
        return
    if environment is PythonEnvironment and not str(episode.instance.public.get("tests", "")).strip():
        yield (
            f"{task.name}: no visible check: {episode.strategy} has nothing to act on but whether a candidate can be "
            "imported, and stops at the first that can; write visible `tests:` under `environment`, or name a verifier"
        )
    if environment is TextEnvironment:
        yield (
            f"{task.name}: no visible check: {episode.strategy} has nothing to act on; name a verifier: "
            "`agents: {verifier: verifier}`"
        )


def _check_instances(file: TaskFile, task: Task, check_instance: Callable[[Instance], None]) -> None:
    """Lets the environment look at every instance.

    Raises:
        TaskError: It refuses one; names the record that it was made from.
    """
    for index, instance in enumerate(task.instances()):
        with _told_where(file, "environment"):
            try:
                check_instance(instance)
            except TaskError as error:
                same = instance.public == task.environment.model_extra and instance.hidden == task.environment.hidden
                if not task.data or same:
                    raise
                raise file.record_error(index, error) from None


def _named_in(task: Task, role: str) -> tuple[str, ...]:
    """Where a task names the model of a role; its card is meant where that is nowhere."""
    if task.matrix.models:
        return ("matrix", "models")
    return ("models", role) if role in task.models else ("model",)


@contextmanager
def _told_where(file: TaskFile, *location: str, flag: str = "") -> Iterator[None]:
    """Adds the place to errors that do not have one."""
    try:
        yield
    except TaskError as error:
        if error.path:
            raise
        raise _placed(error, file, location, flag) from None
    except UserError as error:
        raise _placed(error, file, location, flag) from None


def _placed(error: UserError, file: TaskFile, location: tuple[str, ...], flag: str) -> UserError:
    message = str(error.args[0])
    if flag:
        return type(error)(f"{flag}: {message}", remedy=error.remedy)
    placed = file.error(message, *location, remedy=error.remedy)
    if isinstance(error, TaskError):
        return placed
    return type(error)(str(placed.args[0]), remedy=error.remedy)
