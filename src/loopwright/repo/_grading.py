"""Runs the tests of a repository in a fresh sandbox and makes a verdict of them."""

from __future__ import annotations

import ast
import asyncio
import json
import posixpath
import random
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest

from loopwright.errors import VerifierError
from loopwright.repo._apply_patch import apply_patch
from loopwright.repo._command import Expected, checks_of_command
from loopwright.repo._fields import RepoFields
from loopwright.repo._patch import read_patch
from loopwright.repo._test_files import Suite, graded_tree
from loopwright.repo._tree import Entry, Tree
from loopwright.repo._workspace import Workspace
from loopwright.sandbox import GuestLost, GuestProgram, SandboxProvider, SandboxSpec
from loopwright.types import Check, Verdict

_ENTRY = "loopwright.repo._guest.tests"
_READY, _ENDED, _UNABLE = -1, -2, -3
_LIMIT = 1 << 20
_STARTING = 60.0
_EVIDENCE = 2000


async def run_suite(
    provider: SandboxProvider, spec: SandboxSpec, fields: RepoFields, base: Tree, tree: Tree, suite: Suite
) -> Verdict:
    """Runs a suite on a candidate's files, in a sandbox where nothing of it ever ran.

    Raises:
        VerifierError: The tests cannot be run: this says nothing of the candidate.
        TaskError: The set-up fails.
        DoesNotFit: The sandbox has no room for the candidate's files.
        SandboxError: There is no sandbox, or it was lost.
    """
    started = time.monotonic()
    checks: list[Check] = []
    canaries = _Canaries.beside(suite.names) if suite.names and not fields.junit else None
    put = graded_tree(base, tree, suite, fields)
    if canaries:
        with_canaries = {**put, canaries.path: Entry(canaries.source.encode())}
        order = _order(fields, canaries.among(suite.names), _equal_classes(base, suite))
        space = await Workspace.open(provider, spec, fields, base)
        try:
            await space.put(with_canaries)
            results = await _results(space, order, fields.test_timeout)
        finally:
            await space.close()
        checks += _judged(suite.names, results, canaries)
    if suite.command:
        space = await Workspace.open(provider, spec, fields, base)
        try:
            await space.put(put)
            expected = Expected(suite.names, suite.must_fail)
            checks += await checks_of_command(space, fields, suite.command, fields.junit, expected)
        finally:
            await space.close()
    return Verdict(checks=tuple(checks), seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Results:
    outcomes: Mapping[str, tuple[bool, str]]
    """By name: whether a test passed, and why not."""
    why: str = ""
    """Why some have no outcome."""


@dataclass(frozen=True, slots=True)
class _Canaries:
    """Tests among the others that must fail, and one that must pass: they tell when failing means nothing any more."""

    path: str
    source: str
    before: tuple[str, ...]
    """Those that must fail before the named tests."""
    after: tuple[str, ...]
    """The same kinds after them, as a candidate may change what a failure is when it is imported."""
    passing: tuple[str, ...]

    @classmethod
    def beside(cls, names: Sequence[str]) -> _Canaries:
        """Tests in the folder of the first of the names, with the same settings; no two gradings have the same."""
        stem = f"test_{secrets.token_hex(6)}"
        path = posixpath.join(posixpath.dirname(names[0].split("::")[0]), f"{stem}.py")
        good, low = secrets.token_hex(4), random.randrange(10**6)
        lines, sets = ["import unittest", "", ""], []
        for _ in range(2):
            case, made = _failing_case()
            lines += made
            sets.append([f"{path}::{name}" for name in case])
        lines += [
            f"class T{good}(unittest.TestCase):",
            f"    def test_{good}(self):",
            f"        self.assertEqual({low}, {low})",
        ]
        before, after = (tuple(random.sample(one, len(one))) for one in sets)
        return cls(path, "\n".join([*lines, ""]), before, after, (f"{path}::T{good}::test_{good}",))

    def among(self, names: Sequence[str]) -> list[str]:
        """The names with these before and after them."""
        return list(dict.fromkeys([*self.before, *names, *self.after, *self.passing]))

    def problem(self, results: _Results) -> str:
        """Why results cannot be gone by; empty where they can."""
        passed = {name for name, (good, _) in results.outcomes.items() if good}
        if passed & {*self.before, *self.after}:
            return "tests that must fail pass with this candidate: it changes what a failure is"
        if not {*self.passing} <= passed and not results.why:
            return "a test that must pass fails with this candidate"
        return ""


def _failing_case() -> tuple[list[str], list[str]]:
    """A test of each kind that must fail: the names within their file, and the lines of code."""
    case, function = f"Test{secrets.token_hex(4)}", f"test_{secrets.token_hex(4)}"
    low, high = sorted(random.sample(range(2, 10**6), 2))
    methods = {
        "equal": f"self.assertEqual({low}, {high})",
        "true": f"self.assertTrue({low} > {high})",
        "false": f"self.assertFalse({low} < {high})",
        "none": f"self.assertIsNone({low})",
        "is_in": f"self.assertIn({low}, [{high}])",
        "raises": "with self.assertRaises(ValueError): pass",
        "error": f"raise RuntimeError({low})",
    }
    lines = [f"class {case}(unittest.TestCase):"]
    for name, body in methods.items():
        lines += [f"    def test_{name}(self):", f"        {body}", ""]
    lines += ["", f"def {function}():", f"    assert {low} == {high}", "", ""]
    return [*(f"{case}::test_{name}" for name in methods), function], lines


def _judged(names: Sequence[str], results: _Results, canaries: _Canaries) -> Iterable[Check]:
    problem = canaries.problem(results)
    for name in dict.fromkeys(names):
        good, why = results.outcomes.get(name, (False, results.why or "it was not run: there is no such test"))
        passed = good and not problem
        yield Check(name=name, score=float(passed), evidence="" if passed else problem or why.strip()[-_EVIDENCE:])


def _order(fields: RepoFields, names: Sequence[str], equal: Iterable[str]) -> dict[str, object]:
    return {
        "key": secrets.token_hex(32),
        "folder": fields.folder,
        "path": fields.python_path,
        "runner": fields.runner,
        "plugins": fields.plugins,
        "names": names,
        "equal": sorted(equal),
    }


async def _results(space: Workspace, order: Mapping[str, object], seconds: float) -> _Results:
    """What the tests' process tells, as far as it is sealed."""
    program = await GuestProgram.start(space.sandbox, _ENTRY, limit=_LIMIT, options=["-I", "-B"])
    seal = blake2b(key=bytes.fromhex(str(order["key"])))
    names = order["names"]
    assert isinstance(names, list)
    await program.send(json.dumps(order).encode())
    outcomes: dict[str, tuple[bool, str]] = {}
    count, ready = 0, False
    deadline = time.monotonic() + _STARTING
    try:
        while True:
            async with asyncio.timeout(deadline - time.monotonic()):
                told = await program.receive()
            number, passed, evidence = _opened(told, seal, count)
            count += 1
            if number == _UNABLE:
                raise VerifierError(
                    f"the sandbox cannot run tests with pytest: {evidence}",
                    remedy="Name an image that has what the tests need, `sandbox.image`, or write `runner: unittest`.",
                )
            if number == _ENDED:
                return _Results(outcomes)
            if number == _READY:
                ready, deadline = True, time.monotonic() + seconds
            elif names[number] not in outcomes or not passed:
                outcomes[names[number]] = passed, evidence
    except TimeoutError:
        await program.stop()  # `WorkerLost` if the worker is gone: then this was no time-out
        why = f"the tests took more than {seconds:g} s"
    except GuestLost as error:
        why = f"the process of the tests {error} before this test had a result"
    except ValueError:
        why = "the process of the tests wrote something that is no result"
    if not ready:
        raise VerifierError(f"the tests cannot be run: {why}", remedy="The sandbox needs python3, 3.8 or later.")
    return _Results(outcomes, why)


def _opened(told: bytes, seal: blake2b, count: int) -> tuple[int, bool, str]:
    expected = seal.copy()
    expected.update(told[64:])
    if not compare_digest(expected.digest(), told[:64]):
        raise ValueError("it has no seal")
    head, _, evidence = told[64:].partition(b"\n")
    at, number, passed = map(int, head.split())
    if at != count:
        raise ValueError("it comes at the wrong place")
    return number, passed == 1, evidence.decode("utf-8", "replace")


def _equal_classes(base: Tree, suite: Suite) -> set[str]:
    """Names of classes that may be equal to plain values: with `__eq__` at the base, in tests or in the solution."""
    trees: list[Tree] = [base, suite.files or {}]
    if suite.solution:
        try:
            trees.append(apply_patch(base, read_patch(suite.solution)))
        except ValueError as error:
            raise VerifierError(f"environment.hidden.solution does not apply to the base commit: {error}") from None
    sources = {entry.data for tree in trees for path, entry in tree.items() if path.endswith(".py")}
    return {name for source in sources if b"__eq__" in source for name in _with_equality(source)}


def _with_equality(source: bytes) -> Iterable[str]:
    """Full names of the classes in a module whose own bodies name `__eq__`."""
    try:
        todo: list[tuple[str, ast.AST]] = [("", ast.parse(source))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    while todo:
        prefix, node = todo.pop()
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef):
                if any("__eq__" in ast.unparse(statement) for statement in child.body):
                    yield f"{prefix}{child.name}"
                inner = f"{prefix}{child.name}."
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{prefix}{child.name}.<locals>."
            todo.append((inner, child))
