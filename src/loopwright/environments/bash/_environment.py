"""The `bash` environment: an action is a shell command; what counts are the files and the last output."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Literal, Self

from pydantic import Field, model_validator

from loopwright.environments._scores import NothingToScore
from loopwright.environments._shells._fixture import Fixture, load_fixture
from loopwright.environments._shells._persistent import CommandResult
from loopwright.environments._shells._shell import Shell
from loopwright.environments._stateful import GoldCache, StatefulEnvironment
from loopwright.environments._types import EnvironmentSetup, Fields, ScoredFields, read_fields
from loopwright.environments.bash._commands import PlainCommands, ShellCommands, shell_commands
from loopwright.environments.bash._hidden_tests import SCRIPT, HiddenTests, RewardOutcome, run_hidden_tests
from loopwright.environments.bash._outcome import ShellOutcome, ShellState
from loopwright.environments.bash._shell_pool import Fresh, ShellPool, ShellStart
from loopwright.errors import TaskError
from loopwright.sandbox import Change, Sandbox
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Observation

_SHOWN = 2000
"""Characters of an observation: it goes into prompts."""


class BashFields(ScoredFields):
    """Public fields of an instance."""

    kind: Literal["bash"] = "bash"
    """What prompts go by."""
    fixture: str | None = None
    """A tar archive or folder that is unpacked at `/`."""
    files: Mapping[str, str] = {}
    """Absolute path to content, laid over the fixture; a text that begins with `#!` can be executed."""
    setup: str = ""
    """Commands that make further starting files; what fails in them is passed over."""
    cwd: str = "/"
    """Where the first command starts."""
    persistent: bool = False
    """Whether all commands are typed into one shell, so that variables, functions and background jobs stay."""
    timeout: float = Field(default=10.0, gt=0, le=604_800)
    """Seconds for one command."""
    env: Mapping[str, str] = {}
    """Variables of all commands."""


class BashHidden(Fields):
    """Hidden fields of an instance: `gold` or `tests`."""

    gold: str = ""
    """A command whose output and files are the right answer; it runs in a sandbox of its own, from `cwd`."""
    tests: Mapping[str, str] = {}
    """Path below `/tests` to content. `test.sh` writes a reward to `/logs/verifier/reward.txt` or `reward.json`."""
    tests_timeout: float = Field(default=600.0, gt=0, le=604_800)
    """Seconds for the tests."""
    tests_env: Mapping[str, str] = {}
    """Variables of the tests."""
    tests_image: str | None = None
    """An image of the tests' own, to which only `artifacts` are carried; `test.sh` may be part of it."""
    artifacts: tuple[str, ...] | None = None
    """Absolute paths that the tests see of what the agent left. None for all outside of the home and the folders of
    the system, such as `/usr` and `/etc`."""
    solution: Mapping[str, str] = {}
    """Path below `/solution` to content; `solve.sh` solves the task, for `validate --solutions`."""

    @model_validator(mode="after")
    def _grades(self) -> Self:
        tested = SCRIPT in self.tests or self.tests_image is not None
        if bool(self.gold) == tested:
            raise ValueError(f"a shell task is graded by `gold`, or by `tests` with a file {SCRIPT}; name one of both")
        if self.tests_image is not None and self.artifacts is None:
            raise ValueError("`tests_image` needs `artifacts`: what the tests see of the agent's files")
        return self

    def hidden_tests(self) -> HiddenTests | None:
        """The tests, where tests grade."""
        if self.gold:
            return None
        return HiddenTests(self.tests, self.tests_timeout, self.tests_env, self.artifacts, self.tests_image)


_GOLDS: GoldCache[tuple[object, ...], tuple[ShellState, bool]] = GoldCache(1024)
"""What a gold command came to last, and whether that was the same twice in a row: then it is not run again."""


