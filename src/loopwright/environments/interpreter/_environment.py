"""The `interpreter` environment: an action is Python code; what counts is the function that is submitted by name."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from loopwright.environments._actions import submission
from loopwright.environments._scores import NothingToScore
from loopwright.environments._stateful import StatefulEnvironment
from loopwright.environments._types import EnvironmentSetup, Fields, ScoredFields, read_fields
from loopwright.environments.interpreter._functions import first_definition, last_definition, submitted_name
from loopwright.environments.interpreter._interpreter import Interpreter
from loopwright.environments.interpreter._outcome import FunctionOutcome
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Observation

_SHOWN = 2000


class InterpreterFields(ScoredFields):
    """Public fields of an instance."""

    kind: Literal["interpreter"] = "interpreter"
    """What prompts go by."""
    timeout: float = Field(default=30.0, gt=0, le=604_800)
    """Seconds for one action, and for one test."""


class InterpreterHidden(Fields):
    """Hidden fields of an instance."""

    gold: str
    """Code of the right answer."""
    tests: tuple[str, ...]
    """Statements, each an assertion on the function."""
    preparation: str = ""
    """Code that runs before the tests."""


class InterpreterEnvironment(StatefulEnvironment[Interpreter]):
    """Runs code in a Python interpreter that keeps its names, in a sandbox.

    `submit NAME` ends the episode with a function. The tests must pass on a module of all actions that ran without an
    error, in sandboxes of their own, where tests and module share no process.
    """

    _language = "python"

    def __init__(self, setup: EnvironmentSetup) -> None:
        super().__init__(setup)
        self._fields: InterpreterFields = InterpreterFields()
        self._hidden: InterpreterHidden | None = None
        self._actions: list[str] = []
        self._program: list[str] = []
        """The actions that ran without an error."""
        self._name: str | None = None

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: What `reset` would raise.
        """
        read_fields(InterpreterFields, instance.public, "environment")
        read_fields(InterpreterHidden, instance.hidden, "environment.hidden")

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode in a fresh interpreter.

        Raises:
            TaskError: A field is unknown or cannot be used.
            SandboxError: There is no sandbox.
        """
        await self.close()
        self._fields = read_fields(InterpreterFields, instance.public, "environment")
        hidden = instance.hidden
        self._hidden = read_fields(InterpreterHidden, hidden, "environment.hidden") if hidden else None
        self._session = await Interpreter.open(self._setup)
        self._begin()
        self._actions, self._program, self._name = [], [], None
        return Observation(text="Python.")

    async def _act(self, session: Interpreter, command: str) -> Observation:
        if self._fields.legacy and (command == "submit" or command.startswith("submit ")):
            self._name = [*command.split(), ""][1] or self._name
            return Observation(text=f"submitted {self._name or 'nothing'}", done=True)
        if not self._fields.legacy and (said := submission(command)) is not None:
            self._name = submitted_name(said, self._actions) or self._name
            return Observation(text=f"submitted {self._name or 'nothing'}", done=True)
        output, error, failed = await session.run(command, self._fields.timeout)
        self._actions.append(command)
        if not failed:
            self._program.append(command)
            self._name = last_definition(command) or self._name
        if self._fields.legacy:
            if command.startswith("def "):
                # The published experiments submit whatever begins so, though it could not be executed.
                self._name = first_definition(command) or self._name
            return Observation(text=str({"error": error} if failed else {"output": output, "error": error}))
        return Observation(text=cut_middle("\n".join(part for part in (output, error) if part), _SHOWN))

    async def _outcome(self) -> FunctionOutcome:
        interpreter, hidden = self._started(), self._hidden
        if hidden is None:
            raise TaskError("environment.hidden.tests: the task has no tests")
        if self._skipped or self._name is None:
            raise NothingToScore(submitted=None)
        return FunctionOutcome(
            name=self._name,
            actions=tuple(self._program),
            gold=hidden.gold,
            tests=hidden.tests,
            preparation=hidden.preparation,
            interpreter=interpreter,
            setup=self._setup,
            timeout=self._fields.timeout,
            legacy=self._fields.legacy,
        )

    async def snapshot(self) -> str:
        """Stores all actions so far and what was submitted; returns the reference."""
        about = {
            "actions": self._actions,
            "program": self._program,
            "name": self._name,
            "steps": self._steps,
            "skipped": self._skipped,
        }
        return self._setup.put(json.dumps(about).encode())

    async def restore(self, snapshot: str) -> None:
        """Runs the actions of a snapshot again, in a fresh interpreter.

        So the time and random numbers are others than they were.

        Raises:
            SandboxError: There is no sandbox.
        """
        about = json.loads(self._setup.get(snapshot))
        await self.close()
        self._session = await Interpreter.open(self._setup)
        for code in about["actions"]:
            await self._session.run(code, self._fields.timeout)
        self._actions, self._program = about["actions"], about["program"]
        self._name, self._steps, self._skipped = about["name"], about["steps"], about["skipped"]
