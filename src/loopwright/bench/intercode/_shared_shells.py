"""The machines of the published experiments: shells that are carried from one episode to the next."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import datetime

from loopwright.bench.intercode._git_status import GITIGNORE
from loopwright.environments import SHELL, EnvironmentSetup, Shell, ShellRole, ShellStart
from loopwright.errors import TaskError

_COMMIT = (
    f"cd / && printf '%s\\n' {GITIGNORE} > .gitignore && git init -q . && "
    "printf '/work\\n/.loopwright\\n' > .git/info/exclude && git add -A && "
    "git -c user.name=fixture -c user.email=fixture@localhost commit -q -m fixture"
)
_PUT_BACK = "cd / && git reset -q --hard && git clean -qfd 2>/dev/null; git status --porcelain"
"""`git clean` says that it cannot remove what something is mounted on."""
_LOGS = "find /var/log -type f -newer /var/log/bootstrap.log -exec touch -d @{} {{}} +"
"""Logs that building the image left, as old as the container; that of its base is older."""


class SharedShells:
    """One sandbox for all commands of agents and one for all gold commands, as the published experiments had them.

    Git puts back the files that it tracks before every use. Times of files, permissions, ignored folders and what is
    kept in them stay as they were left, so what a task comes to depends on those before it. Needs root and an image
    with Git, for `sandbox.user: root`.
    """

    carried = True

    def __init__(self, setup: EnvironmentSetup, built: datetime | None = None, run: datetime | None = None) -> None:
        self._setup = setup
        self._built = built
        self._run = run
        self._shells: dict[ShellRole, Shell] = {}

    async def take(self, role: ShellRole, start: ShellStart) -> Shell:
        """The role's shell with all tracked files put back.

        Raises:
            SandboxError: There is no sandbox.
            TaskError: The image has no Git.
        """
        shell = self._shells[role] = self._shells.get(role) or await self._opened(start)
        shell.cwd = "/"
        left = await shell.run_argv([SHELL, "-c", _PUT_BACK])
        if not left.ok or left.output:
            raise TaskError(f"Git cannot put files back: {left.text[:300]}", remedy="Use an image with Git, as root.")
        shell.cwd = start.cwd
        return shell

    async def give_back(self, shell: Shell) -> None:
        """Keeps it."""

    async def close(self) -> None:
        """Ends the sandboxes."""
        for shell in self._shells.values():
            await shell.close()
        self._shells.clear()

    async def _opened(self, start: ShellStart) -> Shell:
        # As in the published containers: each has a name of its own, and variables of the image's recipe.
        env = {"HOME": "/root", "HOSTNAME": secrets.token_hex(6), **self._setup.spec.env}
        fixture, setup = start.fixture, start.setup
        if self._built and self._run:
            fixture = fixture.aged(built=self._built.timestamp(), seen=self._run.timestamp())
            age = self._run.timestamp() - self._built.timestamp()
            setup = f"{setup}\n{_LOGS.format(int(time.time() - age))}"
        spec = replace(self._setup.spec, env=env)
        return await Shell.open(self._setup.provider, spec, fixture, setup=f"{setup}\n{_COMMIT}", cwd="/")
