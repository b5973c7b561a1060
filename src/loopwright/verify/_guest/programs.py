"""What both programs do alike: take the pipe for themselves and make a process for every test."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from .wire import Ended, read_frame, write_frame


def take_pipe() -> tuple[int, int]:
    """Moves the pipe away from stdin and stdout, where anything that runs here could disturb it."""
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return incoming, outgoing


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
    """Answers every frame with the frame its handler returns, until the pipe is closed."""
    try:
        while True:
            kind, payload = read_frame(incoming)
            write_frame(outgoing, *handlers[kind](payload))
    except Ended:
        return
