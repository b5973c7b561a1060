"""The `interpreter` environment: an action is Python code; what counts is the function that is submitted by name."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Sequence
from typing import Literal

from loopwright.candidate import Candidate
from loopwright.environments._instance_fields import Fields, read_fields
from loopwright.environments._json_lines import JsonLineClient, Silent
from loopwright.environments._scores import Rule, Scores
from loopwright.environments._stateful import GoldCache, StatefulEnvironment
from loopwright.environments._types import EnvironmentSetup
from loopwright.environments.interpreter._functions import first_definition, last_definition, tested_name
from loopwright.errors import TaskError
from loopwright.sandbox import Sandbox
from loopwright.task import Instance
from loopwright.text import cut_middle
from loopwright.types import Observation
from loopwright.verify import TestVerifier

_SHOWN = 2000
_ENTRY = "solution.py"

_Reply = tuple[str, str]
_GOLDS: GoldCache[tuple[str, str, tuple[str, ...]], tuple[_Reply, ...]] = GoldCache(4096)
"""What the tests say of gold code, by code, preparation and tests."""


class InterpreterFields(Fields):
    """Public fields of an instance."""

    kind: Literal["interpreter"] = "interpreter"
    """What prompts go by."""
    timeout: float = 30.0
    """Seconds for one action, and for one test."""
    scoring: Rule = "exact"
    """The rule that decides; the record holds the scores by both."""
    legacy: bool = False
    """Whether the defects of the published code are kept: names found by its expression, the gold loaded after a
    submission."""


class InterpreterHidden(Fields):
    """Hidden fields of an instance."""

    gold: str
    """Code of the right answer."""
    tests: tuple[str, ...]
    """Statements, each an assertion on the function."""
    preparation: str = ""
    """Code that runs before the tests."""


class _Session:
    """An interpreter in a sandbox."""

    def __init__(self, sandbox: Sandbox, dialogue: JsonLineClient) -> None:
        self._sandbox = sandbox
        self._dialogue = dialogue

    @classmethod
    async def open(cls, setup: EnvironmentSetup) -> _Session:
        """Opens a sandbox and starts the interpreter in it."""
        sandbox = await setup.provider.open(setup.spec)
        try:
            return cls(sandbox, await JsonLineClient.start(sandbox, "interpreter"))
        except BaseException:
            await sandbox.close()
            raise

    async def run(self, code: str, seconds: float, alias: Sequence[str] = ()) -> tuple[str, str, bool]:
        """Runs code; returns output, error, and whether it failed. After a time-out the interpreter is a new one."""
        try:
            answer = await self._dialogue.ask({"code": code, "alias": list(alias)}, timeout=seconds)
        except Silent as silence:
            await self.renew()
            return "", f"Error: {silence}; the interpreter begins anew", True
        return str(answer.get("output", "")), str(answer.get("error", "")), bool(answer.get("failed"))

    async def renew(self) -> None:
        """Begins anew without any names."""
        self._dialogue = await JsonLineClient.start(self._sandbox, "interpreter")

    async def alias(self, new: str, old: str, seconds: float) -> None:
        """Gives a function another name."""
        await self.run("", seconds, (new, old))

    async def replies(self, preparation: str, code: str, tests: Sequence[str], seconds: float) -> tuple[_Reply, ...]:
        """What each test says, after the preparation and the code."""
        for part in (preparation, code):
            if part:
                await self.run(part, seconds)
        return tuple([(await self.run(test, seconds))[:2] for test in tests])

    async def close(self) -> None:
        """Ends the sandbox."""
        await asyncio.shield(self._sandbox.close())


class InterpreterEnvironment(StatefulEnvironment[_Session]):
    """Runs code in a Python interpreter that keeps its names, in a sandbox.

    `submit NAME` ends the episode with a function. By `intercode` each test runs in the agent's interpreter, and what
    it says is compared with what it says of the gold code, in another sandbox; an agent that takes its interpreter
    apart can forge that. By `exact` the tests must pass on a module of all actions that ran without an error, in
    sandboxes of their own, where tests and module share no process.
    """

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
        self._session = await _Session.open(self._setup)
        self._begin()
        self._actions, self._program, self._name = [], [], None
        return Observation(text="Python.")

    async def _act(self, session: _Session, command: str) -> Observation:
        if command == "submit" or command.startswith("submit "):
            self._name = [*command.split(), ""][1] or self._name
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

    async def scores(self) -> Scores:
        """The function by both rules.

        Raises:
            TaskError: There are no tests.
            VerifierError: The tests cannot be run.
            SandboxError: A sandbox failed.
        """
        self._started()
        hidden, legacy = self._hidden, self._fields.legacy
        if hidden is None:
            raise TaskError("environment.hidden.tests: the task has no tests")
        if self._skipped or self._name is None:
            return Scores(intercode=0, exact=0, legacy=legacy, parts={"submitted": None})
        agreed = await self._agreement(hidden, self._name)
        exact, told = await self._tested(hidden, self._name)
        parts = {"submitted": self._name, "tests": len(hidden.tests), **told}
        if agreed is None:
            return Scores(intercode=0, exact=exact, legacy=True, parts={**parts, "crash": "AttributeError"})
        return Scores(intercode=agreed, exact=exact, legacy=legacy, parts=parts)

    async def _agreement(self, hidden: InterpreterHidden, name: str) -> float | None:
        """Share of tests that say the same of both functions; None where the published code crashes."""
        gold_name = first_definition(hidden.gold, legacy=self._fields.legacy)
        if gold_name is None:
            return None
        session, seconds = self._started(), self._fields.timeout
        await session.alias(gold_name, name, seconds)
        ours = await session.replies(hidden.preparation, "", hidden.tests, seconds)
        theirs = await self._gold_replies(hidden)
        if self._fields.legacy:
            # The agent's names are gone after a submission, and the gold's are there instead.
            await session.renew()
            await session.replies(hidden.preparation, hidden.gold, (), seconds)
        return sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(theirs) if theirs else 0.0

    async def _gold_replies(self, hidden: InterpreterHidden) -> tuple[_Reply, ...]:
        key = (hidden.gold, hidden.preparation, hidden.tests)
        if key not in _GOLDS:
            session = await _Session.open(self._setup)
            try:
                seconds = self._fields.timeout
                _GOLDS[key] = await session.replies(hidden.preparation, hidden.gold, hidden.tests, seconds)
            finally:
                await session.close()
        return _GOLDS[key]

    async def _tested(self, hidden: InterpreterHidden, name: str) -> tuple[float, dict[str, object]]:
        """Whether all tests pass on the agent's program, out of its reach."""
        called = tested_name(hidden.tests, hidden.gold) or name
        program = "\n\n".join(self._program)
        tests = _as_functions(hidden.tests, name, called, hidden.preparation)
        instance = Instance(
            id="tests",
            goal="tests",
            public={"entry": _ENTRY, "timeout": self._fields.timeout},
            hidden={"tests": tests},
        )
        verifier = TestVerifier(self._setup.provider, self._setup.spec)
        verdict = await verifier.verify(Candidate(files={_ENTRY: program}), instance)
        return float(verdict.passed), {"passed": len(verdict.checks) - len(verdict.failed)}

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
        self._session = await _Session.open(self._setup)
        for code in about["actions"]:
            await self._session.run(code, self._fields.timeout)
        self._actions, self._program = about["actions"], about["program"]
        self._name, self._steps, self._skipped = about["name"], about["steps"], about["skipped"]


def _as_functions(tests: Sequence[str], name: str, called: str, preparation: str) -> str:
    """The assertions as a file of tests that import the function under the name they call."""
    lines = [f"from solution import {name} as {called}" if name != called else f"from solution import {name}"]
    lines += [preparation] if preparation else []
    lines += [f"def test_{number}():\n{textwrap.indent(test, '    ')}" for number, test in enumerate(tests, start=1)]
    return "\n\n".join(lines) + "\n"
