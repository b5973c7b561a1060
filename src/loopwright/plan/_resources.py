"""Builds what a run works with from the names in its configuration: models, agents, environments, strategies."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Self, TypeVar

from loopwright.environments import Environment, EnvironmentSetup, HasMachine
from loopwright.errors import LoopwrightError, MissingContent, ModelError, TaskError, ToolsRefused
from loopwright.loop import call_under_way
from loopwright.mcp_tools import Machine, McpToolbox, Toolbox
from loopwright.models import Breaker, Model, ModelOptions, Resilient, ResilientImages, Usage
from loopwright.models.embedding import EMBEDDING_POLICY, EMBEDDING_SECONDS, OpenAIEmbedding
from loopwright.models.image import ImageModel
from loopwright.plan._machines import Machines, OpenedSandbox, SandboxSource, ThisMachine
from loopwright.plan._pictures import read_picture
from loopwright.plan._plan import PlannedEpisode
from loopwright.plan._resolve import ResolvedComponents, ResolvedEnvironment
from loopwright.plan._resolved_run import ResolvedRun
from loopwright.sandbox import (
    Colocated,
    ColocatingProvider,
    Control,
    Limits,
    OpenedThere,
    Sandbox,
    SandboxProvider,
    SandboxSpec,
)
from loopwright.store import Failed, RunStore, SandboxOpened
from loopwright.task import Instance, SandboxOptions, Task

_PARTIAL = 20_000
"""Characters of a lost reply that are recorded."""

current_episode: ContextVar[str | None] = ContextVar("current_episode", default=None)
"""Set in an episode's task, so that failures of models that episodes share are told where they came from."""


class RunResources:
    """The parts of one run, opened when first needed and closed together."""

    def __init__(self, run: ResolvedRun, store: RunStore, machines: Machines | None = None) -> None:
        """Opens nothing yet.

        Args:
            run: What is run.
            store: Its record.
            machines: Where its sandboxes are, which whoever gives them opens and closes; None for this machine.
        """
        self.models: Mapping[str, Model] = _OpenedModels(self._open)
        """The models of the run by name, each opened when it is first asked for."""
        self.image_models: Mapping[str, ImageModel] = _OpenedModels(self._open_images)
        """The image models of the run by name, in the same way."""
        self.prices = run.prices
        self._run = run
        run.artifacts.source, run.artifacts.sink = store.get, store.put
        self._store = store
        self._machines = machines or ThisMachine()
        self._own_machines = machines is None
        self._providers: dict[tuple[str, str | None], SandboxSource] = {}
        self._places: dict[int, asyncio.Semaphore] = {}
        self._opening = asyncio.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._own_machines:
            await self._stack.enter_async_context(self._machines)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def cast(self, episode: PlannedEpisode, choice: str = "") -> ResolvedComponents:
        """The players of an episode, with their models open.

        Args:
            episode: One of the run.
            choice: Which of the proposers that work is routed over; empty without routing.

        Raises:
            UserError: Something that the task names is not there or cannot be used.
        """
        cast = self._run.components(episode, choice)
        for name in cast.models.values():
            _ = self.models[name]
        return cast

    async def environment(self, task: Task, episode: str) -> Environment:
        """Makes the environment of one episode.

        Raises:
            MissingContent: There is no such environment.
            SandboxUnavailable: Nothing here can isolate it as the task requires.
        """
        resolved = self._run.environment(task)
        provider, spec = await self._sandboxes(task, episode)
        setup = EnvironmentSetup(
            provider=provider,
            spec=spec,
            put=self._store.put,
            get=self._store.get,
            score_rule=self._run.resolver.score_rule,
        )
        environment = resolved.make(setup)
        if not isinstance(environment, Environment):
            raise MissingContent(f"{task.environment.name!r} is not an environment: methods are missing")
        return environment

    def toolbox(self, task: Task, episode: str, environment: Environment) -> Toolbox | None:
        """The tools of one episode beside its actions; None where the task names no servers."""
        if not task.mcp_servers:
            return None

        async def machine() -> Machine:
            if isinstance(environment, HasMachine):
                return Machine(*await environment.machine())
            provider, spec = await self._sandboxes(task, episode)
            sandbox = await provider.open(spec)
            return Machine(sandbox, sandbox.workdir, own=True)

        return McpToolbox(task.mcp_servers, machine, self._store.put)

    async def _sandboxes(self, task: Task, episode: str) -> tuple[RecordingProvider, SandboxSpec]:
        """What opens the sandboxes of an episode, and what the task wants of them."""
        image = _image(task, self._run.environment(task))
        provider = await self._provider(task.sandbox.provider, image)
        spec = _spec(task.sandbox, image if provider.name == "docker" else task.sandbox.image)
        return RecordingProvider(provider, self._store, episode), spec

    def places(self, number: int) -> asyncio.Semaphore:
        """The places for so many candidates that are executed together, whatever their episodes."""
        return self._places.setdefault(number, asyncio.Semaphore(self._machines.places(number)))

    async def shown(self, instance: Instance) -> Instance:
        """The instance as the loop may have it: without hidden fields, its picture an artifact of the run.

        Raises:
            TaskError: Its picture cannot be used.
            StoreError: The disk is full.
        """
        data = await asyncio.to_thread(read_picture, instance, self._run.resolver.project.root)
        images = () if data is None else (await asyncio.to_thread(self._store.put, data),)
        return instance.without_hidden().model_copy(update={"images": images})

    def embedding(self, name: str) -> Model:
        """An embedding model, opened for the run.

        Args:
            name: `provider/model`.

        Raises:
            MissingSecret: There is no key.
            UserError: There is no such endpoint, or the base URL is none.
        """
        options = ModelOptions(timeout=EMBEDDING_SECONDS, endpoints=self._run.endpoints)
        opened = OpenAIEmbedding.open(name, options)
        model = Resilient(opened, EMBEDDING_POLICY, on_failure=self._on_failure, breakers=self._breakers)
        self._stack.push_async_callback(model.close)
        return model

    def _open(self, name: str) -> Model:
        placed = self._machines.placed(self._run.model(name), self._run.model_options)
        model = Resilient(placed, on_failure=self._on_failure, breakers=self._breakers)
        self._stack.push_async_callback(model.close)
        return model

    def _open_images(self, name: str) -> ImageModel:
        placed = self._machines.placed_images(self._run.image_model(name), self._run.model_options)
        model = ResilientImages(placed, on_failure=self._on_failure, breakers=self._breakers)
        self._stack.push_async_callback(model.close)
        return model

    def _on_failure(self, error: LoopwrightError, attempt: int, retried: bool) -> Awaitable[None] | None:
        call = call_under_way.get()
        lost = call.lost(_reported(error)) if call and isinstance(error, ModelError) and error.begun else None
        self._store.append(
            Failed(
                error=type(error).__name__,
                cause=error.cause.value,
                message=str(error),
                retried=retried,
                attempt=attempt,
                partial=error.partial[:_PARTIAL] if isinstance(error, ModelError) else "",
                left_out=("tools",) if isinstance(error, ToolsRefused) else (),
                usage=lost.usage if lost else None,
                images=lost.images if lost else 0,
                cost_usd=str(lost.cost_usd) if lost and lost.cost_usd is not None else None,
            ),
            episode=current_episode.get(),
            iteration=call.iteration if call else None,
            node=call.node if call else None,
        )
        return call.reserve_again() if call and lost and retried else None

    async def _provider(self, name: str, image: str | None) -> SandboxSource:
        key = (name, image if name == "auto" else None)
        async with self._opening:
            if key not in self._providers:
                self._providers[key] = await self._machines.sandboxes(name, image)
        return self._providers[key]


