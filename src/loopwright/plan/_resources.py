"""Builds what a run works with from the names in its configuration: models, agents, environments, strategies."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from loopwright.environments import Environment, EnvironmentSetup, find_environment
from loopwright.errors import LoopwrightError, MissingContent, TaskError
from loopwright.models import Breaker, Model, ModelOptions, Prices, Resilient, open_model
from loopwright.plan._plan import PlannedEpisode
from loopwright.plan._resolve import ComponentOverrides, ComponentResolver, ResolvedComponents, routed
from loopwright.project import Project
from loopwright.sandbox import Control, Limits, Pool, Sandbox, SandboxSpec, open_provider
from loopwright.store import Failed, RunStore, SandboxOpened
from loopwright.task import SandboxOptions, Task

current_episode: ContextVar[str | None] = ContextVar("current_episode", default=None)
"""Set in an episode's task, so that failures of models that episodes share are told where they came from."""


class RunResources:
    """The parts of one run, opened when first needed and closed together."""

    def __init__(self, *, folder: Path, store: RunStore, prices: Prices | None, given: ComponentOverrides) -> None:
        self.models: dict[str, Model] = {}
        self.prices = prices
        self._casting = ComponentResolver(Project(folder), given)
        self._folder = folder
        self._given = given
        self._store = store
        self._casts: dict[tuple[str, str, str], ResolvedComponents] = {}
        self._providers: dict[tuple[str, str | None], Pool] = {}
        self._opening = asyncio.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def cast(self, episode: PlannedEpisode, choice: str = "") -> ResolvedComponents:
        """Builds the players of an episode, once for all episodes of its task and variant.

        Args:
            episode: One of them.
            choice: Which of the proposers that work is routed over; empty without routing.

        Raises:
            UserError: Something that the task names is not there or cannot be used.
        """
        key = (episode.task.name, episode.variant, choice)
        if key not in self._casts:
            drift = episode.task.drift
            routing = drift.mitigations.routing if drift and choice else None
            cast = self._casting.cast(routed(episode.task, routing, choice) if routing else episode.task)
            for name in cast.models.values():
                self._open(name)
            self._casts[key] = cast
        return self._casts[key]

    async def environment(self, task: Task, episode: str) -> Environment:
        """Makes the environment of one episode.

        Raises:
            MissingContent: There is no such environment.
            SandboxUnavailable: Nothing here can isolate it as the task requires.
        """
        made = self._casting.environment(task)
        image = self._image(task)
        provider = await self._provider(task.sandbox.provider, image)
        setup = EnvironmentSetup(
            provider=RecordingProvider(provider, self._store, episode),
            spec=_spec(task.sandbox, image if provider.name == "docker" else task.sandbox.image),
            put=self._store.put,
            get=self._store.get,
        )
        environment = made(setup)
        if not isinstance(environment, Environment):
            raise MissingContent(f"{task.environment.name!r} is not an environment: methods are missing")
        return environment

    def _image(self, task: Task) -> str | None:
        """What the task names; else the Docker image of its environment, and LOOPWRIGHT_IMAGE goes before that."""
        if task.sandbox.image is not None or "LOOPWRIGHT_IMAGE" in os.environ:
            return task.sandbox.image
        folder = find_environment(task.environment.name, self._casting.project)
        return folder.image if folder else None

    def _open(self, name: str) -> None:
        if name in self.models:
            return
        opened = self._given.models.get(name) or open_model(name, options=ModelOptions(folder=self._folder))
        model = Resilient(opened, on_failure=self._on_failure, breakers=self._breakers)
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

    async def _provider(self, name: str, image: str | None) -> Pool:
        key = (name, image if name == "auto" else None)
        async with self._opening:
            if key not in self._providers:
                pool = Pool(await open_provider(name, image))
                self._providers[key] = pool
                self._stack.push_async_callback(pool.close)
        return self._providers[key]


class RecordingProvider:
    """A provider that writes every sandbox it opens, with the proof of its hardening, into the record."""

    def __init__(self, provider: Pool, store: RunStore, episode: str) -> None:
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
                pooled=sandbox.pooled,
                reason=self._provider.reason,
            ),
            episode=self._episode,
        )
        return sandbox

    async def close(self) -> None:
        """Leaves the provider open: it belongs to the run."""


def _purpose(spec: SandboxSpec) -> Any:
    return spec.labels.get("purpose", "environment")


def _spec(options: SandboxOptions, image: str | None) -> SandboxSpec:
    limits = Limits(
        memory_mb=options.memory_mb,
        pids=options.pids,
        cpus=options.cpus,
        scratch_mb=options.scratch_mb,
        timeout=options.timeout,
    )
    spec = SandboxSpec(image=image, limits=limits, network=options.network, runtime=options.runtime, user=options.user)
    if options.require is None:
        return spec
    unknown = sorted(set(options.require) - {control.value for control in Control})
    if unknown:
        raise TaskError(
            f"sandbox.require: there is no control {unknown[0]!r}",
            remedy=f"Controls: {', '.join(control.value for control in Control)}.",
        )
    return replace(spec, require=frozenset(Control(name) for name in options.require))
