"""The program in the candidate's sandbox: a fresh process of the candidate's modules for every test.

Messages in: `F` a token and files, `S` start a process, `Q` a request to it, `X` end it.
Messages out: `K` files taken, with the token, `A` an answer or a request back, `O` what was printed, `E` the process
ended: its exit code and how many processes it left behind. The candidate can write `O` and `E` as well, so both are
JSON: reading it costs the host little, whatever it says.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loopwright.sandbox._guest.frames import take_pipe, write_frame
from loopwright.verify._guest.conversation.guards import CandidateGuard
from loopwright.verify._guest.conversation.peer import Peer
from loopwright.verify._guest.conversation.values import unpack
from loopwright.verify._guest.output import Capped, stream
from loopwright.verify._guest.programs import TOKEN, in_child, loop, read_message

UNUSABLE = 71
"""Exit code of a process that could not even write its files."""


def main() -> None:
    """Serves until the pipe is closed."""
    incoming, outgoing = take_pipe()
    sys.dont_write_bytecode = True
    home = Path.cwd()
    _empty(home)  # of what an earlier program left that was killed
    known = _processes()
    files: dict[str, str] = {}
    count = 0

    def take_files(payload: bytes) -> tuple[bytes, bytes]:
        files.clear()
        files.update(unpack(payload[TOKEN:]))
        return b"K", payload[:TOKEN]

    def start(_: bytes) -> tuple[bytes, bytes]:
        nonlocal count
        count += 1
        folder = home / f"{os.getpid()}-{count}"
        code = in_child(lambda: _session(incoming, outgoing, folder, files))
        _empty(home)
        return b"E", json.dumps([code, len(_processes() - known)]).encode()

    loop(incoming, outgoing, {b"F": take_files, b"S": start})


def _session(incoming: int, outgoing: int, folder: Path, files: Mapping[str, str]) -> None:
    """The life of one process of the candidate."""
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        os.chdir(folder)
    except OSError:
        os._exit(UNUSABLE)
    sys.path.insert(0, str(folder))
    sys.argv = [""]
    printed, complained = Capped(), Capped()
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - stays open as long as the process
    sys.stdout, sys.stderr = stream(printed), stream(complained)

    def receive() -> bytes:
        kind, payload = read_message(incoming)
        if kind == b"X":
            write_frame(outgoing, b"O", json.dumps([printed.take(), complained.take()]).encode())
            os._exit(0)
        return payload

    special: dict[str, Callable[..., Any]] = {"import": importlib.import_module, "output": printed.take}
    Peer(lambda data: write_frame(outgoing, b"A", data), receive, CandidateGuard(str(folder)), special).serve()


def _processes() -> set[str]:
    return {path.name for path in Path("/proc").iterdir() if path.name.isdigit()}


def _empty(folder: Path) -> None:
    """Deletes what is in a folder, as far as it can be."""
    with contextlib.suppress(OSError, RecursionError):
        folder.chmod(0o700)
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    path.unlink()
                else:
                    _empty(path)
                    path.rmdir()
