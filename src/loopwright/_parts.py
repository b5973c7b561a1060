"""Builds what a run works with from the names in its configuration: models, agents, environments, strategies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from loopwright.agents import Agent, AgentRole, ModelAgent, RuleCritic, load_agent
from loopwright.environments import BUILTIN_ENVIRONMENTS, Environment, EnvironmentSetup
from loopwright.errors import LoopwrightError, MissingContent, TaskError
from loopwright.loop import BUILTIN_STRATEGIES, Strategy
from loopwright.models import Model, ModelOptions, Prices, Resilient, open_model
from loopwright.plugins import load_part
from loopwright.project import Project
from loopwright.sandbox import Control, Limits, Sandbox, SandboxProvider, SandboxSpec, open_provider
from loopwright.store import Failed, RunStore, SandboxOpened
from loopwright.task import SandboxOptions, Task
from loopwright.verify import Verifier


current_episode: ContextVar[str | None] = ContextVar("current_episode", default=None)
"""Set in an episode's task, so that failures of models that episodes share are told where they came from."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in an episode."""

    strategy: Strategy
    agents: Mapping[AgentRole, Agent]
    verifiers: Sequence[Verifier]
    models: Mapping[str, str]
    """Role to `provider/model`."""


@dataclass(frozen=True, slots=True)
class Given:
    """Parts that the caller hands in as objects; a configuration names them by these keys."""

    models: Mapping[str, Model] = field(default_factory=dict)
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    verifiers: Mapping[str, Verifier] = field(default_factory=dict)
    environments: Mapping[str, Callable[[EnvironmentSetup], Environment]] = field(default_factory=dict)


class Parts:
    """The parts of one run, opened when first needed and closed together."""

    def __init__(
        self, *, folder: Path, model: str | None, store: RunStore, prices: Prices | None, given: Given
    ) -> None:
        self.models: dict[str, Model] = {}
        self.prices = prices
        self._project = Project(folder)
        self._model = model
        self._store = store
        self._given = given
        self._casts: dict[tuple[str, str], Cast] = {}
        self._providers: dict[str, SandboxProvider] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def cast(self, task: Task, strategy_name: str) -> Cast:
        """Builds the agents of a task under a strategy.

        Raises:
            UserError: Something that the task names is not there or cannot be used.
        """
        key = (task.digest, strategy_name)
        if key not in self._casts:
            self._casts[key] = self._new_cast(task, strategy_name)
        return self._casts[key]

    async def environment(self, task: Task, episode: str) -> Environment:
        """Makes the environment of one episode.

        Raises:
            MissingContent: There is no such environment.
            SandboxUnavailable: Nothing here can isolate it as the task requires.
        """
        made = self._part("environments", task.environment.name, {**BUILTIN_ENVIRONMENTS, **self._given.environments})
        provider = await self._provider(task.sandbox.provider)
        setup = EnvironmentSetup(
            provider=RecordingProvider(provider, self._store, episode),
            spec=_spec(task.sandbox),
            put=self._store.put,
            get=self._store.get,
        )
        environment = made(setup)
        if not isinstance(environment, Environment):
            raise MissingContent(f"{task.environment.name!r} is not an environment: methods are missing")
        return environment

    def _new_cast(self, task: Task, strategy_name: str) -> Cast:
        strategy = self._part("strategies", strategy_name, {**BUILTIN_STRATEGIES, **self._given.strategies})
        strategy = strategy() if isinstance(strategy, type) else strategy
        agents: dict[AgentRole, Agent] = {
            AgentRole.PROPOSER: self._agent(task, AgentRole.PROPOSER, task.agents.proposer)
        }
        if strategy.asks_critic:
            agents[AgentRole.CRITIC] = self._agent(task, AgentRole.CRITIC, task.agents.critic)
        verifiers: list[Verifier] = []
        named = task.agents.verifier
        if named and (":" in named or named in self._given.verifiers):
            verifiers.append(_instance(self._part("verifiers", named, self._given.verifiers)))
        elif named:
            agents[AgentRole.VERIFIER] = self._agent(task, AgentRole.VERIFIER, named)
        models = {role.value: agent.model for role, agent in agents.items() if isinstance(agent, ModelAgent)}
        for name in models.values():
            self._open(name)
        return Cast(strategy, agents, tuple(verifiers), models)

    def _agent(self, task: Task, role: AgentRole, name: str) -> Agent:
        if name == "rules" and role is AgentRole.CRITIC:
            return RuleCritic()
        agent: Agent
        if ":" in name or name in self._given.agents:
            agent = _instance(self._part("agents", name, self._given.agents))
        else:
            model = self._model or task.models.get(role.value) or task.model
            agent = load_agent(name, self._project, model=model)
        if agent.role is not role:
            raise TaskError(f"the agent {name!r} is a {agent.role}, not a {role}", remedy="Name it under its own role.")
        return agent

    def _part(self, kind: str, name: str, known: Mapping[str, Any]) -> Any:
        return load_part(kind, name, known, folder=self._project.root)

    def _open(self, name: str) -> None:
        if name in self.models:
            return
        model = Resilient(
            open_model(name, options=ModelOptions(folder=self._project.root)), on_failure=self._on_failure
        )
        self.models[name] = model
        self._stack.push_async_callback(model.close)

    def _on_failure(self, error: LoopwrightError, attempt: int, retried: bool) -> None:
        self._store.append(
            Failed(
                error=type(error).__name__,
                cause=error.cause.value,
                message=str(error),
                retried=retried,
                attempt=attempt,
            ),
            episode=current_episode.get(),
        )

    async def _provider(self, name: str) -> SandboxProvider:
        if name not in self._providers:
            provider = await open_provider(name)
            self._providers[name] = provider
            self._stack.push_async_callback(provider.close)
        return self._providers[name]


