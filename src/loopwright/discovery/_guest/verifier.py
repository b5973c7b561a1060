"""Verifies constructions: each in a process of its own, which no candidate ever ran in."""

from __future__ import annotations

import base64
import json
import math
import os
import select
import signal
import sys
import time

from loopwright.discovery._guest.construction import Invalid, read_construction
from loopwright.sandbox._guest.frames import Ended, read_frame, take_pipe, write_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 64 * 1024
_EVIDENCE = 2000
_LARGEST = 1e12
"""What a value may be at most, in the record."""
_FILE = "verifier.py"
_WAS_READ = b" "
"""Stands before what a child says of data that it could read; a blank, as the rest is JSON."""


def main() -> None:
    """Answers questions until the pipe is closed: the verifier's source, and data to verify."""
    incoming, outgoing = take_pipe()
    try:
        while True:
            answer = _verified(json.loads(read_frame(incoming)))
            write_frame(outgoing, answer[:_LONGEST])
    except Ended:
        return


def _verified(asked: dict[str, Any]) -> bytes:
    """What a child of this process says, which may take so long; what else it does has no effect here."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            data = json.dumps(_answer(asked, writing)).encode()
            while data:
                data = data[os.write(writing, data) :]
        finally:
            os._exit(0)
    os.close(writing)
    try:
        said, ended = _read(reading, time.monotonic() + asked["seconds"])
        if not ended:
            late = "it took more than" if said else "the data was not read within"
            return _failed(f"{late} {asked['seconds']:g} seconds")
        if not said:  # The problem's code was not reached, so it did not fail.
            return json.dumps({"invalid": "the data cannot be read: it takes too much memory"}).encode()
        return said if said != _WAS_READ else _failed("it ended without a result")
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read(reading: int, deadline: float) -> tuple[bytes, bool]:
    """What a child says until the deadline, and whether it had ended by then."""
    parts = b""
    while len(parts) <= _LONGEST:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return parts, False
        part = os.read(reading, _LONGEST)
        if not part:
            break
        parts += part
    return parts, True


def _answer(asked: dict[str, Any], writing: int) -> dict[str, Any]:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.setrecursionlimit(10_000)
    try:
        data = base64.b64decode(asked["data"])
        construction = read_construction(data, asked["kind"], asked["shape"], asked["largest"], asked["most"])
    except Invalid as error:
        return {"invalid": str(error)[:_EVIDENCE]}
    except Exception as error:
        return {"invalid": f"the data cannot be read: {type(error).__name__}"}
    os.write(writing, _WAS_READ)
    try:
        scope: dict[str, Any] = {"__name__": "verifier"}
        exec(compile(asked["verifier"], _FILE, "exec"), scope)  # the problem's own code, in a sandbox
        verify = scope["verify"]
    except BaseException as error:
        return {"failed": f"it cannot be loaded: {_told(error)}"}
    try:
        return _result(verify(construction))
    except ValueError as error:
        return {"invalid": str(error)[:_EVIDENCE] or "the verifier refused it"}
    except BaseException as error:
        return {"failed": f"it raised {_told(error)}"}


def _result(value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return {"failed": f"it returned {type(value).__name__}, where a number belongs"}
    number = float(value)
    if not math.isfinite(number):
        return {"failed": f"it returned {number}, where a finite number belongs"}
    if abs(number) > _LARGEST:
        return {"invalid": f"the value {number:.6g} is beyond {_LARGEST:g}"}
    return {"value": number}


def _told(error: BaseException) -> str:
    line = None
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _FILE:
            line = frame.tb_lineno
        frame = frame.tb_next
    where = f" in line {line} of the verifier" if line else ""
    return f"{type(error).__name__}: {error}"[:_EVIDENCE] + where


def _failed(why: str) -> bytes:
    return json.dumps({"failed": why}).encode()
