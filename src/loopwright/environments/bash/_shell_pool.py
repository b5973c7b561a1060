"""Where the shells of an environment come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from loopwright.environments._shells._fixture import Fixture
from loopwright.environments._shells._shell import Shell
from loopwright.environments._types import EnvironmentSetup

ShellRole = Literal["agent", "gold"]


@dataclass(frozen=True, slots=True)
class ShellStart:
    """What a shell starts from."""

    fixture: Fixture
    setup: str = ""
    cwd: str = "/"
    persistent: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of all commands."""


class ShellPool(Protocol):
    """Gives shells and takes them back."""

    carried: bool
    """Whether what Git does not see stays in them."""

    async def take(self, role: ShellRole, start: ShellStart) -> Shell:
        """A shell in which commands can be run.

        Raises:
            SandboxError: There is no sandbox.
            TaskError: The start cannot be made.
        """
        ...

    async def give_back(self, shell: Shell) -> None:
        """Takes a shell that is not needed any more."""
        ...


class Fresh:
    """A sandbox of its own for every shell."""

    carried = False

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup

    async def take(self, role: ShellRole, start: ShellStart) -> Shell:
        """Opens one."""
        provider = self._setup.provider
        spec = replace(self._setup.spec, env={**self._setup.spec.env, **start.env})
        return await Shell.open(
            provider, spec, start.fixture, setup=start.setup, cwd=start.cwd, persistent=start.persistent
        )

    async def give_back(self, shell: Shell) -> None:
        """Ends it."""
        await shell.close()
