"""Who plays in a task: strategy, agents, verifiers and environment, found by name without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from loopwright.agents import Agent, AgentRole, AsksModel, ModelAgent, NamedModels, RuleCritic, load_agent, load_card
from loopwright.environments import (
    BUILTIN_ENVIRONMENTS,
    Environment,
    EnvironmentFolder,
    EnvironmentSetup,
    ScoreRule,
    find_environment,
    find_score_rule,
)
from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.loop import BUILTIN_STOP_RULES, BUILTIN_STRATEGIES, Arm, SearchStrategy, StopRule, Strategy, traits_of
from loopwright.models import Model
from loopwright.models.image import ImageModel
from loopwright.plugins import check_environment, instantiate_plugin, is_plugin, load_plugin
from loopwright.project import Project
from loopwright.task import ArmOptions, RoutingOptions, Task
from loopwright.types import Endpoint
from loopwright.verify import Verifier

RULES = "rules"
"""How a task names the critic without a model, and how it names none."""
EnvironmentMaker = Callable[[EnvironmentSetup], Environment]


@dataclass(frozen=True, slots=True)
class ComponentOverrides:
    """Parts that the caller hands in as objects; a configuration names them by these keys."""

    models: Mapping[str, Model] = field(default_factory=dict)
    image_models: Mapping[str, ImageModel] = field(default_factory=dict)
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    verifiers: Mapping[str, Verifier] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentMaker] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedEnvironment:
    """What makes the environments of a task."""

    make: EnvironmentMaker
    image: str | None
    """Docker image of the environment's folder; None where it names none."""


@dataclass(frozen=True, slots=True)
class ResolvedComponents:
    """Who plays in an episode."""

    strategy: Strategy
    agents: Mapping[AgentRole, Agent]
    verifiers: Sequence[Verifier]
    models: Mapping[str, str]
    """Role to `provider/model`."""
    stop_rules: Sequence[StopRule] = ()
    """Those that the task names beside the strategy's own."""
    named: NamedModels = field(default_factory=NamedModels)
    """The models that the task names, for agents that are no cards."""
    arms: Mapping[str, Arm] = field(default_factory=dict)
    """Those whom a search chooses among; none for the proposer alone."""

    @property
    def all_models(self) -> Mapping[str, str]:
        """As `models`, with image models under `generator` and `editor`."""
        drawn_by = {"generator": self.named.generators, "editor": self.named.editors}
        return {**self.models, **{what: ", ".join(names) for what, names in drawn_by.items() if names}}


