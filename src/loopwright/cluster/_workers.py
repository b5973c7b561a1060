"""The workers of a run, and which one gets what is opened next."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping

from loopwright.cluster._driver import Worker
from loopwright.errors import SandboxError, SandboxUnavailable

_AGAIN = 30.0
"""Seconds after which a worker that could open no sandbox is asked like the others again."""


class Workers:
    """The workers of a run, of which the least loaded one is chosen."""

    def __init__(self) -> None:
        self.all: list[Worker] = []
        self._turn = 0
        self._news = asyncio.Event()

    def changed(self) -> None:
        """A worker is gone, or is there again."""
        self._news.set()

    def least_loaded(self, without: set[Worker], unlikely: Callable[[Worker], bool]) -> Worker | None:
        """The one with the fewest sandboxes of those that live; the one that waited longest of equals.

        Args:
            without: Workers that are left out.
            unlikely: Says of a worker that it comes last.
        """
        found = [worker for worker in self.all if worker.alive and worker not in without]
        if not found:
            return None
        worker = min(found, key=lambda one: (unlikely(one), len(one.held), one.used))
        self._turn += 1
        worker.used = self._turn
        return worker

    async def until_some_live(self, patience: float, without: Collection[Worker] = ()) -> bool:
        """Waits until a worker lives that is not left out; says whether one does."""

        def lives() -> bool:
            return any(worker.alive and worker not in without for worker in self.all)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not lives():
                    self._news.clear()
                    await self._news.wait()
        return lives()

    def none_lives(self, patience: float) -> SandboxUnavailable:
        """The error where no worker came back within so many seconds."""
        why = next((f": {worker.refused}" for worker in self.all if worker.refused), "")
        return SandboxUnavailable(
            f"no worker lives, and none came back within {patience:g} s{why}",
            remedy="Look at the machines and at `ray status`, then resume.",
        )


class Choice:
    """Which worker opens the next sandboxes of a provider."""

    def __init__(self, workers: Workers, name: str, patience: float) -> None:
        """Chooses among workers.

        Args:
            workers: Those of the run.
            name: The provider, `docker` or `bubblewrap`.
            patience: Seconds to wait for a worker where none lives.
        """
        self._workers = workers
        self._name = name
        self._patience = patience
        self._refused: dict[Worker, float] = {}
        """Workers that could open none, and since when."""

    async def best(self, refused: Mapping[Worker, SandboxError]) -> Worker:
        """The least loaded worker of those that have the provider and did not refuse this time.

        Raises:
            SandboxError: All that live refused, or none lives.
        """
        while True:
            lacking = [worker for worker in self._workers.all if self._lacks(worker)]
            worker = self._workers.least_loaded({*refused, *lacking}, self._refused_lately)
            if worker is not None:
                return worker
            if refused:
                raise next(iter(refused.values()))
            if not await self._workers.until_some_live(self._patience, lacking):
                raise self._workers.none_lives(self._patience)

    def refused(self, worker: Worker) -> None:
        """It could open none: it comes last for a while."""
        self._refused[worker] = time.monotonic()

    def _lacks(self, worker: Worker) -> bool:
        """Whether a worker has no such provider, by what it said when it was started."""
        return worker.facts is not None and self._name not in worker.facts.sandboxes

    def _refused_lately(self, worker: Worker) -> bool:
        return time.monotonic() - self._refused.get(worker, -_AGAIN) < _AGAIN
