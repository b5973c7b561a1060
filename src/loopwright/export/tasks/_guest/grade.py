"""Grades what an agent left in a repository, and writes the reward; `suite.json` beside this file says how.

Files that decide what tests do are put back, named tests run in a process of their own that tells each result with a
key, and a test command is judged by its exit code or by the JUnit XML that it leaves.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import glob
import hashlib
import hmac
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import types
import unittest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Suite = dict[str, Any]

REWARD = "/logs/verifier/reward.txt"
LARGEST = 64 * 1024 * 1024
LOADED = (".py", ".pyc", ".so", ".pyd")


def here() -> str:
    """The folder of this program, where `suite.json` lies."""
    return os.path.dirname(os.path.abspath(sys.argv[0]))


def main() -> None:
    """Grades and writes the reward: the share of checks that passed."""
    with open(os.path.join(here(), "suite.json"), encoding="utf-8") as file:
        suite = json.load(file)
    remove(REWARD)
    put_back(suite)
    passed = []
    if suite["names"] and not suite["junit"]:
        told = named(suite)
        passed += [told.get(name, False) for name in suite["names"]]
    if suite["command"]:
        passed += commanded(suite)
    os.makedirs(os.path.dirname(REWARD), exist_ok=True)
    with open(REWARD, "w", encoding="utf-8") as file:
        file.write("%r\n" % (sum(passed) / len(passed) if passed else 0.0))


def remove(path: str) -> None:
    """Takes away what there is at a path, and follows no link."""
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def decides(suite: Suite, path: str) -> bool:
    """Whether a file decides what tests do."""
    folders = set(suite["folders"])
    *parts, name = path.split("/")
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    stem = "/".join([*parts, name.split(".")[0]])
    return (
        name in suite["settings"]
        or path in suite["told"]
        or any(folder in folders for folder in above)
        or "__pycache__" in parts
        or any(folder in suite["modules"] for folder in above)
        or (path.endswith(LOADED) and stem in suite["modules"])
        or any(fnmatch.fnmatchcase(path, pattern) for pattern in suite["patterns"])
    )


def put_back(suite: Suite) -> None:
    """Makes the files that decide what tests do the graders'."""
    top = suite["folder"]
    for place, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*files, *links]:
            path = os.path.relpath(os.path.join(place, name), top)
            if decides(suite, path) or path in suite["folders"]:
                remove(os.path.join(place, name))
    for path, entry in suite["put"].items():
        place = top
        for part in path.split("/")[:-1]:
            place = os.path.join(place, part)
            if os.path.islink(place) or (os.path.exists(place) and not os.path.isdir(place)):
                remove(place)
            os.makedirs(place, exist_ok=True)
        target = os.path.join(top, path)
        remove(target)
        data = base64.b64decode(entry["data"])
        if entry["kind"] == "link":
            os.symlink(data, os.fsencode(target))
            continue
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, 0o755 if entry["kind"] == "program" else 0o644)


def commanded(suite: Suite) -> list[bool]:
    """Whether each check of the test command passed."""
    junit = [os.path.join(suite["folder"], pattern) for pattern in suite["junit"]]
    for pattern in junit:
        for path in glob.glob(pattern):
            remove(path)
    code = run(["/bin/sh", "-c", suite["command"]], suite)
    if not junit:
        return [code == 0]
    none = [False for _ in suite["names"] or [""]]
    try:
        cases = reported(junit) if code is not None else {}
    except (OSError, ValueError):
        return none
    forged = any(name not in cases or cases[name].passed for name in suite["must_fail"])
    if not cases or forged or (code != 0 and not any(case.failed for case in cases.values())):
        return none
    if suite["names"]:
        return [name in cases and cases[name].passed for name in suite["names"]]
    return [case.passed for name, case in cases.items() if name not in suite["must_fail"]] or none


def reported(patterns: list[str]) -> dict[str, Any]:
    """The tests of the reports by their names."""
    sys.path.insert(0, here())
    junit = importlib.import_module("junit")
    cases: list[Any] = []
    for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            raise ValueError("no report")
        with open(path, "rb") as file:
            cases += junit.read_report(file.read())
    return dict(junit.merged(cases))


def run(command: list[str], suite: Suite) -> int | None:
    """The exit code of a command; None where it took too long."""
    process = subprocess.Popen(command, cwd=suite["folder"], start_new_session=True)
    try:
        return process.wait(suite["timeout"])
    except subprocess.TimeoutExpired:
        return None
    finally:
        kill(process)


