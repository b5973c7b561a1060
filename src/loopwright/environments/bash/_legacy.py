"""How InterCode's own code treats a command, defects included: for comparison with published numbers."""

from __future__ import annotations

import posixpath
import re
import shlex

from loopwright.environments._persistent_shell import CommandResult
from loopwright.environments._shell import SHELL, WAIT, Shell

_MALFORMED = CommandResult(b"Malformed command", ok=False)
_NO_LOCALE = ("/usr/bin/env", "-u", "LANG")
"""As in the published containers."""


_BACKGROUND = re.compile(r"(?<![&>|<])&(?![&>\d])")
"""Something is put into the background, whose output the engine waits for a while."""


class InterCodeCrash(Exception):
    """The published code raises an error of this name here."""


async def run_legacy(shell: Shell, command: str, *, timeout: float | None) -> CommandResult:
    """Runs a command the published way.

    It is put between double quotes and split again by the rules of shells, so that double quotes inside it are lost;
    `cd` is resolved outside the shell; output that is no UTF-8 is a malformed command.

    Raises:
        InterCodeCrash: The published code raises an error.
    """
    if command.startswith("cd"):
        return await _change(shell, command)
    try:
        argv = shlex.split(f'{SHELL} -c "{command}"')
    except ValueError:
        return _MALFORMED
    if _BACKGROUND.search(argv[2]):
        argv[2] = f"trap '{WAIT}' EXIT; {argv[2]}"
    ran = await shell.run_argv([*_NO_LOCALE, *argv], timeout=timeout)
    try:
        ran.output.decode()
    except UnicodeDecodeError:
        return _MALFORMED
    return ran


async def _change(shell: Shell, command: str) -> CommandResult:
    _, found, target = command.partition("cd ")
    if not found:
        raise InterCodeCrash("ValueError")
    path = resolve(shell.cwd, target)
    place, shell.cwd = shell.cwd, "/"
    ran = await shell.run_argv(shlex.split(f'{SHELL} -c "cd {path}"'))
    shell.cwd = path if ran.ok else place
    return ran


def resolve(cwd: str, target: str) -> str:
    """Where `cd target` leads from a folder: dots and absolute paths are understood, `~`, `-` and `$` are not."""
    path = posixpath.normpath(posixpath.join(cwd, target.strip()))
    return path if path != "//" else "/"


def check_paths(entries: dict[str, str]) -> None:
    """InterCode splits the changed paths at white space, in pairs.

    Raises:
        InterCodeCrash: An odd number of words cannot be paired.
    """
    if sum(len(path.split()) + 1 for path in entries) % 2:
        raise InterCodeCrash("IndexError")