@dataclass(frozen=True, slots=True)
class ComponentResolver:
    """Finds parts in a project, among the built-in ones and among those handed in."""

    project: Project
    given: ComponentOverrides = field(default_factory=ComponentOverrides)
    stand_in: str | None = None
    """`provider/model` of agents for which none is named; None to refuse them."""
    _folders: dict[str, EnvironmentFolder | None] = field(default_factory=dict, repr=False)

    def cast(self, task: Task) -> ResolvedComponents:
        """Builds the players of a task.

        Raises:
            UserError: Something that the task names is not there or cannot be used.
        """
        with _located("loop", "strategy"):
            strategy = self.strategy(task.loop.strategy)
        with _located("loop", "stop_rules"):
            stop_rules = tuple(self.stop_rule(name) for name in task.loop.stop_rules)
        named, traits = task.agents.critic != RULES, traits_of(strategy)
        strategy = (traits.with_critic if named else None) or strategy
        arms, whole = task.loop.arms, task
        if arms:
            task = _of_arm(whole, arms[0])  # The first stands for all where one proposer is meant.
        roles = [AgentRole.PROPOSER, *([AgentRole.CRITIC] if strategy.asks_critic else []), *_thinkers(task, strategy)]
        agents: dict[AgentRole, Agent] = {}
        for role in roles:
            own = traits.own_critic if role is AgentRole.CRITIC and not named else None
            with _located("agents", role.value):
                agents[role] = own or self.agent(task, role)
        if task.drift and task.drift.mitigations.consolidation:
            with _located("drift", "mitigations", "consolidation", "agent"):
                agents[AgentRole.SUMMARIZER] = self.agent(task, AgentRole.SUMMARIZER)
        cast = self._with_judge(task, strategy, agents, stop_rules)
        if not arms:
            return cast
        with _located("loop", "arms"):
            return self._with_arms(whole, cast)

    def _with_arms(self, task: Task, cast: ResolvedComponents) -> ResolvedComponents:
        """Adds those whom a search chooses among; their models are told beside those of roles."""
        if not isinstance(cast.strategy, SearchStrategy):
            raise TaskError(f"{task.loop.strategy} does not choose among arms", remedy="`loop: {strategy: discover}`.")
        arms: dict[str, Arm] = {}
        models = {role: model for role, model in cast.models.items() if role != AgentRole.PROPOSER}
        for options in task.loop.arms:
            its = _of_arm(task, options)
            agent, asked = self.agent(its, AgentRole.PROPOSER), its.models.get("proposer") or its.model
            chat = {name: model for name, model in cast.named.chat.items() if name != AgentRole.PROPOSER}
            chat |= {"proposer": asked} if asked else {}
            if model := _model_of(agent, AgentRole.PROPOSER, chat):
                models[options.name] = model
            elif isinstance(agent, AsksModel) and agent.asks_model and self.stand_in is None:
                raise MissingContent(f"no model is named for the arm {options.name}", remedy="Give it a `model`.")
            operation = "" if options.operation == "any" else options.operation
            arms[options.name] = Arm(agent, replace(cast.named, chat=chat), operation)
        return replace(cast, arms=arms, models=models)

    def cast_judge(self, task: Task, model: str | None) -> ResolvedComponents:
        """Finds who grades the candidates of a task; agents of the loop are not looked for.

        Args:
            task: The task.
            model: `provider/model` of the judge; None for the task's own.

        Raises:
            UserError: Something that the task names is not there or cannot be used.
        """
        with _located("loop", "strategy"):
            strategy = self.strategy(task.loop.strategy)
        judged = task.model_copy(update={"models": {**task.models, "verifier": model}}) if model else task
        return self._with_judge(judged, strategy, {}, ())

    def _with_judge(
        self, task: Task, strategy: Strategy, agents: dict[AgentRole, Agent], stop_rules: Sequence[StopRule]
    ) -> ResolvedComponents:
        with _located("agents", "verifier"):
            judge = self.judge(task)
        if task.agents.auditor:
            with _located("agents", "auditor"):
                agents[AgentRole.AUDITOR] = self.agent(task, AgentRole.AUDITOR)
        verifiers: list[Verifier] = []
        if isinstance(judge, Agent):
            agents[AgentRole.VERIFIER] = judge
        elif judge:
            verifiers.append(judge)
        wanted = {role.value: task.models.get(role.value) or task.model for role in AgentRole}
        chat = {role: model for role, model in wanted.items() if model}
        models = {role.value: model for role, agent in agents.items() if (model := _model_of(agent, role, chat))}
        for role, agent in agents.items() if self.stand_in is None else ():
            if role.value not in models and isinstance(agent, AsksModel) and agent.asks_model:
                with _located("agents", role.value):
                    raise MissingContent(
                        f"no model is named for the {role}",
                        remedy=f"Name one: --model, `model:` or `models: {{{role}: ...}}`.",
                    )
        named = NamedModels(chat, task.image_models.generator, task.image_models.editor, self.project.root)
        return ResolvedComponents(strategy, agents, tuple(verifiers), models, stop_rules, named)

    def strategy(self, name: str) -> Strategy:
        """Finds a strategy.

        Raises:
            MissingContent: There is none of that name.
        """
        known = {**BUILTIN_STRATEGIES, **self.given.strategies}
        strategy: Strategy = instantiate_plugin("strategies", name, self._part("strategies", name, known))
        return strategy

    def stop_rule(self, name: str) -> StopRule:
        """Finds a stop rule.

        Raises:
            UserError: There is none of that name, or it is no stop rule.
        """
        rule: StopRule = instantiate_plugin("stop_rules", name, self._part("stop_rules", name, BUILTIN_STOP_RULES))
        return rule

    def score_rule(self, name: str) -> ScoreRule:
        """Finds a score rule.

        Raises:
            UserError: There is none of that name, or it is no score rule.
        """
        return find_score_rule(name, self.project.root)

    def agent(self, task: Task, role: AgentRole) -> Agent:
        """Finds who plays a role in a task.

        Raises:
            UserError: There is none of that name, it plays another role, or it lacks a model.
        """
        consolidation = task.drift.mitigations.consolidation if task.drift else None
        if role is AgentRole.SUMMARIZER:
            name = consolidation.agent if consolidation else role.value
        else:
            name = getattr(task.agents, role.value) or ""
        if name == RULES and role is AgentRole.CRITIC:
            return RuleCritic()
        agent: Agent
        if name in self.given.agents or is_plugin("agents", name):
            agent = instantiate_plugin("agents", name, self._part("agents", name, self.given.agents))
        else:
            model = task.models.get(role.value) or task.model
            if model is None and self.stand_in and load_card(name, self.project).model is None:
                model = self.stand_in
            agent = load_agent(name, self.project, model=model)
        fitting = {role, AgentRole.VERIFIER} if role is AgentRole.AUDITOR else {role}
        if agent.role not in fitting:
            raise TaskError(f"the agent {name!r} is a {agent.role}, not a {role}", remedy="Name it under its own role.")
        return agent

    def judge(self, task: Task) -> Agent | Verifier | None:
        """Finds the verifier beside the environment's checks: an agent, a verifier, or None.

        Raises:
            UserError: There is none of that name, or it cannot be used.
        """
        name = task.agents.verifier
        if not name:
            return None
        if name in self.given.agents or not (name in self.given.verifiers or is_plugin("verifiers", name)):
            return self.agent(task, AgentRole.VERIFIER)
        part = self._part("verifiers", name, self.given.verifiers)
        verifier: Agent | Verifier = instantiate_plugin("agents" if hasattr(part, "act") else "verifiers", name, part)
        return verifier

    def judged_by_model(self, task: Task) -> bool:
        """Whether a model grades every candidate of a task in the loop, as far as names tell."""
        name = task.agents.verifier
        if not name or name in self.given.verifiers or is_plugin("verifiers", name):
            return False
        given = self.given.agents.get(name)
        return isinstance(given, ModelAgent) if given else not is_plugin("agents", name)

    def environment(self, task: Task) -> ResolvedEnvironment:
        """Finds what makes a task's environments: an object, an import path, a folder, or a built-in one.

        Raises:
            UserError: There is none of that name, or its folder is broken.
        """
        name, root = task.environment.name, self.project.root
        folder = self.folder(name)
        if folder:
            name, root = folder.kind or folder.name, folder.folder
        known = {**BUILTIN_ENVIRONMENTS, **self.given.environments}
        made: EnvironmentMaker = load_plugin("environments", name, known, folder=root)
        check_environment(name, made)
        return ResolvedEnvironment(made, folder.image if folder else None)

    def folder(self, name: str) -> EnvironmentFolder | None:
        """The folder of an environment, read once; None where the name is an import path, an object or built in alone.

        Raises:
            TaskError: Its `environment.yaml` is broken.
        """
        if name not in self._folders:
            elsewhere = ":" in name or name in self.given.environments
            self._folders[name] = None if elsewhere else find_environment(name, self.project)
        return self._folders[name]

    def _part(self, kind: str, name: str, known: Mapping[str, Any]) -> Any:
        return load_plugin(kind, name, known, folder=self.project.root)


