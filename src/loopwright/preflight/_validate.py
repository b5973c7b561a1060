"""Checks that everything a run names is there, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loopwright.agents import (
    Agent,
    AgentRole,
    AsksModel,
    CommandAgent,
    ModelAgent,
    RuleCritic,
    read_files,
)
from loopwright.environments import ChecksInstances, NamesScoreRules, OpensWorkplaces
from loopwright.errors import TaskError, UserError
from loopwright.loop import SearchStrategy, Strategy, traits_of
from loopwright.models import Prices, Usage, needs_pillow
from loopwright.plan import PlannedEpisode, ResolvedComponents, ResolvedRun, RunConfig, read_picture
from loopwright.preflight._bounds import chat_models, prepared_by_model
from loopwright.preflight._caps import check_calls, check_first_call
from loopwright.preflight._forms import check_form
from loopwright.preflight._notes import STAND_IN, run_notes
from loopwright.preflight._places import PYTHON_OPTIONS, OptionNames, Places
from loopwright.preflight._prompts import check_prompt
from loopwright.preflight._servers import check_servers
from loopwright.preflight._session import check_drift, unlearned
from loopwright.task import Instance, Task, TaskFile

_OWN_ASKS = "an agent class takes the model of its role by `asks_model = True` and `model_of(view.role, models)`"


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """A run whose parts are all there."""

    resolved: ResolvedRun
    casts: Mapping[tuple[str, str], ResolvedComponents]
    """Task name and variant to who plays."""
    notes: tuple[str, ...] = ()
    """What is no error, but worth knowing before a run."""

    @property
    def config(self) -> RunConfig:
        """What would be run."""
        return self.resolved.config

    @property
    def episodes(self) -> Sequence[PlannedEpisode]:
        """The episodes that would be run."""
        return self.resolved.episodes

    @property
    def instances(self) -> Mapping[str, Sequence[Instance]]:
        """Task name to its instances."""
        return self.resolved.instances

    @property
    def prices(self) -> Prices | None:
        """The price file; None without one."""
        return self.resolved.prices

    def cast(self, episode: PlannedEpisode) -> ResolvedComponents:
        """Who plays in an episode."""
        return self.casts[episode.task.name, episode.variant]


def check_run(
    resolved: ResolvedRun, files: Sequence[TaskFile] = (), options: OptionNames = PYTHON_OPTIONS
) -> CheckedRun:
    """Finds every strategy, agent, environment and model that the tasks name, and looks at instances and prompts.

    Args:
        resolved: What is to run. Agents may be without a model where it has a stand-in, which is noted then.
        files: The files of the tasks that have one.
        options: What options are called in messages.

    Raises:
        UserError: Something is not there or cannot be used; says which line of which file, or which option, names it.
    """
    places = Places(resolved.config, {file.task.name: file for file in files}, options)
    casts: dict[tuple[str, str], ResolvedComponents] = {}
    notes: dict[str, None] = {}
    for task, instances in resolved.instances.items():
        planned = [episode for episode in resolved.episodes if episode.task.name == task]
        if planned:
            _check_environment(resolved, planned[0].task, instances, places)
        for episode in planned:
            key = (task, episode.variant)
            if key not in casts:
                casts[key] = _check_components(resolved, episode, places)
                if not resolved.config.regrade:  # Notes are about loops.
                    notes |= dict.fromkeys(run_notes(episode, casts[key], resolved))
                    notes |= dict.fromkeys(_asked_before(episode.task, casts[key], resolved, instances, places))
                    notes |= dict.fromkeys(_unasked(episode, casts[key], instances, places))
    notes |= dict.fromkeys([*_replaced(resolved.config, options), *unlearned(resolved.episodes)])
    _check_prices(resolved, casts, places)
    # One of each variant: the first prompts of its instances are alike.
    first = {(episode.task.name, episode.variant): episode for episode in reversed(resolved.episodes)}
    for key, episode in () if resolved.config.regrade else first.items():
        cast = casts[key]
        check_calls(resolved, episode, cast, places)
        if (model := cast.models.get(AgentRole.PROPOSER.value, STAND_IN)) != STAND_IN:
            check_first_call(resolved, episode, cast, model, places)
    return CheckedRun(resolved, casts, tuple(notes))


def _check_environment(resolved: ResolvedRun, task: Task, instances: Sequence[Instance], places: Places) -> None:
    with places.at(task, "environment", "name"):
        environment = resolved.environment(task)
    maker: object = environment.make
    for index, instance in enumerate(instances):
        with places.at(task, "environment"):
            try:
                if isinstance(maker, ChecksInstances):
                    maker.check(instance)
            except TaskError as error:
                same = instance.public == task.environment.model_extra and instance.hidden == task.environment.hidden
                if not task.data or same:
                    raise
                raise _in_record(error, task, instance, index, places) from None
        try:
            read_picture(instance, resolved.resolver.project.root)
        except TaskError as error:
            raise _in_record(error, task, instance, index, places) from None
    if isinstance(maker, NamesScoreRules):
        with places.at(task, "environment", "scoring"):
            for name in dict.fromkeys(name for instance in instances for name in maker.score_rules(instance)):
                resolved.resolver.score_rule(name)


def _in_record(error: TaskError, task: Task, instance: Instance, index: int, places: Places) -> TaskError:
    """An error about a record, with the line of the file that holds it."""
    file = places.files.get(task.name)
    if file is None:
        return TaskError(f"record {instance.id!r}: {error.args[0]}", remedy=error.remedy)
    return file.record_error(index, error)


def _check_components(resolved: ResolvedRun, episode: PlannedEpisode, places: Places) -> ResolvedComponents:
    task = episode.task
    with places.at(task):
        cast = resolved.components(episode)
        check_drift(episode, cast.strategy, resolved.resolver.project)
    with places.at(task, "mcp_servers"):
        check_servers(task)
    if not resolved.config.regrade:
        _check_direction(task, cast.strategy, places)
        _check_person(task, cast.strategy, places)
    for role, agent in cast.agents.items():
        if isinstance(agent, CommandAgent):
            with places.at(task, "agents", role.value):
                _check_command(agent, resolved, episode, cast.strategy)
        if isinstance(agent, ModelAgent):
            if agent.card.images and agent.card.images.max_side and episode.instance.picture:
                needs_pillow("a card limits the size of pictures", remedy=", or take `images.max_side` out of the card")
            for prompt in filter(None, (agent.prompt, agent.tool_prompt)):
                check_prompt(prompt, role, episode.instance.without_hidden(), task.loop.max_iterations)
    if not resolved.config.regrade:
        with places.at(task, "agents", "proposer"):
            check_form(cast.agents[AgentRole.PROPOSER], resolved, episode, cast.strategy)
    for role_name, model in cast.models.items():
        named = model == cast.named.chat.get(role_name)
        with places.at(task, *(_named_in(task, role_name) if named else ("agents", role_name))):
            _open(resolved, model)
    for what, names in (("generator", cast.named.generators), ("editor", cast.named.editors)):
        with places.at(task, "image_models", what):
            for name in names:
                resolved.image_model(name)
    routing = task.drift.mitigations.routing if task.drift else None
    with places.at(task, "drift", "mitigations", "routing"):
        for choice in routing.choices if routing else ():
            asked = resolved.components(episode, choice).models
            for model in asked.values():
                _open(resolved, model)
            if routing and choice in routing.models and asked.get(AgentRole.PROPOSER) != choice:
                raise UserError(
                    f"the proposer does not ask {choice}, which work is routed to", remedy=f"A{_OWN_ASKS[1:]}."
                )
    return cast


def _check_command(agent: CommandAgent, resolved: ResolvedRun, episode: PlannedEpisode, strategy: Strategy) -> None:
    """Refuses a command that is asked for one action at a time, or has no files to work on."""
    name, task = agent.card.name, episode.task
    read_files(agent.program, agent.project)
    check_prompt(agent.prompt, agent.role, episode.instance.without_hidden(), task.loop.max_iterations)
    if traits_of(strategy).acts:
        raise UserError(
            f"the agent {name!r} is a command that works until it is done. The strategy {strategy.name} asks for one "
            "action at a time",
            remedy="Name `loop: {strategy: refine}`, `single` or `best_of_n`.",
        )
    maker: object = resolved.environment(task).make
    if not isinstance(maker, OpensWorkplaces):
        raise UserError(
            f"the agent {name!r} is a command, and the environment {task.environment.name!r} has no files on which it "
            "could work on its own",
            remedy="Name the environment `repo`, or another agent.",
        )


def _check_direction(task: Task, strategy: Strategy, places: Places) -> None:
    """Refuses a search by values of which nobody says which are better."""
    if isinstance(strategy, SearchStrategy) and strategy.needs_value and task.loop.value is None:
        raise places.error(
            task,
            f"the strategy {strategy.name} goes by values, and nothing says which are better",
            "loop",
            remedy="Write `loop: {value: {direction: minimize}}` or `maximize`, or `value` into environment.yaml.",
        )


def _asked_before(
    task: Task, cast: ResolvedComponents, resolved: ResolvedRun, instances: Sequence[Instance], places: Places
) -> Iterator[str]:
    """Says that the proposer asks a chat model before the loop, or has none to ask.

    Raises:
        UserError: There is no model of that name.
    """
    asked = prepared_by_model(cast, instances)
    if not asked:
        return
    model = cast.named.chat.get(AgentRole.PROPOSER)
    instance, wanted = next(iter(asked.items()))
    told = f"for {len(asked)} of {len(instances)} instances, such as {instance!r}"
    if model is None:
        remedy = "name one (`model:`, or --model), or they get no score"
        yield f"{task.name}: no model is named that could be asked for {wanted}, {told}; {remedy}"
        return
    with places.at(task, *_named_in(task, AgentRole.PROPOSER)):
        _open(resolved, model)
    yield f"{task.name}: {model} is asked for {wanted} before the loop, {told}"


def _unasked(
    episode: PlannedEpisode, cast: ResolvedComponents, instances: Sequence[Instance], places: Places
) -> Iterator[str]:
    """Says which models are named for roles that ask others, or none.

    Raises:
        UserError: Several models are compared, and nobody asks this one: variants would differ in their names alone.
    """
    task, asked = episode.task, chat_models(cast, instances)
    if task.model and task.model not in asked:
        silent = [role.value for role, agent in cast.agents.items() if _says_nothing(agent)]
        message = f"no role of {task.name} asks {task.model} under {episode.strategy}"
        if silent:
            message = (
                f"{task.name}: the {' and the '.join(silent)} does not say by `asks_model` that it asks {task.model}"
            )
        if len(places.config.models or task.matrix.models) > 1:
            with places.at(task, *_named_in(task, "")):
                raise UserError(f"{message}: variants would differ in their names alone", remedy=f"A{_OWN_ASKS[1:]}.")
        yield f"{message}; {_OWN_ASKS}"
    elif task.model:
        for role, own in cast.models.items():
            if role not in task.models and own != task.model:
                yield f"{task.name}: {task.model} does not reach the {role}, which names its model itself: {own}"
    for role, model in task.models.items():
        if role in cast.agents and model not in asked:
            rules = isinstance(cast.agents[AgentRole(role)], RuleCritic)
            remedy = "name a critic that asks one: `agents: {critic: critic}`" if rules else _OWN_ASKS
            does_not = "say by `asks_model` that it asks" if _says_nothing(cast.agents[AgentRole(role)]) else "ask"
            yield f"{task.name}: the {role} does not {does_not} {model}, which `models` names for it; {remedy}"


def _says_nothing(agent: Agent) -> bool:
    """Whether an agent class does not say which model it asks: neither by `asks_model` nor by a `model` of its own."""
    cards = (ModelAgent, RuleCritic)
    return not isinstance(agent, (*cards, AsksModel)) and not getattr(agent, "model", None)


def _open(resolved: ResolvedRun, model: str) -> None:
    if model != STAND_IN:
        resolved.model(model)


def _check_prices(resolved: ResolvedRun, casts: Mapping[tuple[str, str], ResolvedComponents], places: Places) -> None:
    """Refuses caps on cost that could not be held."""
    config, prices = resolved.config, resolved.prices
    for task in config.tasks:
        capped = [place for place in (("budget",), ("budget", "run")) if _cap_on_cost(task, place)]
        mine = [cast for (name, _), cast in casts.items() if name == task.name]
        used = {model for cast in mine for model in chat_models(cast, resolved.instances[task.name])} - {STAND_IN}
        drawing = {model for cast in mine for model in (*cast.named.generators, *cast.named.editors)}
        unpriced = sorted(
            model
            for models, usage in ((used, Usage(input=1, output=1)), (drawing, Usage()))
            for model in models
            if prices is None or prices.cost(model, usage) is None
        )
        if not unpriced or (config.budget.usd is None and not capped):
            continue
        message = f"a cap on cost needs prices, and {unpriced[0]} has none"
        remedy = f"Add it to {config.prices}." if prices else f"Name your price file with {places.options.prices}."
        if prices and unpriced[0] in drawing:
            remedy = f"Add it to {config.prices}: `{{image: USD per picture}}`, or prices of its tokens."
        if config.budget.usd is not None:
            raise UserError(f"{places.options.usd}: {message}", remedy=remedy)
        raise places.error(task, message, *capped[0], "usd", remedy=remedy)


def _cap_on_cost(task: Task, place: tuple[str, ...]) -> bool:
    return (task.budget if len(place) == 1 else task.budget.run).usd is not None


def _replaced(config: RunConfig, options: OptionNames) -> Iterator[str]:
    """Models that a task names by role, and a model for every role takes the place of."""
    for task in config.tasks if config.models else ():
        if roles := ", ".join(f"{role} ({model})" for role, model in task.models.items()):
            yield f"{task.name}: {options.model} takes the place of the models that the task names by role: {roles}"


def _check_person(task: Task, strategy: Strategy, places: Places) -> None:
    """Refuses to ask a person where nobody would be asked."""
    if task.loop.ask_person and not traits_of(strategy).asks_person:
        raise places.error(
            task,
            f"the strategy {strategy.name} asks no person",
            "loop",
            "ask_person",
            remedy="Use refine, best_of_n, single or a strategy that acts, such as react.",
        )


def _named_in(task: Task, role: str) -> tuple[str, ...]:
    """Where a task names the model of a role; its card is meant where that is nowhere."""
    if task.matrix.models:
        return ("matrix", "models")
    return ("models", role) if role in task.models else ("model",)