def named(suite: Suite) -> dict[str, bool]:
    """By name: whether a test passed. What is not told with the key has not."""
    key = os.urandom(32)
    asked, order = os.pipe()
    results, told = os.pipe()
    os.write(order, key)
    os.close(order)
    command = [sys.executable, "-I", "-B", os.path.abspath(sys.argv[0]), "--run", str(asked), str(told)]
    process = subprocess.Popen(command, cwd=suite["folder"], start_new_session=True, pass_fds=(asked, told))
    os.close(asked)
    os.close(told)
    try:
        lines = read_lines(results, suite["timeout"])
    finally:
        os.close(results)
        kill(process)
    found: dict[str, bool] = {}
    for number, line in enumerate(lines):
        seal, _, body = line.partition(b" ")
        expected = hmac.new(key, b"%d %s" % (number, body), hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(seal, expected):
            return {}
        name, passed = json.loads(body)
        found[name] = passed and found.get(name, True)
    return {} if found.pop("", True) else found


def read_lines(results: int, seconds: float) -> list[bytes]:
    """The whole lines that come until the end, or until the time is over."""
    deadline, data = time.monotonic() + seconds, b""
    while len(data) < LARGEST:
        ready, _, _ = select.select([results], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(results, 65536) if ready else b""
        if not part:
            break
        data += part
    return data.split(b"\n")[:-1]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_named(asked: int, told: int) -> None:
    """Runs the named tests and tells each result, then whether a test that must fail has passed."""
    key = os.read(asked, 32)
    os.close(asked)
    with open(os.path.join(here(), "suite.json"), encoding="utf-8") as file:
        suite = json.load(file)
    count, write, new, dumps = 0, os.write, hmac.new, json.dumps
    sha256 = hashlib.sha256

    def tell(name: str, passed: bool) -> None:
        nonlocal count
        body = dumps([name, bool(passed)]).encode()
        line = new(key, b"%d %s" % (count, body), sha256).hexdigest().encode() + b" " + body + b"\n"
        count += 1
        while line:
            line = line[write(told, line) :]

    folder = suite["folder"]
    os.chdir(folder)
    if suite["runner"] == "pytest":
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
            os.environ.pop(name, None)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        pytest = importlib.import_module("pytest")
        plugins = [importlib.import_module(name) for name in suite["plugins"]]
    sys.argv = ["tests"]
    sys.path[:0] = [*(os.path.join(folder, path) for path in suite["python_path"]), folder]
    if suite["runner"] == "pytest":
        files = list(dict.fromkeys(name.split("::")[0] for name in suite["names"]))
        options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", folder, *files]
        pytest.main(options, plugins=[*plugins, Reporter(suite["names"], tell)])
    else:
        modules: dict[str, Any] = {}
        for name in suite["names"]:
            try:
                tell(name, outcome(modules, folder, name))
            except BaseException:
                tell(name, False)
    tell("", lies())
    os._exit(0)


class Reporter:
    """Runs the tests that have a name, and tells how each ended."""

    def __init__(self, names: list[str], tell: Callable[[str, bool], None]) -> None:
        self.names, self.tell = names, tell
        self.phases: dict[str, list[bool]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leaves out what has no name."""
        items[:] = [item for item in items if item.nodeid in self.names]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tells of a test after its last phase."""
        phases = self.phases.setdefault(report.nodeid, [])
        phases.append(report.passed and not hasattr(report, "wasxfail"))
        if report.when == "teardown":
            self.tell(report.nodeid, phases == [True, True, True])


def outcome(modules: dict[str, Any], folder: str, name: str) -> bool:
    """Whether a test of unittest, or a plain function, passed."""
    path, *parts = name.split("::")
    if path not in modules:
        modules[path] = loaded(folder, path)
    found = getattr(modules[path], parts[0])
    case = found(parts[1]) if len(parts) == 2 else unittest.FunctionTestCase(found)
    result = unittest.TestResult()
    unittest.TestSuite([case]).run(result)
    odd = (result.failures, result.errors, result.skipped, result.expectedFailures, result.unexpectedSuccesses)
    return result.testsRun == 1 and not any(odd)


def loaded(folder: str, path: str) -> types.ModuleType:
    """The module in a test file, made from this file and no other."""
    parts = path[: -len(".py")].split("/")
    package = [n for n in range(1, len(parts)) if os.path.exists(os.path.join(folder, *parts[:n], "__init__.py"))]
    whole = len(package) == len(parts) - 1
    name = ".".join(parts) if whole else parts[-1]
    if not whole:
        sys.path.insert(0, os.path.join(folder, *parts[:-1]))
    if whole and len(parts) > 1:
        importlib.import_module(".".join(parts[:-1]))
    module = types.ModuleType(name)
    module.__file__, module.__package__ = os.path.join(folder, path), name.rpartition(".")[0]
    sys.modules[name] = module
    with open(module.__file__, "rb") as file:
        exec(compile(file.read(), path, "exec", dont_inherit=True), module.__dict__)
    return module


def lies() -> bool:
    """Whether a test that must fail passes: then the candidate has changed what a failure is."""

    class Canary(unittest.TestCase):
        def test_equal(self) -> None:
            self.assertEqual(1, 2)

        def test_true(self) -> None:
            self.assertTrue(False)

    for name in ("test_equal", "test_true"):
        result = unittest.TestResult()
        unittest.TestSuite([Canary(name)]).run(result)
        if len(result.failures) != 1:
            return True
    return False


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_named(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
