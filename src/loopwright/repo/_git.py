"""Reads commits of repositories that somebody may have sent, with the machine's git.

Only plumbing that runs nothing is used: no hooks, no filters, no attributes, no remote. Settings of the user and of
the machine are not read; what the repository's own settings name cannot be reached from these commands.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from loopwright.archives import LARGEST
from loopwright.errors import TaskError

_SETTINGS = ("safe.directory=*", "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.bigFileThreshold=16m")
_OPTIONS = (*(word for setting in _SETTINGS for word in ("-c", setting)), "--no-pager")
_SECONDS = 120.0
_AT_ONCE = 1 << 16
_LONGEST = 1 << 24
"""Bytes that a command may print whose output is wanted whole."""
_RECORD = 4500
"""Bytes of a record: a path that a file system takes has at most 4,096."""


def git(folder: Path, *arguments: str) -> bytes:
    """What a command of git prints.

    Args:
        folder: The folder of the repository's data, such as `.git`.
        arguments: A command of its plumbing.

    Raises:
        TaskError: It fails or prints too much, or there is no git.
    """
    with reading(folder, *arguments) as output:
        found = output.read(_LONGEST + 1)
        if len(found) > _LONGEST:
            raise TaskError(f"git {arguments[0]} prints more than {_LONGEST} bytes in {folder}")
    return found


@contextmanager
def reading(folder: Path, *arguments: str, stdin: bytes = b"") -> Iterator[IO[bytes]]:
    """The output of a command of git, to be read to its end; who leaves it early by an error ends the command.

    Raises:
        TaskError: It fails or takes too long, or there is no git.
    """
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as told:
        asked.write(stdin)
        asked.seek(0)
        process = _started(folder, arguments, asked, told)
        timer = threading.Timer(_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            with process.stdout:
                yield process.stdout
            process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
        if process.returncode == -signal.SIGKILL:
            raise TaskError(f"git {arguments[0]} took more than {_SECONDS:g} s in {folder}, or memory ran out")
        if process.returncode:
            told.seek(0)
            said = told.read(4096).decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise TaskError(f"git {arguments[0]} fails in {folder}: {said[:300]}")


def records(output: IO[bytes]) -> Iterator[bytes]:
    """The parts of an output that each end with a zero byte.

    Raises:
        TaskError: One is longer than any path.
    """
    rest = b""
    while piece := output.read(_AT_ONCE):
        *whole, rest = (rest + piece).split(b"\0")
        if max(len(rest), *map(len, whole), 0) > _RECORD:
            raise TaskError(f"environment.repository: a path has more than {_RECORD} bytes")
        yield from whole


def blobs(folder: Path, names: Sequence[str]) -> Iterator[bytes]:
    """The contents of blobs, in their order.

    Raises:
        TaskError: One is missing, as in a partial clone, or they have more bytes than are taken.
    """
    left = LARGEST
    with reading(folder, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode()) as output:
        for name in names:
            heading = output.readline()
            if not heading:  # git has failed, and says why
                break
            words = heading.split()
            if len(words) != 3:
                raise TaskError(
                    f"the content {name[:12]} is missing in {folder}",
                    remedy="Fetch the whole repository: a partial or shallow clone lacks it.",
                )
            left -= int(words[2])
            if left < 0:
                raise TaskError(
                    f"environment.repository: {folder}: the files have more than {LARGEST} bytes",
                    remedy="Name folders in `leave_out`.",
                )
            yield output.read(int(words[2]))
            output.read(1)


def _started(folder: Path, arguments: Sequence[str], stdin: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    program = shutil.which("git")
    if program is None:
        raise TaskError(
            "there is no git on this machine, which reads commits",
            remedy="Install git, or give the files of the commit as an archive: `git archive -o base.tar.gz COMMIT`.",
        )
    return subprocess.Popen(
        [program, *_OPTIONS, "--git-dir", str(folder), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=_environment(),
        cwd="/",
    )


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
