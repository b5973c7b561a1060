"""A process that works on a run and answers every command alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopwright.control import ControlReply, ControlRequest, ControlServer, RunStatus


@contextmanager
def asking(folder: Path, status: RunStatus, *, told: str, remedy: str = "") -> Iterator[None]:
    """Listens at the run's socket.

    Args:
        folder: The run's.
        status: What it says of the run, with the questions that wait.
        told: What it answers.
        remedy: Likewise.
    """

    def handle(request: ControlRequest) -> ControlReply:
        return ControlReply(done=True, told=told, remedy=remedy, status=status)

    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with ControlServer(folder, handle, print):
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join()
