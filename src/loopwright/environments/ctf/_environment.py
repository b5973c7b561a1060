"""The `ctf` environment: a shell in the folder of one task's own files; what counts is the flag."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import ClassVar, Literal

from pydantic import Field

from loopwright.environments._actions import submission
from loopwright.environments._scores import Score
from loopwright.environments._shells._fixture import Fixture, load_fixture
from loopwright.environments._shells._shell import Shell
from loopwright.environments._stateful import StatefulEnvironment
from loopwright.environments._types import EnvironmentSetup, Fields, ScoredFields, read_fields
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Observation

_SHOWN = 2000
_LABEL = re.compile(r"^(?:the )?flag(?: is\b|\s*[:=])\s*", re.IGNORECASE)
_BRACES = re.compile(r"[^\s{}]{1,64}\{[^{}]*\}")


class CtfFields(ScoredFields):
    """Public fields of an instance."""

    kind: Literal["ctf"] = "ctf"
    """What prompts go by."""
    assets: str | None = None
    """Folder or tar archive of this task's files alone, which appear in `folder`."""
    files: Mapping[str, str] = {}
    """Absolute path to content, beside the assets."""
    folder: str = "/ctf"
    """Where the assets lie and commands start."""
    setup: str = ""
    """Commands that run before the episode."""
    timeout: float = Field(default=10.0, gt=0, le=604_800)
    """Seconds for one command."""


class CtfHidden(Fields):
    """Hidden fields of an instance."""

    gold: str
    """The flag, one line; it never enters a sandbox."""


@dataclass(frozen=True, slots=True)
class FlagOutcome:
    """What was submitted, and the flag."""

    flag: str
    """What the agent submitted last; empty where it submitted nothing."""
    gold: str
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """1 where it is the flag, letter by letter."""
        return Score(float(self.flag == self.gold), {"submitted": self.flag})


class CtfEnvironment(StatefulEnvironment[Shell]):
    """Runs commands; `submit FLAG` ends the episode with a flag, which the host compares."""

    _language = "shell"

    def __init__(self, setup: EnvironmentSetup) -> None:
        super().__init__(setup)
        self._fields: CtfFields = CtfFields()
        self._hidden: CtfHidden | None = None
        self._flag = ""

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: What `reset` would raise.
        """
        fields = read_fields(CtfFields, instance.public, "environment")
        _fixture_of(fields)
        _hidden_of(instance, fields)

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode in a fresh sandbox with the task's files.

        Raises:
            TaskError: A field is unknown or cannot be used.
            SandboxError: There is no sandbox.
        """
        await self.close()
        fields = self._fields = read_fields(CtfFields, instance.public, "environment")
        self._hidden = _hidden_of(instance, fields) if instance.hidden else None
        self._session = await self._opened()
        self._begin()
        self._flag = ""
        return Observation(text=f"The working directory is {fields.folder}.")

    async def _act(self, session: Shell, command: str) -> Observation:
        self._flag = ""
        said = _as_published(command) if self._fields.legacy else submission(command)
        if said is not None:
            self._flag = said
            return Observation(text=f"submitted {self._flag}", done=True)
        ran = await session.run(command, timeout=self._fields.timeout)
        if ran.timed_out:
            return Observation(text="Command timed out")
        text = cut_middle(ran.text, _SHOWN)
        return Observation(text=text if ran.ok else f"{text.rstrip()}\n[exit status {ran.exit_code}]")

    async def _outcome(self) -> FlagOutcome:
        if self._hidden is None:
            raise TaskError("environment.hidden.gold: the task has no flag")
        gold = self._hidden.gold
        means_it = not self._fields.legacy and _submitted(gold) in _readings(self._flag)
        return FlagOutcome(gold if means_it else self._flag, gold)

    async def snapshot(self) -> str:
        """Stores the working directory, all files that changed, and the last flag; returns the reference.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: There is more than one should be asked to look at.
        """
        about = {"flag": self._flag, "steps": self._steps}
        return self._setup.put(json.dumps(about).encode() + b"\n" + await self._started().save())

    async def restore(self, snapshot: str) -> None:
        """Goes on from a stored state of the same task in a fresh sandbox.

        Raises:
            SandboxError: There is no sandbox.
            ValueError: The state is of another task.
        """
        head, _, state = self._setup.get(snapshot).partition(b"\n")
        about = json.loads(head)
        await self._started().close()
        self._session = await self._opened()
        await self._session.load(state)
        self._flag, self._steps = about["flag"], about["steps"]

    def _skip(self) -> None:
        self._flag = ""

    async def _opened(self) -> Shell:
        fields = self._fields
        provider, spec = self._setup.provider, self._setup.spec
        setup = f"cd -- {quote(fields.folder)} && {fields.setup}" if fields.setup else ""
        return await Shell.open(provider, spec, _fixture_of(fields), setup=setup, cwd=fields.folder)


def _hidden_of(instance: Instance, fields: CtfFields) -> CtfHidden:
    hidden = read_fields(CtfHidden, instance.hidden, "environment.hidden")
    if not fields.legacy and not _submitted(hidden.gold):
        raise TaskError(
            f"environment.hidden.gold: nobody can submit this flag: {cut_middle(hidden.gold, 80)!r}",
            remedy="Write a flag of one line with a letter or a digit, such as `flag{...}`.",
        )
    return hidden


def _submitted(gold: str) -> str:
    """What is read of a submission of the flag alone, such as one in brackets or with a line break; else empty."""
    return submission(f"submit {gold}") or ""


def _readings(said: str) -> list[str]:
    """The flags that words can mean: all of them, the first, what ends in a brace, or what follows `flag:`."""
    whole = _LABEL.sub("", said)
    return [said, whole, whole.rstrip(".!"), *whole.split()[:1], *_BRACES.findall(whole)[:1]]


def _as_published(command: str) -> str | None:
    """What stands after exactly one blank; None where the action submits nothing."""
    return [*command.split(" "), ""][1] if command == "submit" or command.startswith("submit ") else None


def _fixture_of(fields: CtfFields) -> Fixture:
    return load_fixture(fields.assets, fields.files, at=fields.folder)
