"""Reads commits of repositories that somebody may have sent, with the machine's git.

Only plumbing that runs nothing is used: no hooks, no filters, no attributes, no remote. Settings of the user and of
the machine are not read; what the repository's own settings name cannot be reached from these commands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from loopwright.errors import TaskError

_OPTIONS = ("-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "--no-pager")
_SECONDS = 120.0


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What a command of git prints.

    Args:
        folder: The folder of the repository's data, such as `.git`.
        arguments: A command of its plumbing.
        stdin: What it reads.

    Raises:
        TaskError: It fails, or there is no git.
    """
    with _started(folder, arguments) as process:
        try:
            output, errors = process.communicate(stdin, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise TaskError(f"git {arguments[0]} took more than {_SECONDS:g} s in {folder}") from None
    if process.returncode:
        said = errors.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise TaskError(f"git {arguments[0]} fails in {folder}: {said[:300]}")
    return output


def blobs(folder: Path, names: Sequence[str]) -> Iterator[bytes]:
    """The contents of blobs, in their order.

    Raises:
        TaskError: One is missing, as in a partial clone.
    """
    output = memoryview(git(folder, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode()))
    at = 0
    for name in names:
        end = at + bytes(output[at : at + 200]).index(b"\n")
        words = bytes(output[at:end]).split()
        if len(words) != 3:
            raise TaskError(
                f"the content {name[:12]} is missing in {folder}",
                remedy="Fetch the whole repository: a partial or shallow clone lacks it.",
            )
        at = end + 1 + int(words[2]) + 1
        yield bytes(output[end + 1 : at - 1])


def _started(folder: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    program = shutil.which("git")
    if program is None:
        raise TaskError(
            "there is no git on this machine, which reads commits",
            remedy="Install git, or give the files of the commit as an archive: `git archive -o base.tar.gz COMMIT`.",
        )
    return subprocess.Popen(
        [program, *_OPTIONS, "--git-dir", str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
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
