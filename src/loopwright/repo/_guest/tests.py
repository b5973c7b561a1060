"""Runs tests by name and tells how each ended, under a seal.

Tests and the code that they test share this process, as everywhere. So nothing that it says is beyond all doubt. What
can be done is done: the libraries of the tests are loaded before anything of the repository; its modules do not take
the place of the standard library's; results carry a seal whose key no file and no variable holds; and among the names
are tests that must fail.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
import importlib.machinery
import json
import os
import sys
import traceback
import types
import unittest

from loopwright.repo._guest.equality import EQUAL, Equality, guard_assert_equal, guard_equality
from loopwright.sandbox._guest.frames import read_frame, take_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Tell = Callable[[int, bool, str], None]

READY, ENDED, UNABLE = -1, -2, -3
"""Numbers of messages that are about no test."""
_EVIDENCE = 2000


def main() -> None:
    """Reads what to run, runs it, and tells."""
    incoming, outgoing = take_pipe()
    order = json.loads(read_frame(incoming))
    os.close(incoming)
    tell = _teller(outgoing, bytes.fromhex(order.pop("key")))
    sys.argv = ["tests"]
    folder = order["folder"]
    os.chdir(folder)
    sys.meta_path.insert(0, _StandardFirst([path for path in sys.path if "-packages" not in path]))
    equality = Equality(folder, order["equal"])
    setattr(builtins, EQUAL, equality.equal)
    guard_assert_equal(unittest.TestCase, equality)
    run = _prepared_pytest(order, tell) if order["runner"] == "pytest" else _prepared_unittest(order, tell)
    sys.path[:0] = [*(os.path.join(folder, path) for path in order["path"]), folder]
    tell(READY, True, "")
    run()
    tell(ENDED, True, "")
    os._exit(0)


def _teller(fd: int, key: bytes) -> Tell:
    """What sends a result. It is made of parts of the interpreter alone, which no module can replace."""
    sealed, write, to_bytes = hashlib.blake2b(key=key), os.write, int.to_bytes
    count = 0

    def tell(number: int, passed: bool, evidence: str) -> None:
        nonlocal count
        body = b"%d %d %d\n%s" % (count, number, passed, evidence[-_EVIDENCE:].encode("utf-8", "replace"))
        seal = sealed.copy()
        seal.update(body)
        count += 1
        data = to_bytes(64 + len(body), 4, "big") + seal.digest() + body
        while data:
            data = data[write(fd, data) :]

    return tell


class _StandardFirst:
    """Finds modules of the standard library there, whatever the repository has of the same name."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = list(folders)
        self._names = frozenset(getattr(sys, "stdlib_module_names", ()))
        self._find = importlib.machinery.PathFinder.find_spec

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module's place; None for what is no such module."""
        return self._find(name, self._folders, target) if path is None and name in self._names else None


def _prepared_unittest(order: Mapping[str, Any], tell: Tell) -> Callable[[], None]:
    """What runs test cases and plain functions."""
    told, folder = traceback.format_exc, order["folder"]
    modules: dict[str, Any] = {}

    def run() -> None:
        for number, name in enumerate(order["names"]):
            path, *parts = name.split("::")
            try:
                if path not in modules:
                    modules[path] = _loaded(folder, path)
                evidence = _outcome(modules[path], parts)
            except BaseException:
                evidence = told()
            tell(number, not evidence, evidence)

    return run


def _loaded(folder: str, path: str) -> types.ModuleType:
    """The module in a test file, made from this file and no other."""
    parts = path[: -len(".py")].split("/")
    package = [
        depth for depth in range(1, len(parts)) if os.path.exists(os.path.join(folder, *parts[:depth], "__init__.py"))
    ]
    whole = len(package) == len(parts) - 1
    name = ".".join(parts) if whole else parts[-1]
    parent = name.rpartition(".")[0]
    if not whole:
        sys.path.insert(0, os.path.join(folder, *parts[:-1]))
    if parent:
        importlib.import_module(parent)
    module = types.ModuleType(name)
    module.__file__, module.__package__ = os.path.join(folder, path), parent
    with open(module.__file__, "rb") as file:
        tree = ast.parse(file.read())
    guard_equality(tree)
    sys.modules[name] = module
    exec(compile(tree, path, "exec", dont_inherit=True), module.__dict__)
    return module


def _outcome(module: types.ModuleType, parts: Sequence[str]) -> str:
    """Why a test did not pass; empty where it passed."""
    if len(parts) == 2:
        case = getattr(module, parts[0])(parts[1])
    else:
        case = unittest.FunctionTestCase(getattr(module, parts[0]))
    result = unittest.TestResult()
    unittest.TestSuite([case]).run(result)
    for _, evidence in (*result.failures, *result.errors):
        return evidence or "it failed"
    if result.testsRun != 1 or result.skipped or result.expectedFailures or result.unexpectedSuccesses:
        return "it was skipped, or is expected to fail"
    return ""


def _prepared_pytest(order: Mapping[str, Any], tell: Tell) -> Callable[[], None]:
    """What runs tests with pytest: without plug-ins but those that the graders name."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        pytest = importlib.import_module("pytest")
        rewrite = importlib.import_module("_pytest.assertion.rewrite")
        plugins = [importlib.import_module(name) for name in order["plugins"]]
    except ImportError as error:
        tell(UNABLE, False, str(error))
        os._exit(0)
    write = rewrite.rewrite_asserts

    def rewrite_asserts(tree: ast.Module, *rest: Any, **named: Any) -> None:
        guard_equality(tree)
        write(tree, *rest, **named)

    vars(rewrite)["rewrite_asserts"] = rewrite_asserts
    names = {name: number for number, name in enumerate(order["names"])}
    files = list(dict.fromkeys(name.split("::")[0] for name in names))
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", order["folder"], *files]
    reporter = _Reporter(names, tell)

    def run() -> None:
        # Its exit code says nothing: what was not told has not passed.
        pytest.main(options, plugins=[*plugins, reporter])

    return run


class _Reporter:
    """Chooses the tests that have a name, in the order of the names, and tells how each ended."""

    def __init__(self, names: Mapping[str, int], tell: Tell) -> None:
        self._names = dict(names)
        self._tell = tell
        self._passed: dict[str, list[bool]] = {}
        self._why: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leaves out what has no name."""
        found = [item for item in items if item.nodeid in self._names]
        items[:] = sorted(found, key=lambda item: self._names[item.nodeid])

    def pytest_collectreport(self, report: Any) -> None:
        """Tells of a file that cannot be collected."""
        if report.failed:
            for name, number in self._names.items():
                if name.split("::")[0] == report.nodeid:
                    self._tell(number, False, report.longreprtext)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tells of a test after its last phase."""
        name = report.nodeid
        whole = report.passed and not hasattr(report, "wasxfail")
        self._passed.setdefault(name, []).append(whole)
        if not whole:
            self._why.setdefault(name, report.longreprtext or report.outcome)
        if report.when == "teardown" and name in self._names:
            passed = self._passed[name] == [True, True, True]
            self._tell(self._names[name], passed, "" if passed else self._why.get(name, "it was not run"))
