"""Sends notices while a run works, and keeps whatever goes wrong with them away from the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from loopwright.notify._notice import Notice
from loopwright.notify._targets import NotDelivered, Target

_WAITING = 20
"""Notices that wait for a target, at most; those of the end are always sent."""
_AT_THE_END = 30.0
"""Seconds that the end of a run waits for its notices, at most."""

_log = logging.getLogger(__name__)


class Notifier:
    """Sends each notice to every target, one after the other, beside the run. What fails is told once for a target.

    Args:
        targets: Where notices go.
        tell: Called with what went wrong.
    """

    def __init__(self, targets: Sequence[Target], tell: Callable[[str], None]) -> None:
        self._targets, self._tell = targets, tell
        self._queues: list[asyncio.Queue[Notice | None]] = []
        self._workers: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for target in self._targets:
            queue: asyncio.Queue[Notice | None] = asyncio.Queue()
            self._queues.append(queue)
            self._workers.append(asyncio.create_task(self._work(target, queue)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not isinstance(error, asyncio.CancelledError) and self._workers:
                # What was put by other threads comes first.
                await asyncio.sleep(0)
                for queue in self._queues:
                    queue.put_nowait(None)
                await asyncio.wait(self._workers, timeout=_AT_THE_END)
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    def send(self, notice: Notice) -> None:
        """Sends a notice some time; safe from other threads."""
        if self._loop is not None and self._targets:
            self._loop.call_soon_threadsafe(self._put, notice)

    def _put(self, notice: Notice) -> None:
        for queue in self._queues:
            if queue.qsize() < _WAITING or notice.kind == "finished":
                queue.put_nowait(notice)

    async def _work(self, target: Target, queue: asyncio.Queue[Notice | None]) -> None:
        told = False
        while (notice := await queue.get()) is not None:
            why = ""
            try:
                await target.deliver(notice.body())
            except NotDelivered as error:
                why = str(error)
            except Exception as error:
                _log.exception("a notice could not be sent")
                why = type(error).__name__
            if why and not told:
                told = True
                self._tell(f"a notice did not reach {target.name}: {why}; the run goes on, and this is told once")