def _thinkers(task: Task, strategy: Strategy) -> list[AgentRole]:
    """The roles of a search that think before a candidate is made.

    Raises:
        TaskError: They are named, and the strategy is no search.
    """
    named = [role for role in (AgentRole.IDEA, AgentRole.REVIEWER) if getattr(task.agents, role.value)]
    if named and not isinstance(strategy, SearchStrategy):
        error = TaskError(f"{task.loop.strategy} asks nobody for ideas", remedy="`loop: {strategy: discover}` does.")
        raise error.about("agents", named[0].value)
    return named


def _of_arm(task: Task, arm: ArmOptions) -> Task:
    """The task as it is for one of those whom a search chooses among."""
    agents = task.agents.model_copy(update={"proposer": arm.agent or task.agents.proposer})
    models = {**task.models, "proposer": arm.model} if arm.model else task.models
    return task.model_copy(update={"agents": agents, "models": models})


def _model_of(agent: Agent, role: AgentRole, named: Mapping[str, str]) -> str | None:
    """The chat model that an agent asks, as far as can be known."""
    own = getattr(agent, "model", None)
    if isinstance(agent, ModelAgent):
        return agent.model
    if isinstance(own, str) and "/" in own:
        return own
    return named.get(role.value) if isinstance(agent, AsksModel) and agent.asks_model else None


def routed(task: Task, routing: RoutingOptions, choice: str) -> Task:
    """The task as it is for one of the proposers that work is routed over."""
    if choice in routing.models:
        return task.model_copy(update={"models": {**task.models, "proposer": choice}})
    return task.model_copy(update={"agents": task.agents.model_copy(update={"proposer": choice})})


@contextmanager
def _located(*location: str) -> Iterator[None]:
    """Says of an error which part of the task it is about."""
    try:
        yield
    except UserError as error:
        error.about(*(error.location or location))
        raise
