"""Where an episode waits while its run is paused, and by which it is asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from loopwright.errors import EpisodeSkipped, Interrupted

if TYPE_CHECKING:
    from langgraph.runtime import RunControl

T = TypeVar("T")
_SKIP = "skip"


class Gate:
    """The gate of one episode, which is open to begin with. It is used in the event loop of the run alone."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._opened.set()
        self._stopped = asyncio.Event()
        self._reason = ""
        self._control: RunControl | None = None

    @property
    def control(self) -> RunControl:
        """Asks the episode's graph to stop after the node under way."""
        if self._control is None:
            from langgraph.runtime import RunControl

            self._control = RunControl()
            if self._reason:
                self._control.request_drain(self._reason)
        return self._control

    @property
    def stopping(self) -> bool:
        """Whether the episode was asked to stop."""
        return bool(self._reason)

    @property
    def skipping(self) -> bool:
        """Whether it was asked to end without a score."""
        return self._reason == _SKIP

    def close(self) -> None:
        """Lets no step and no call begin; one that was asked to stop is not kept from it."""
        if not self.stopping:
            self._opened.clear()

    def open(self) -> None:
        """Lets the episode go on."""
        self._opened.set()

    def stop(self) -> None:
        """Asks the episode to stop after the step under way, to be resumed."""
        self._ask("stop")

    def skip(self) -> None:
        """Asks the episode to end without a score after the step under way."""
        self._ask(_SKIP)

    def _ask(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self._control is not None:
            self._control.request_drain(self._reason)
        self._opened.set()
        self._stopped.set()

    async def before_step(self) -> None:
        """Waits until a step may begin.

        Raises:
            Interrupted: The episode was asked to stop.
            EpisodeSkipped: It is to be left out.
        """
        await self._opened.wait()
        if self.stopping:
            raise self.left()

    async def unless_stopped(self, wait: Awaitable[T]) -> T:
        """Waits for something, however long it takes, unless the episode is stopped meanwhile.

        Raises:
            Interrupted: The episode was asked to stop.
            EpisodeSkipped: It is to be left out.
        """
        waiting, stopped = asyncio.ensure_future(wait), asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise self.left()
        finally:
            for one in (waiting, stopped):
                one.cancel()
            await asyncio.gather(waiting, stopped, return_exceptions=True)

    async def before_call(self) -> None:
        """Waits until a model may be asked; a step that is under way finishes before its episode stops."""
        await self._opened.wait()

    def left(self) -> Interrupted | EpisodeSkipped:
        """What an episode ends by that was asked to stop."""
        if self.skipping:
            return EpisodeSkipped("skipped by hand while the run worked", remedy="`resume --retry` tries it again.")
        return Interrupted("the episode was asked to stop", remedy="Go on with `loopwright resume RUN`.")
