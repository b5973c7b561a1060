"""A run with everything that follows from its configuration, each part found once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from loopwright.models import Model, ModelOptions, Prices, open_model, user_endpoints
from loopwright.models.image import Connects, ImageModel, open_image_model
from loopwright.plan._endpoints import known_endpoints, with_endpoints
from loopwright.plan._fingerprints import endpoint_fingerprints, fingerprints
from loopwright.plan._plan import PlannedEpisode, RunConfig, plan_filled, with_fields
from loopwright.plan._resolve import (
    ComponentOverrides,
    ComponentResolver,
    ResolvedComponents,
    ResolvedEnvironment,
    routed,
)
from loopwright.project import Project
from loopwright.task import Instance, Task
from loopwright.types import Endpoint


@dataclass(slots=True)
class RunArtifacts:
    """The artifacts of the run under way. Models are opened before there is one, to see that they can be."""

    source: Callable[[str], bytes] | None = None
    sink: Callable[[bytes], str] | None = None

    async def read(self, reference: str) -> bytes:
        """The bytes behind a reference.

        Raises:
            StoreError: There is no such artifact.
        """
        if self.source is None:
            raise RuntimeError("no run has begun")
        return await asyncio.to_thread(self.source, reference)

    async def keep(self, data: bytes) -> str:
        """Stores bytes in the run and returns their reference.

        Raises:
            StoreError: The disk is full.
        """
        if self.sink is None:
            raise RuntimeError("no run has begun")
        return await asyncio.to_thread(self.sink, data)


@dataclass(frozen=True)
class ResolvedRun:
    """A run before it starts. What is found lazily is found when it is first asked for, and kept."""

    config: RunConfig
    instances: Mapping[str, Sequence[Instance]]
    """Task to its instances, with templates filled."""
    episodes: Sequence[PlannedEpisode]
    resolver: ComponentResolver
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """The servers that its models may be at, beside the built-in ones."""
    artifacts: RunArtifacts = field(default_factory=RunArtifacts, repr=False)
    """Where models read the pictures that they are shown."""
    _components: dict[tuple[str, str, str], ResolvedComponents] = field(default_factory=dict, repr=False)
    _environments: dict[str, ResolvedEnvironment] = field(default_factory=dict, repr=False)
    _models: dict[str, Model] = field(default_factory=dict, repr=False)
    _image_models: dict[str, ImageModel] = field(default_factory=dict, repr=False)

    @cached_property
    def prices(self) -> Prices | None:
        """The price file; None where the configuration names none.

        Raises:
            UserError: It is not there or broken.
        """
        return Prices.load(self.config.prices) if self.config.prices else None

    @cached_property
    def fingerprints(self) -> Mapping[str, str]:
        """Name to fingerprint of what the run rests on beside its configuration."""
        used = {name: self.endpoints[name] for name in self.config.endpoints if name in self.endpoints}
        return {**fingerprints(self.config, self.episodes), **endpoint_fingerprints(used)}

    def components(self, episode: PlannedEpisode, choice: str = "") -> ResolvedComponents:
        """Finds who plays in an episode, once for all episodes of its task and variant.

        Args:
            episode: One of the run.
            choice: Which of the proposers that work is routed over; empty without routing.

        Raises:
            UserError: Something that the task names is not there or cannot be used; its `location` says what.
        """
        key = (episode.task.name, episode.variant, choice)
        if key not in self._components:
            drift = episode.task.drift
            routing = drift.mitigations.routing if drift and choice else None
            task = routed(episode.task, routing, choice) if routing else episode.task
            regrade = self.config.regrade
            cast = self.resolver.cast_judge(task, regrade.judge) if regrade else self.resolver.cast(task)
            self._components[key] = cast
        return self._components[key]

    def environment(self, task: Task) -> ResolvedEnvironment:
        """Finds what makes the environments of a task.

        Raises:
            UserError: There is none of that name, or its folder is broken.
        """
        name = task.environment.name
        if name not in self._environments:
            self._environments[name] = self.resolver.environment(task)
        return self._environments[name]

    def model(self, name: str) -> Model:
        """Opens a model that a role of the run names, or takes the object that was handed in.

        Raises:
            UserError: There is none of that name, or it lacks a key.
        """
        if name not in self._models:
            given = self.resolver.given.models.get(name)
            self._models[name] = given or open_model(name, options=self.model_options)
        return self._models[name]

    def image_model(self, name: str) -> ImageModel:
        """Opens an image model that the run names, or takes the object that was handed in.

        Raises:
            UserError: There is none of that name, or it lacks a key or a library.
        """
        if name not in self._image_models:
            given = self.resolver.given.image_models.get(name)
            model = given or open_image_model(name, options=self.model_options)
            if isinstance(model, Connects):
                model.connect(self.model_options)
            self._image_models[name] = model
        return self._image_models[name]

    @property
    def model_options(self) -> ModelOptions:
        """What its models are opened with."""
        return ModelOptions(
            folder=self.config.project,
            endpoints=self.endpoints,
            artifact=self.artifacts.read,
            keep=self.artifacts.keep,
        )


def resolve_run(
    config: RunConfig, given: ComponentOverrides | None = None, *, stand_in: str | None = None
) -> ResolvedRun:
    """Resolves a configuration, with the fields that environment folders give to its tasks.

    Args:
        config: What to run.
        given: Parts that are objects rather than names.
        stand_in: `provider/model` of agents for which none is named; None to refuse them.

    Raises:
        TaskError: An environment's folder is broken, a template cannot be filled, two episodes have one name, or the
            user's file of endpoints cannot be used.
    """
    given = given or ComponentOverrides()
    resolver = ComponentResolver(Project(config.project), given, stand_in)
    own = {**user_endpoints(), **given.endpoints}
    config = with_fields(config, resolver.folder)
    if config.calls and config.judged is None:
        judged = tuple(task.name for task in config.tasks if resolver.judged_by_model(task))
        config = config.model_copy(update={"judged": judged})
    return _resolved(with_endpoints(config, own), resolver, own)


def resolve_recorded(config: RunConfig, given: ComponentOverrides | None = None) -> ResolvedRun:
    """Resolves the configuration of a recorded run, whose tasks stay as they were recorded.

    Raises:
        TaskError: A template cannot be filled, or the user's file of endpoints cannot be used.
    """
    given = given or ComponentOverrides()
    own = {**user_endpoints(), **given.endpoints}
    return _resolved(config, ComponentResolver(Project(config.project), given), own)


def _resolved(config: RunConfig, resolver: ComponentResolver, own: Mapping[str, Endpoint]) -> ResolvedRun:
    instances = {task.name: task.instances() for task in config.tasks}
    endpoints = known_endpoints(config.endpoints, own)
    return ResolvedRun(config, instances, plan_filled(config, instances), resolver, endpoints)
