"""Gives a command to a run."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

from pydantic import ValidationError

from loopwright.control._address import SOCKET, opened_folder, peer, socket_path
from loopwright.control._messages import LARGEST_REPLY, ControlReply, ControlRequest
from loopwright.errors import UserError

_PATIENCE = 15.0
"""Seconds that a run may take to answer."""


def ask(folder: Path, request: ControlRequest) -> ControlReply:
    """Sends a request to the process that works on a run, and waits for its reply.

    Args:
        folder: The run's folder, which somebody may have sent: only a socket of this user's, behind which a process of
            this user's listens, is spoken to.
        request: The command.

    Raises:
        UserError: No process works on the run, it does not answer, or what is in the folder is not a socket of its own.
    """
    try:
        with opened_folder(folder) as opened:
            _refuse_others(folder, opened)
            return _asked(folder, opened, request)
    except FileNotFoundError:
        raise _not_running(folder) from None
    except ConnectionRefusedError:
        raise UserError(
            f"no process works on the run in {folder}: its socket was left behind by one that was killed",
            remedy=f"Go on with the run: `loopwright resume {folder}`, which replaces the socket.",
        ) from None
    except TimeoutError:
        raise UserError(
            f"the process that works on the run in {folder} did not answer in {_PATIENCE:g} s",
            remedy="Try again; if it stays like this, code of the task blocks the process.",
        ) from None
    except OSError as error:
        raise UserError(f"the run in {folder} cannot be reached: {error.strerror or error}") from None


def _refuse_others(folder: Path, opened: int) -> None:
    there = os.stat(SOCKET, dir_fd=opened, follow_symlinks=False)
    if not stat.S_ISSOCK(there.st_mode):
        raise UserError(
            f"{folder / SOCKET} is no socket", remedy="The run did not make it: take it away, and do not trust it."
        )
    if there.st_uid != os.geteuid() and os.geteuid() != 0:
        raise UserError(
            f"{folder / SOCKET} belongs to another user",
            remedy="Only who started a run can steer it.",
        )


def _asked(folder: Path, opened: int, request: ControlRequest) -> ControlReply:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(socket_path(opened))
        if os.geteuid() not in (0, peer(connection)):
            raise UserError(
                f"a process of another user listens at {folder / SOCKET}", remedy="Only who started a run can steer it."
            )
        connection.sendall(request.line())
        line = _line(connection)
    try:
        return ControlReply.model_validate_json(line)
    except ValidationError:
        raise UserError(
            f"what listens at {folder / SOCKET} does not answer as a run does",
            remedy="Use the loopwright that the run was started with.",
        ) from None


def _line(connection: socket.socket) -> bytes:
    """The reply, within the patience for all of it: one that trickles in would hold this process for days."""
    read, end = bytearray(), time.monotonic() + _PATIENCE
    while not read.endswith(b"\n") and len(read) <= LARGEST_REPLY:
        if (left := end - time.monotonic()) <= 0:
            raise TimeoutError
        connection.settimeout(left)
        if not (part := connection.recv(65536)):
            break
        read += part
    return bytes(read)


def _not_running(folder: Path) -> UserError:
    return UserError(
        f"no process works on the run in {folder}, or it cannot be steered",
        remedy=f"If the run was interrupted, go on with it: `loopwright resume {folder}`.",
    )