_Opened = TypeVar("_Opened")


class _OpenedModels(dict[str, _Opened]):
    """Models by name; an agent of the user's own may ask for any."""

    def __init__(self, open_model: Callable[[str], _Opened]) -> None:
        super().__init__()
        self._open_model = open_model

    def __missing__(self, name: str) -> _Opened:
        model = self[name] = self._open_model(name)
        return model


class RecordingProvider:
    """A provider that writes every sandbox it opens, with the proof of its hardening, into the record."""

    def __init__(self, provider: SandboxSource, store: RunStore, episode: str) -> None:
        self._provider = provider
        self._store = store
        self._episode = episode
        self._labels = {"episode": episode}

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
        sandbox = await self._provider.open(replace(spec, labels={**spec.labels, **self._labels}))
        self._opened(sandbox, spec.labels, time.monotonic() - started)
        return sandbox

    def colocate(
        self,
        make: Callable[[SandboxProvider], Any],
        *,
        labels: Mapping[str, str],
        opened: Callable[[OpenedThere], None],
    ) -> Colocated | None:
        """Places an object beside its sandboxes, which are recorded; see `ColocatingProvider`."""
        if not isinstance(self._provider, ColocatingProvider):
            return None

        def record(sandbox: OpenedThere) -> None:
            self._opened(sandbox, sandbox.labels, sandbox.seconds)
            opened(sandbox)

        return self._provider.colocate(make, labels={**labels, **self._labels}, opened=record)

    def _opened(self, sandbox: OpenedSandbox | OpenedThere, labels: Mapping[str, str], seconds: float) -> None:
        self._store.append(
            SandboxOpened(
                sandbox=sandbox.id,
                purpose=_purpose(labels),
                provider=sandbox.provider,
                image=sandbox.image,
                controls=tuple(sandbox.controls),
                seconds=seconds,
                pooled=sandbox.pooled,
                reason=self._provider.reason,
                host=sandbox.host,
            ),
            episode=self._episode,
        )

    async def close(self) -> None:
        """Leaves the provider open: it belongs to the run."""


def _reported(error: ModelError) -> Usage | None:
    return None if error.reported is None else Usage(**error.reported)


def _purpose(labels: Mapping[str, str]) -> Any:
    return labels.get("purpose", "environment")


def _image(task: Task, environment: ResolvedEnvironment) -> str | None:
    """What the task names; else the Docker image of its environment, and LOOPWRIGHT_IMAGE goes before that."""
    if task.sandbox.image is not None or "LOOPWRIGHT_IMAGE" in os.environ:
        return task.sandbox.image
    return environment.image


def _spec(options: SandboxOptions, image: str | None) -> SandboxSpec:
    limits = Limits(**options.model_dump(include={field.name for field in fields(Limits)}))
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
