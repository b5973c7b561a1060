"""The machines of a run: a Ray cluster, of which it gets workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from loopwright._version import __version__
from loopwright.cluster._connection import Connection, check_library, connect, parse_on
from loopwright.cluster._driver import Worker
from loopwright.cluster._models import ModelHost, PlacedImages, PlacedModel
from loopwright.cluster._sandboxes import WorkerSandboxes
from loopwright.cluster._worker import Offer, SandboxWorker, WorkerFacts
from loopwright.cluster._workers import Workers
from loopwright.errors import ClusterUnusable, LoopwrightError, ModelUnavailable, WorkerLost
from loopwright.models import InProcess, Model, ModelOptions
from loopwright.models.image import ImageModel
from loopwright.sandbox import default_image
from loopwright.text import counted, printable_line

_log = logging.getLogger(__name__)
START = 120.0
"""Seconds in which Ray starts the workers."""
COME_BACK = 60.0
"""Seconds for which a sandbox waits for a worker where none lives."""
PLACE = 300.0
"""Seconds in which Ray finds a place for a model."""
_CALLS = 10_000
"""Calls that a worker works on at the same time."""
_GOODBYE = 15.0
_OFFERS = 5
"""Times that workers are asked for what they offer, where all are lost meanwhile."""
_VERSIONS = "Install the same version of Loopwright on all machines."


class RayCluster:
    """Sandboxes, and models that must be in one place, on the workers of a Ray cluster.

    For `async with`: it connects, or starts a cluster on this machine, and asks Ray for workers, each a process with a
    processor of its own. At the end the workers are gone.
    """

    def __init__(
        self, on: str = "ray", workers: int | None = None, *, tell: Callable[[str], None] = _log.warning
    ) -> None:
        """Says where; nothing is connected yet.

        Args:
            on: `ray` for the cluster at RAY_ADDRESS, or one on this machine that is started for the run;
                `ray://HOST:PORT` for Ray's client; `HOST:PORT` for a cluster of which this machine is a node.
            workers: How many; one for each processor that Ray has where it is None.
            tell: Called when a worker is gone, and when it is there again; into the log by default.

        Raises:
            UserError: `on` is none of these.
            MissingExtra: Ray is not installed.
            ClusterUnusable: Ray is of another version.
        """
        check_library()
        self._on = parse_on(on)
        self._wanted = workers
        self._tell = tell
        self._connection: Connection | None = None
        self._actors: list[Any] = []
        self._workers = Workers()
        self._leaving = threading.Lock()
        self._left = False

    @property
    def facts(self) -> Sequence[WorkerFacts]:
        """What each worker says of itself."""
        return [worker.facts for worker in self._workers.all if worker.facts]

    async def __aenter__(self) -> Self:
        """Connects and gets the workers.

        Raises:
            ClusterUnusable: Nothing answers there, or the workers do not fit.
        """
        self._left = False
        try:
            # Beside the thread of the event loop: it takes seconds, and Ray would take SIGTERM for itself there.
            await asyncio.to_thread(self._enter)
            await self._begun()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def sandboxes(self, name: str, image: str | None) -> WorkerSandboxes:
        """What opens sandboxes on the workers; see `Machines.sandboxes`."""
        image = image or (default_image() if "LOOPWRIGHT_IMAGE" in os.environ else None)
        offers = await self._offers(name, image)
        # Where some have Docker it is Docker for all, so that no result depends on the worker.
        best = min(offers, key=lambda offer: offer.provider != "docker")
        return WorkerSandboxes(self._workers, best.provider, best.reason, image or default_image(), COME_BACK)

    async def _offers(self, name: str, image: str | None) -> Sequence[Offer]:
        """What the workers that live offer; where all are lost, what those offer that come back."""
        for _ in range(_OFFERS):
            if not await self._workers.until_some_live(COME_BACK):
                break
            asked = await asyncio.gather(
                *(worker.ask("offer", name, image) for worker in self._workers.all if worker.alive),
                return_exceptions=True,
            )
            if offers := [offer for offer in asked if isinstance(offer, Offer)]:
                return offers
            if refused := [error for error in asked if not isinstance(error, WorkerLost)]:
                raise refused[0]
        raise self._workers.none_lives(COME_BACK)

    def places(self, number: int) -> int:
        """Candidates that are executed together on all workers, where this machine alone would execute so many."""
        return max(1, number * len(self._workers.all) // (os.cpu_count() or 1))

    def placed(self, model: Model, options: ModelOptions) -> Model:
        """A model that computes in its process gets one on a worker; others stay here, with their keys."""
        return PlacedModel(model, self._host_of(model, options)) if _computes(model) else model

    def placed_images(self, model: ImageModel, options: ModelOptions) -> ImageModel:
        """As `placed`, of an image model."""
        return PlacedImages(model, self._host_of(model, options), options) if _computes(model) else model

    def _host_of(self, model: Model | ImageModel, options: ModelOptions) -> Callable[[], Awaitable[Worker]]:
        async def start() -> Worker:
            assert self._connection
            ray = self._connection.ray
            actor = await asyncio.to_thread(_host, ray, model.name, str(options.path("")))
            host = Worker(actor, 0, lost=ModelUnavailable, failed=ModelUnavailable)
            try:
                await host.begin(PLACE)
            except BaseException:
                # Else it would wait for its place, and those of later tries behind it.
                await asyncio.to_thread(ray.kill, actor)
                raise
            self._actors.append(actor)
            return host

        return start

    def _enter(self) -> None:
        """Connects and asks for the workers; leaves at once if nobody waits for them any more."""
        connection = connect(self._on, max(self._wanted or 0, os.cpu_count() or 1))
        try:
            ray, number = connection.ray, self._number(connection)
            self._workers.all = [self._worker(ray, place) for place in range(number)]
        finally:
            with self._leaving:
                self._connection = connection
                if self._left:
                    self._disconnect()

    def _leave(self) -> None:
        with self._leaving:
            self._left = True
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            _kill(connection, self._actors)

    def _number(self, connection: Connection) -> int:
        there = int(connection.ray.cluster_resources().get("CPU", 0))
        wanted = self._wanted or there
        if wanted > there or not there:
            raise ClusterUnusable(
                f"{counted(wanted or 1, 'worker')} cannot be had: Ray has {counted(there, 'processor')}",
                remedy="Ask for fewer with --workers, or add machines to the cluster; each worker has a processor.",
            )
        return wanted

    def _worker(self, ray: Any, place: int) -> Worker:
        made = ray.remote(SandboxWorker).options(
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=0,
            max_concurrency=_CALLS,
            scheduling_strategy="SPREAD",
        )
        actor = made.remote()
        self._actors.append(actor)
        return Worker(actor, place, self._workers.changed, check=_check, notify=self._tell)

    async def _begun(self) -> None:
        begun = await asyncio.gather(*(worker.begin(START) for worker in self._workers.all), return_exceptions=True)
        for error in begun:
            if isinstance(error, BaseException):
                raise _no_start(error) from None

    async def _close(self) -> None:
        """Ends sandboxes and workers."""
        living = [worker for worker in self._workers.all if worker.alive]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await asyncio.gather(*(worker.ask("clear") for worker in living), return_exceptions=True)
        finally:
            for worker in self._workers.all:
                await worker.end()
            await asyncio.shield(asyncio.to_thread(self._leave))


def _host(ray: Any, name: str, folder: str) -> Any:
    """Asks Ray for a process that holds a model."""
    # No processor is asked for: the workers may have all of them.
    gpus = 1 if name.startswith("diffusers/") and ray.cluster_resources().get("GPU", 0) >= 1 else 0
    made = ray.remote(ModelHost).options(
        num_cpus=0, num_gpus=gpus, max_restarts=-1, max_task_retries=0, max_concurrency=_CALLS
    )
    return made.remote(name, folder)


def _computes(model: Model | ImageModel) -> bool:
    return isinstance(model, InProcess) and model.in_process


def _kill(connection: Connection, actors: Sequence[Any]) -> None:
    for actor in actors:
        with contextlib.suppress(Exception):  # Ray's, where it is gone already
            connection.ray.kill(actor)
    connection.close()


def _no_start(error: BaseException) -> BaseException:
    if isinstance(error, TimeoutError):
        return ClusterUnusable(
            f"Ray did not start all workers within {START:g} s",
            remedy="`ray status` shows which processors are taken; ask for fewer workers.",
        )
    if not isinstance(error, Exception) or isinstance(error, LoopwrightError):
        return error
    said = str(error)
    if "loopwright" in said and ("ModuleNotFoundError" in said or "ImportError" in said or "No module" in said):
        return ClusterUnusable("the workers cannot import Loopwright, or one of another version", remedy=_VERSIONS)
    return ClusterUnusable(f"Ray cannot start a worker: {printable_line(said.strip().rpartition(chr(10))[2])[:300]}")


def _check(facts: WorkerFacts) -> None:
    """Refuses a worker that would do something else than this machine.

    Raises:
        ClusterUnusable: It has another version of Loopwright, or no way to open a sandbox.
    """
    if facts.loopwright != __version__:
        raise ClusterUnusable(
            f"the worker on {facts.host} has Loopwright {facts.loopwright}, and this machine {__version__}",
            remedy=_VERSIONS,
        )
    if not facts.sandboxes:
        why = "; ".join(f"{name}: {problem}" for name, problem in facts.problems.items())
        raise ClusterUnusable(
            f"the worker on {facts.host} can open no sandbox: {why}",
            remedy="Run `loopwright doctor` there, which says what is missing.",
        )
