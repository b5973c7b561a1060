"""Other ways to call a function that executes a run: as the run's events, and waiting for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ParamSpec, TypeVar

from loopwright.errors import UserError
from loopwright.plan import spelled_as
from loopwright.runner._results import RunResult
from loopwright.store import Event

P = ParamSpec("P")
T = TypeVar("T")


class EventStream(AsyncIterator[Event]):
    """A run under way, as its events. See `astream`."""

    def __init__(self, queue: asyncio.Queue[Event | None], run: asyncio.Task[RunResult]) -> None:
        """Iterates over what `run` puts into `queue`, whose end is None."""
        self._queue = queue
        self._run = run

    async def __anext__(self) -> Event:
        """Waits for the next event; what ended the run early is raised at its end."""
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)
            self._run.result()
            raise StopAsyncIteration
        return event

    async def result(self) -> RunResult:
        """Waits for the run's end, whether or not its events were read, and says what it came to."""
        return await self._run


def streaming(
    call: Callable[P, Coroutine[Any, Any, RunResult]],
) -> Callable[P, AbstractAsyncContextManager[EventStream]]:
    """The function as `astream`, whose block reads the events; see `EventStream`."""

    @spelled_as("astream", call)
    @asynccontextmanager
    async def stream(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[EventStream]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        given: Any = kwargs.get("on_event")

        def listen(event: Event) -> None:
            queue.put_nowait(event)
            if given:
                given(event)

        kwargs["on_event"] = listen
        running = asyncio.ensure_future(call(*args, **kwargs))
        running.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            yield EventStream(queue, running)
        finally:
            running.cancel()
            await asyncio.wait([running])

    return stream


def waiting(name: str, call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The function under another name, which waits by itself."""

    @spelled_as(name, call)
    def wait(*args: P.args, **kwargs: P.kwargs) -> T:
        if _in_event_loop():
            raise UserError(
                f"loopwright.{name} cannot wait for a run inside a running event loop",
                remedy=f"Use `await loopwright.a{name}(...)`; a notebook is inside one too.",
            )
        return asyncio.run(call(*args, **kwargs))

    return wait


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
