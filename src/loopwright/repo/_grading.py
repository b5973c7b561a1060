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
from fnmatch import fnmatchcase
from hashlib import blake2b
from hmac import compare_digest

from loopwright.errors import VerifierError
from loopwright.repo._command import Expected, checks_of_command
from loopwright.repo._fields import TEST_FILES, RepoFields
from loopwright.repo._patch import apply_patch, read_patch
from loopwright.repo._tree import Entry, Tree, above
from loopwright.repo._workspace import Workspace
from loopwright.sandbox import GuestLost, GuestProgram, SandboxProvider, SandboxSpec
from loopwright.types import Check, Verdict

_ENTRY = "loopwright.repo._guest.tests"
_READY, _ENDED, _UNABLE = -1, -2, -3
_LIMIT = 1 << 20
_STARTING = 60.0
_EVIDENCE = 2000
_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec"})


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run, and the files that decide what that means."""

    names: tuple[str, ...] = ()
    """Tests by name."""
    command: str = ""
    """A command that passes by ending with 0, or by its report."""
    must_fail: tuple[str, ...] = ()
    """Tests of a report that fail whatever the candidate does."""
    files: Tree | None = None
    """The graders' test files."""
    deleted: frozenset[str] = frozenset()
    """Test files that the graders take away."""
    solution: str = ""
    """The graders' diff: its classes may do what those of the base commit may."""


def graders_files(base: Tree, files: Mapping[str, str], patch: str) -> tuple[Tree, frozenset[str]]:
    """The test files that graders put in the place of the candidate's, and those that they take away.

    Raises:
        VerifierError: Their patch does not apply to the base commit.
    """
    try:
        after = apply_patch(base, read_patch(patch)) if patch else base
    except ValueError as error:
        raise VerifierError(
            f"environment.hidden.test_patch does not apply to the base commit: {error}",
            remedy="Make it against the base commit, or give whole files in `test_files`.",
        ) from None
    changed = {path: entry for path, entry in after.items() if base.get(path) != entry}
    return {**changed, **{path: Entry(text.encode()) for path, text in files.items()}}, frozenset(base.keys() - after)


def graded_tree(base: Tree, tree: Tree, suite: Suite, fields: RepoFields) -> Tree:
    """The candidate's files, with those that decide what tests do as they are at the base commit or for the graders."""
    told = set() if fields.junit else {name.split("::")[0] for name in suite.names}
    given = {**(suite.files or {})}
    # A report does not tell where its tests lie.
    near = {*base} if fields.junit else {*told, *given}
    folders = {top for path in near | {*given} for top in above(path) if posixpath.basename(top) in _FOLDERS}

    def decides(path: str) -> bool:
        name = posixpath.basename(path)
        settings = name in TEST_FILES or path == "pyproject.toml" or path in told
        return (
            settings
            or any(top in folders for top in above(path))
            or any(fnmatchcase(path, pattern) for pattern in fields.test_paths)
        )

    kept = {path: entry for path, entry in tree.items() if not decides(path)}
    own = {path: entry for path, entry in base.items() if decides(path) and path not in suite.deleted}
    put = {**own, **given}
    over = {top for path in put for top in above(path)}
    # What the candidate has in the place of a folder of these files, or below one of them, gives way.
    return {p: e for p, e in kept.items() if p not in over and not any(top in put for top in above(p))} | put


async def run_suite(
    provider: SandboxProvider, spec: SandboxSpec, fields: RepoFields, base: Tree, tree: Tree, suite: Suite
) -> Verdict:
    """Runs a suite on a candidate's files, in a sandbox where nothing of it ever ran.

    Raises:
        VerifierError: The tests cannot be run: this says nothing of the candidate.
        TaskError: The set-up fails.
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
    failing: tuple[str, ...]
    passing: tuple[str, ...]

    @classmethod
    def beside(cls, names: Sequence[str]) -> _Canaries:
        """Tests in the folder of the first of the names, with the same settings; no two gradings have the same."""
        stem, case = f"test_{secrets.token_hex(6)}", f"Test{secrets.token_hex(4)}"
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
        good = secrets.token_hex(4)
        path = posixpath.join(posixpath.dirname(names[0].split("::")[0]), f"{stem}.py")
        lines = ["import unittest", "", "", f"class {case}(unittest.TestCase):"]
        for name, body in methods.items():
            lines += [f"    def test_{name}(self):", f"        {body}", ""]
        lines += [f"    def test_{good}(self):", f"        self.assertEqual({low}, {low})", "", ""]
        lines += [f"def test_{stem}():", f"    assert {low} == {high}", ""]
        failing = [*(f"{path}::{case}::test_{name}" for name in methods), f"{path}::test_{stem}"]
        random.shuffle(failing)
        return cls(path, "\n".join(lines), tuple(failing), (f"{path}::{case}::test_{good}",))

    def among(self, names: Sequence[str]) -> list[str]:
        """The names with these before and after them."""
        half = len(self.failing) // 2
        return list(dict.fromkeys([*self.failing[:half], *names, *self.failing[half:], *self.passing]))

    def problem(self, results: _Results) -> str:
        """Why results cannot be gone by; empty where they can."""
        passed = {name for name, (good, _) in results.outcomes.items() if good}
        if passed & {*self.failing}:
            return "tests that must fail pass with this candidate: it changes what a failure is"
        if not {*self.passing} <= passed and not results.why:
            return "a test that must pass fails with this candidate"
        return ""


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