class RecordingProvider:
    """A provider that writes every sandbox it opens, with the proof of its hardening, into the record."""

    def __init__(self, provider: SandboxProvider, store: RunStore, episode: str) -> None:
        self._provider = provider
        self._store = store
        self._episode = episode

    @property
    def name(self) -> str:
        """The name of the provider behind."""
        return self._provider.name

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Opens a sandbox and records it.

        Raises:
            SandboxUnavailable: What the spec requires cannot be given here.
        """
        started = time.monotonic()
        sandbox = await self._provider.open(replace(spec, labels={**spec.labels, "episode": self._episode}))
        self._store.append(
            SandboxOpened(
                sandbox=sandbox.id,
                purpose=_purpose(spec),
                provider=sandbox.provider,
                image=sandbox.image,
                controls=tuple(asdict(state) for state in sandbox.controls),
                seconds=time.monotonic() - started,
            ),
            episode=self._episode,
        )
        return sandbox

    async def close(self) -> None:
        """Leaves the provider open: it belongs to the run."""


def _purpose(spec: SandboxSpec) -> Any:
    return spec.labels.get("purpose", "environment")


def _instance(part: Any) -> Any:
    return part() if isinstance(part, type) else part


def _spec(options: SandboxOptions) -> SandboxSpec:
    limits = Limits(
        memory_mb=options.memory_mb,
        pids=options.pids,
        cpus=options.cpus,
        scratch_mb=options.scratch_mb,
        timeout=options.timeout,
    )
    spec = SandboxSpec(image=options.image, limits=limits, network=options.network)
    if options.require is None:
        return spec
    unknown = sorted(set(options.require) - {control.value for control in Control})
    if unknown:
        raise TaskError(
            f"sandbox.require: there is no control {unknown[0]!r}",
            remedy=f"Controls: {', '.join(control.value for control in Control)}.",
        )
    return replace(spec, require=frozenset(Control(name) for name in options.require))
