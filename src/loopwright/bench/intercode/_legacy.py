"""How InterCode's own code treats a command, defects included: for comparison with published numbers."""

from __future__ import annotations

import posixpath
import re
import shlex

from loopwright.environments import SHELL, WAIT, CommandResult, NothingToScore, Shell, code_block

_MALFORMED = CommandResult(b"Malformed command", ok=False)
_NO_LOCALE = ("/usr/bin/env", "-u", "LANG")
"""As in the published containers."""


_BACKGROUND = re.compile(r"(?<![&>|<])&(?![&>\d])")
"""Something is put into the background, whose output the engine waits for a while."""


class LegacyCommands:
    """Reads replies and runs commands the published way."""

    def action(self, reply: str) -> str:
        """The command in a reply: fenced ones in lower case on one line.

        A command between tildes is a recorded one, on which that was done already.
        """
        if reply.startswith("~~~\n"):
            return reply.removeprefix("~~~\n").removesuffix("\n~~~")
        block = code_block(reply)
        return reply.strip() if block is None else " ".join(block.lower().split())

    async def run(self, shell: Shell, command: str, *, timeout: float | None) -> CommandResult:
        """Runs a command.

        It is put between double quotes and split again by the rules of shells, so that double quotes inside it are
        lost; `cd` is resolved outside the shell; output that is no UTF-8 is a malformed command.

        Raises:
            NothingToScore: The published code raises an error.
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
        raise NothingToScore("(InterCode raises ValueError here)", crash="ValueError")
    path = resolve(shell.cwd, target)
    place, shell.cwd = shell.cwd, "/"
    ran = await shell.run_argv(shlex.split(f'{SHELL} -c "cd {path}"'))
    shell.cwd = path if ran.ok else place
    return ran


def resolve(cwd: str, target: str) -> str:
    """Where `cd target` leads from a folder: dots and absolute paths are understood, `~`, `-` and `$` are not."""
    path = posixpath.normpath(posixpath.join(cwd, target.strip()))
    return path if path != "//" else "/"
