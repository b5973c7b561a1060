"""The socket of a run: listens in the run's folder, takes one command a connection, and answers it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from loopwright.control._address import SOCKET, opened_folder, peer, socket_path
from loopwright.control._messages import LARGEST_REQUEST, ControlReply, ControlRequest
from loopwright.errors import LoopwrightError
from loopwright.secrets import scrub

_PATIENCE = 10.0
"""Seconds in which a request must be there, and its reply taken."""
_CONNECTIONS = 16
"""At the same time, at most; others are closed at once."""

_log = logging.getLogger(__name__)

Handle = Callable[[ControlRequest], ControlReply]
"""Does what a request says, at once, in the event loop of the run."""


class ControlServer:
    """Listens for commands as long as the context lasts. A run that cannot be controlled goes on all the same.

    Args:
        folder: The run's folder, whose lock this process holds: what listens there belongs to no other process.
        handle: Does what a request says; what it raises of `loopwright.errors` is the reply.
        tell: Called with what the user should know of the socket.
    """

    def __init__(self, folder: Path, handle: Handle, tell: Callable[[str], None]) -> None:
        self._folder, self._handle, self._tell = folder, handle, tell
        self._server: asyncio.Server | None = None
        self._own: tuple[int, int] | None = None
        self._open = 0

    async def __aenter__(self) -> Self:
        try:
            with opened_folder(self._folder) as folder:
                self._clear(folder)
                listener = self._bound(folder)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LARGEST_REQUEST)
        except OSError as error:
            why = error.strerror or str(error)
            self._tell(f"`loopwright ctl` cannot reach this run: no socket in {self._folder}: {why}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(OSError), opened_folder(self._folder) as folder:
            now = os.stat(SOCKET, dir_fd=folder, follow_symlinks=False)
            if (now.st_dev, now.st_ino) == self._own:
                os.unlink(SOCKET, dir_fd=folder)

    def _clear(self, folder: int) -> None:
        """Takes away a socket that a process left behind that was killed, or a link in its place."""
        try:
            there = os.stat(SOCKET, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not (stat.S_ISSOCK(there.st_mode) or stat.S_ISLNK(there.st_mode)):
            raise OSError(0, f"{SOCKET} there is no socket; take it away")
        os.unlink(SOCKET, dir_fd=folder)
        self._tell(f"the socket in {self._folder} was left behind by a process that was killed; it is replaced")

    def _bound(self, folder: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            path = socket_path(folder)
            listener.bind(path)
            # Nobody can connect before somebody listens, so the rights are in time.
            Path(path).chmod(0o600)
            made = os.stat(SOCKET, dir_fd=folder, follow_symlinks=False)
            self._own = (made.st_dev, made.st_ino)
            listener.listen(_CONNECTIONS)
        except BaseException:
            listener.close()
            raise
        return listener

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _CONNECTIONS and peer(writer.get_extra_info("socket")) in (os.geteuid(), 0):
                async with asyncio.timeout(_PATIENCE):
                    reply = self._answer(await reader.readline())
                    writer.write(reply.line())
                    await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # Whoever asked is gone, says nothing, or too much for a line.
        finally:
            self._open -= 1
            writer.close()

    def _answer(self, line: bytes) -> ControlReply:
        try:
            request = ControlRequest.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return ControlReply(
                done=False,
                told=f"this is no command that the run knows: {place}: {first['msg']}",
                remedy="Use the loopwright that the run was started with.",
            )
        try:
            return self._handle(request)
        except LoopwrightError as error:
            return ControlReply(done=False, told=scrub(str(error.args[0])), remedy=scrub(error.remedy))
        except Exception:
            _log.exception("a command to the run in %s failed", self._folder)
            return ControlReply(done=False, told="the command failed by a defect, and the run goes on: see its log")
