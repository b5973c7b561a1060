"""How replies are read and commands are run: as they are written, or as published code does it."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Protocol

from loopwright.environments._actions import action_of
from loopwright.environments._shells._persistent import CommandResult
from loopwright.environments._shells._shell import Shell

_LEGACY = "loopwright.bench.intercode:LegacyCommands"
"""Followed on first use."""


class ShellCommands(Protocol):
    """Reads replies and runs commands."""

    def action(self, reply: str) -> str:
        """The command in a reply."""
        ...

    async def run(self, shell: Shell, command: str, *, timeout: float | None) -> CommandResult:
        """Runs a command.

        Raises:
            NothingToScore: The published code raises an error here, which ends the episode; `crash` of its parts is
                the name of that error.
            SandboxLost: The sandbox is gone.
        """
        ...


class PlainCommands:
    """Commands as they are written."""

    def action(self, reply: str) -> str:
        """The command in a reply."""
        return action_of(reply, "shell")

    async def run(self, shell: Shell, command: str, *, timeout: float | None) -> CommandResult:
        """Runs a command in the shell."""
        return await shell.run(command, timeout=timeout)


def shell_commands(*, legacy: bool) -> ShellCommands:
    """What reads replies and runs commands."""
    commands: ShellCommands = resolve_name(_LEGACY)() if legacy else PlainCommands()
    return commands