class BashEnvironment(StatefulEnvironment[Shell]):
    """Runs one command after the other in one sandbox, and a gold command in another.

    `submit` ends the episode with what there is, `skip` gives up. Between commands files and the working directory
    stay; variables and background processes do so only with `persistent`.
    """

    def __init__(self, setup: EnvironmentSetup, machines: ShellPool | None = None) -> None:
        super().__init__(setup)
        self._machines = machines or Fresh(setup)
        self._fields: BashFields = BashFields()
        self._commands: ShellCommands = PlainCommands()
        self._hidden: BashHidden | None = None
        self._fixture = Fixture(b"", ())
        self._gold: asyncio.Task[ShellState] | None = None
        self._last = CommandResult(b"", ok=True)
        self._crash = ""

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: What `reset` would raise.
        """
        fields = read_fields(BashFields, instance.public, "environment")
        read_fields(BashHidden, instance.hidden, "environment.hidden")
        load_fixture(fields.fixture, fields.files)

    @staticmethod
    def forget_golds() -> None:
        """Forgets what gold commands came to, so that measurements begin alike."""
        _GOLDS.clear()

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode in a fresh sandbox with the fixture.

        Raises:
            TaskError: A field is unknown or cannot be used.
            SandboxError: There is no sandbox.
        """
        await self.close()
        self._fields = read_fields(BashFields, instance.public, "environment")
        self._hidden = read_fields(BashHidden, instance.hidden, "environment.hidden") if instance.hidden else None
        self._commands = shell_commands(legacy=self._fields.legacy)
        self._fixture = load_fixture(self._fields.fixture, self._fields.files)
        self._session = await self._machines.take("agent", self._start())
        # As published: the question is taken for the answer where no command was run.
        self._last = CommandResult(instance.goal.encode(), ok=True)
        self._begin()
        self._crash = ""
        return Observation(text=f"The working directory is {self._session.cwd}.")

    async def machine(self) -> tuple[Sandbox, str]:
        """The sandbox in which an agent acts, and where its first command starts; see `HasMachine`."""
        return self._started().sandbox, self._fields.cwd

    async def _act(self, session: Shell, command: str) -> Observation:
        if self._submits(command):
            return Observation(text=_shown(self._last), done=True)
        try:
            self._last = await self._run(session, command)
        except NothingToScore as nothing:
            self._crash = str(nothing.parts["crash"])
            return Observation(text=str(nothing), done=True)
        return Observation(text=_shown(self._last))

    async def _outcome(self) -> ShellOutcome | RewardOutcome:
        shell = self._started()
        if self._hidden and (tests := self._hidden.hidden_tests()):
            if self._skipped:
                raise NothingToScore(skipped=True)
            return await run_hidden_tests(tests, self._setup, self._start(), shell)
        gold = await self._gold_outcome()
        if self._skipped:
            raise NothingToScore(skipped=True)
        if self._crash:
            raise NothingToScore(crash=self._crash)
        try:
            changes = await shell.changes()
        except ValueError as error:  # the workload made more than anyone should look at: no right answer does
            raise NothingToScore(problem=str(error)) from None
        return ShellOutcome(_state(self._last, changes), gold, shell.tracked, self._fields.legacy)

    async def expected(self) -> str:
        """What the gold command printed for the last scores: for comparing logs, never for an agent.

        Raises:
            TaskError: There is no gold command.
            SandboxError: A sandbox failed.
        """
        return (await (self._gold or self._gold_outcome())).answer

    async def snapshot(self) -> str:
        """Stores the working directory, all files that changed, and the last output; returns the reference.

        What runs in the background, and what a persistent shell knows, is not in it.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There is more than one should be asked to look at.
        """
        about = {
            "last": {**asdict(self._last), "output": b64encode(self._last.output).decode()},
            "steps": self._steps,
            "skipped": self._skipped,
            "crash": self._crash,
        }
        return self._setup.put(json.dumps(about).encode() + b"\n" + await self._started().save())

    async def restore(self, snapshot: str) -> None:
        """Goes on from a stored state of the same task in a fresh sandbox.

        Raises:
            SandboxError: There is no sandbox.
            ValueError: The state is of another task.
        """
        head, _, state = self._setup.get(snapshot).partition(b"\n")
        about = json.loads(head)
        await self._machines.give_back(self._started())
        self._session = await self._machines.take("agent", self._start())
        await self._session.load(state)
        self._last = CommandResult(**{**about["last"], "output": b64decode(about["last"]["output"])})
        self._steps, self._skipped, self._crash = about["steps"], about["skipped"], about["crash"]

    async def close(self) -> None:
        """Ends the sandboxes; harmless when called twice."""
        gold, self._gold = self._gold, None
        if gold is not None:
            gold.cancel()
            await asyncio.gather(gold, return_exceptions=True)
        await super().close()

    def _read(self, reply: str) -> str:
        return self._commands.action(reply)

    async def _end(self, session: Shell) -> None:
        await self._machines.give_back(session)

    async def _run(self, shell: Shell, command: str) -> CommandResult:
        ran = await self._commands.run(shell, command, timeout=self._fields.timeout)
        return replace(ran, output=b"Command timed out") if ran.timed_out else ran

    async def _gold_outcome(self) -> ShellState:
        """Once an episode, in a sandbox that the agent never ran in."""
        if self._gold is None or self._machines.carried:
            self._gold = asyncio.ensure_future(self._run_gold())
        return await asyncio.shield(self._gold)

    async def _run_gold(self) -> ShellState:
        if self._hidden is None or not self._hidden.gold:
            raise TaskError("environment.hidden.gold: the task has no gold command")
        fields = self._fields.model_dump_json(exclude={"fixture", "files", "scoring"})
        place = self._setup.provider.name, self._setup.spec.image, self._setup.spec.user
        key = (*place, sha256(self._fixture.archive).digest(), fields, self._hidden.gold)
        before, same = _GOLDS.get(key, (None, False))
        if before is not None and same and not self._machines.carried:
            return before
        shell = await self._machines.take("gold", self._start())
        try:
            gold = await self._run(shell, self._hidden.gold)
            outcome = _state(gold, await shell.changes())
        except NothingToScore:
            outcome = ShellState("", {})
        finally:
            await self._machines.give_back(shell)
        _GOLDS[key] = (outcome, outcome == before)
        return outcome

    def _start(self) -> ShellStart:
        fields = self._fields
        return ShellStart(
            self._fixture, setup=fields.setup, cwd=fields.cwd, persistent=fields.persistent, env=fields.env
        )


def _state(ran: CommandResult, changes: Mapping[str, Change]) -> ShellState:
    return ShellState(ran.text, changes, ran.output, whole=not ran.cut and not ran.timed_out)


def _shown(ran: CommandResult) -> str:
    text = cut_middle(ran.text, _SHOWN)
    if ran.ok:
        return text
    return f"{text.rstrip()}\n[exit status {ran.exit_code}]" if not ran.timed_out else text
