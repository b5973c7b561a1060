"""What both programs do alike: answer messages, and make a process for every test."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from loopwright.sandbox._guest.frames import Ended, read_frame, write_frame

TOKEN = 8
"""Bytes that stand before what a program is set up with, and come back when that is done."""


def read_message(fd: int) -> tuple[bytes, bytes]:
    """The kind and the payload of the next message, as `write_frame(fd, kind, payload)` sends it.

    Raises:
        Ended: The pipe is closed.
    """
    body = read_frame(fd)
    return body[:1], body[1:]


def in_child(work: Callable[[], None]) -> int:
    """Runs in a process group of its own, ended together; returns the exit code, minus the signal's number."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            work()
        except Ended:
            pass
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(70)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status)


def loop(incoming: int, outgoing: int, handlers: dict[bytes, Callable[[bytes], tuple[bytes, bytes]]]) -> None:
    """Answers every message with the one that its handler returns, until the pipe is closed."""
    try:
        while True:
            kind, payload = read_message(incoming)
            write_frame(outgoing, *handlers[kind](payload))
    except Ended:
        return
