"""What an episode in an interpreter came to, and whether the function passes the tests."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from loopwright.candidate import Candidate
from loopwright.environments._scores import Score
from loopwright.environments._types import EnvironmentSetup
from loopwright.environments.interpreter._functions import is_function_name, tested_name
from loopwright.environments.interpreter._interpreter import Interpreter
from loopwright.replies import parse_python
from loopwright.task import Instance
from loopwright.verify import TestVerifier

_ENTRY = "solution.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOutcome:
    """The function that was submitted, and what it is compared with."""

    name: str
    """The function, as the agent calls it."""
    actions: tuple[str, ...]
    """All actions that ran without an error, in order."""
    gold: str
    """Code of the right answer."""
    tests: tuple[str, ...]
    """Statements, each an assertion on the function."""
    preparation: str
    """Code that runs before the tests."""
    interpreter: Interpreter
    """The agent's, in which all of its names are; the agent may have taken it apart."""
    setup: EnvironmentSetup
    """What other interpreters are opened with: `Interpreter.open(setup)`."""
    timeout: float
    """Seconds for one test."""
    legacy: bool = False
    """Whether the task asks for the defects of the published code."""
    gold_failed: ClassVar[bool] = False

    async def exact(self) -> Score:
        """1 where all tests pass on the agent's program, out of its reach: test and program share no process."""
        if not is_function_name(self.name):
            return Score(0, {"submitted": self.name, "tests": len(self.tests), "passed": 0})
        called = tested_name(self.tests, self.gold) or self.name
        tests = _as_functions(self.tests, self.name, called, self.preparation)
        public = {"entry": _ENTRY, "timeout": self.timeout}
        instance = Instance(id="tests", goal="tests", public=public, hidden={"tests": tests, "solution": self.gold})
        verifier = TestVerifier(self.setup.provider, self.setup.spec)
        verdict = await verifier.verify(Candidate(files={_ENTRY: _as_module(self.actions)}), instance)
        passed = len(verdict.checks) - len(verdict.failed)
        return Score(float(verdict.passed), {"submitted": self.name, "tests": len(self.tests), "passed": passed})


def _as_module(actions: Sequence[str]) -> str:
    """Actions as one module, each compiled by itself, as the interpreter did it.

    What holds for the code that follows it in one file, such as `from __future__ import` and `global`, holds in its own
    action alone.
    """
    lines = (
        f'exec(compile({code!r}, "<action {number}>", "exec", dont_inherit=True))\n'
        for number, code in enumerate(actions, start=1)
    )
    return "".join(lines)


def _as_functions(tests: Sequence[str], name: str, called: str, preparation: str) -> str:
    """The assertions as a file of tests that import the function under the name they call."""
    lines = [f"from solution import {name} as {called}" if name != called else f"from solution import {name}"]
    lines += [preparation] if preparation else []
    lines += [f"def test_{number}():\n{_indented(test)}" for number, test in enumerate(tests, start=1)]
    return "\n\n".join(lines) + "\n"


def _indented(code: str) -> str:
    """Statements as the body of a function: lines that begin within a string stay as they are."""
    code = code.replace("\r\n", "\n").replace("\r", "\n")  # As Python reads lines.
    try:
        nodes = list(ast.walk(parse_python(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        nodes = []
    kept = {
        number
        for node in nodes
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(code.split("\n"), start=1)
    return "\n".join(line if number in kept or not line.strip() else f"    {line}" for number, line in lines)
