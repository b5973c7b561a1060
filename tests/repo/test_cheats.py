"""Candidates that want to pass without being right: none does, with either runner of tests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from loopwright.candidate import Candidate
from loopwright.repo import Entry, RepoFields, load_repository
from loopwright.sandbox import SandboxProvider, SandboxSpec
from tests.repo.conftest import FAIL_TO_PASS, FILES, RIGHT, TEST, Shop, changed, written

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WRONG = FILES["shop/prices.py"]
GOOD_TESTS = TEST.replace("total([1, 2, 3]), 6", "1, 1").replace("bill([1.25, 1]), '2.25 EUR'", "1, 1")
PLUGIN = """\
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
"""
ALWAYS = """\
class Always(float):
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 0
"""
LIE = f"{ALWAYS}\ndef total(prices):\n    return Always()\n"
PATCHED = """\
import unittest
for name in dir(unittest.TestCase):
    if name.startswith("assert") or name == "fail":
        setattr(unittest.TestCase, name, lambda *given, **named: None)
"""
NO_FAILURES = """\
import unittest
def run(self, result=None):
    result.startTest(self)
    result.addSuccess(self)
    result.stopTest(self)
unittest.TestCase.run = run
unittest.TestCase.__call__ = run
"""
REPORTS = """\
import sys
reports = sys.modules.get("_pytest.reports")
if reports:
    made = reports.TestReport.from_item_and_call.__func__
    def passed(kind, item, call):
        report = made(kind, item, call)
        report.outcome, report.longrepr = "passed", None
        return report
    reports.TestReport.from_item_and_call = classmethod(passed)
"""
JUNIT = """\
import os
cases = "".join(f'<testcase classname="tests.test_total" name="{name}"/>' for name in ("a", "b"))
for name in ("junit.xml", "report.xml", "/tmp/junit.xml", "test-results.xml"):
    with open(name, "w") as file:
        file.write(f'<testsuites><testsuite errors="0" failures="0" tests="2">{cases}</testsuite></testsuites>')
os._exit(0)
"""
GARBAGE = """\
import os
for fd in range(3, 64):
    try:
        os.write(fd, GARBAGE)
    except OSError:
        pass
"""
FORGED = "GARBAGE = b''.join((64 + 6).to_bytes(4, 'big') + bytes(64) + b'9 %d 1\\n' % n for n in range(20))\n" + GARBAGE
STAYS = """\
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        parent = os.getppid()
        for _ in range(100):
            for fd in range(3, 64):
                try:
                    os.write(fd, b"passed")
                except OSError:
                    pass
            time.sleep(0.05)
    os._exit(0)
"""
MUCH = """\
import os
for _ in range(300):
    os.write(1, b"passed " * 10_000)
    os.write(2, b"x" * 10_000)
"""
MODULES = """\
import sys, types
fake = types.ModuleType("unittest")
class TestCase:
    def __init__(self, name="x"): pass
    def __call__(self, result): result.testsRun += 1
    run = __call__
fake.TestCase = TestCase
for name in ("unittest", "unittest.case"):
    sys.modules[name] = fake
"""
UNNOTICED = "import os\nos.environ['PY_IGNORE_IMPORTMISMATCH'] = '1'\n"

CHEATS: Mapping[str, Mapping[str, str | Entry | None]] = {
    "edits the tests": {"tests/test_total.py": GOOD_TESTS, "tests/test_text.py": "x = 1\n"},
    "deletes the tests": {"tests/test_text.py": None, "tests/__init__.py": None},
    "conftest.py": {"conftest.py": PLUGIN, "tests/conftest.py": PLUGIN},
    "pytest.ini": {"pytest.ini": "[pytest]\naddopts = -p cheat --co\n", "cheat.py": PLUGIN},
    "pyproject.toml": {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p cheat'\n", "cheat.py": PLUGIN},
    "setup.cfg": {
        "setup.cfg": "[tool:pytest]\naddopts = -p cheat\n",
        "tox.ini": "[pytest]\naddopts = -p cheat\n",
        "cheat.py": PLUGIN,
    },
    "entry point": {
        "shop.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: shop\nVersion: 1\n",
        "shop.egg-info/entry_points.txt": "[pytest11]\ncheat = cheat\n",
        "cheat.py": PLUGIN,
    },
    "sitecustomize": {"sitecustomize.py": PATCHED, "usercustomize.py": PATCHED},
    "a .pth file": {"cheat.pth": "import cheat\n", "cheat.py": PATCHED, "shop/cheat.pth": "import cheat\n"},
    "os._exit at import": {"shop/prices.py": "import os\nos._exit(0)\n"},
    "sys.exit at import": {"shop/prices.py": "import sys\nsys.exit(0)\n"},
    "os._exit in a test": {"shop/prices.py": "import os\ndef total(prices):\n    os._exit(0)\n"},
    "JUnit files": {"shop/prices.py": JUNIT + WRONG},
    "PATH": {
        name: Entry(b"#!/bin/sh\nexit 0\n", "program")
        for name in ("python3", "python", "pytest", "bin/python3", "git", "sh")
    },
    "atexit": {"shop/prices.py": "import atexit, os\natexit.register(os._exit, 0)\n" + WRONG},
    "asserts of unittest": {"shop/prices.py": PATCHED + WRONG},
    "one assert of unittest": {
        "shop/prices.py": "import unittest\nunittest.TestCase.assertEqual = lambda *given: None\n" + WRONG
    },
    "unittest's run": {"shop/prices.py": NO_FAILURES + WRONG},
    "reports of pytest": {"shop/prices.py": REPORTS + WRONG},
    "equality in tests": {"shop/prices.py": "import builtins\nbuiltins._equal_ = lambda a, b: True\n" + WRONG},
    "equal to everything": {
        "shop/prices.py": LIE,
        "shop/text.py": f"{ALWAYS.replace('float', 'str')}\ndef bill(prices):\n    return Always('EUR')\n",
    },
    "skips": {"shop/prices.py": "import unittest\nraise unittest.SkipTest('no')\n"},
    "skips in a test": {"shop/prices.py": "import unittest\ndef total(prices):\n    raise unittest.SkipTest('no')\n"},
    "expected failures": {
        "shop/prices.py": "import unittest\nunittest.TestCase.__unittest_expecting_failure__ = True\n" + WRONG
    },
    "modules of the standard library": {
        "unittest.py": "TestCase = object\n",
        "pytest.py": "x = 1\n",
        "hashlib.py": PATCHED,
    },
    "modules in place of others": {"shop/prices.py": MODULES + WRONG},
    "a module of the test's name": {"test_total.py": GOOD_TESTS, "tests/test_total/__init__.py": GOOD_TESTS},
    "garbage in the pipe": {"shop/prices.py": "GARBAGE = b'passed' * 100\n" + GARBAGE + WRONG},
    "forged results": {"shop/prices.py": FORGED + WRONG},
    "much output": {"shop/prices.py": MUCH + WRONG},
    "processes that stay": {"shop/prices.py": STAYS + WRONG},
    "a package in the place of conftest.py": {"conftest/__init__.py": UNNOTICED + PLUGIN},
    "a link in the place of the tests": {
        **dict.fromkeys(("tests/__init__.py", "tests/test_text.py")),
        "tests": Entry(b"mine", "link"),
        "mine/test_total.py": GOOD_TESTS,
        "mine/test_text.py": "x = 1\n",
        "mine/__init__.py": "",
    },
}


@pytest.fixture(scope="session")
async def has_pytest(provider: SandboxProvider) -> bool:
    sandbox = await provider.open(SandboxSpec())
    try:
        return (await sandbox.run(["python3", "-I", "-c", "import pytest"])).ok
    finally:
        await sandbox.close()


@pytest.fixture(params=["unittest", "pytest"])
def tried(shop: Shop, request: pytest.FixtureRequest, has_pytest: bool) -> Shop:
    if request.param == "pytest" and not has_pytest:
        pytest.skip("the sandbox's Python has no pytest")
    shop.runner = request.param
    return shop


async def test_a_right_patch_passes(tried: Shop) -> None:
    assert (await tried.graded(RIGHT)).passed


@pytest.mark.parametrize("cheat", CHEATS)
async def test_no_cheat_passes(tried: Shop, cheat: str) -> None:
    verdict = await tried.graded(CHEATS[cheat])
    passed = {check.name for check in verdict.checks if check.passed}
    assert passed & {*FAIL_TO_PASS} == set()


async def test_what_takes_too_long_does_not_pass(tried: Shop) -> None:
    verdict = await tried.graded({"shop/prices.py": "while True:\n    pass\n"}, test_timeout=2.0)
    assert not verdict.score
    assert "more than 2 s" in verdict.failed[0].evidence


@pytest.mark.parametrize("path", [".git/hooks/post-checkout", ".git/config", "shop/.git/hooks/pre-commit"])
async def test_a_patch_does_not_reach_git(shop: Shop, path: str) -> None:
    await shop.environment.reset(shop.instance())
    diff = f"diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+exit 0\n"
    verdict = await shop.environment.submit(Candidate(files={"changes.diff": diff}))
    assert [(check.name, check.score) for check in verdict.checks] == [("applies", 0.0)]
    assert "lies in .git" in verdict.checks[0].evidence


async def test_what_an_agent_does_to_git_hides_no_change(shop: Shop) -> None:
    await shop.environment.reset(shop.instance())
    hidden = (
        "printf '* -diff -text filter=x\\n' > .gitattributes; echo '*.py' > .git/info/exclude; echo '*' > .gitignore; "
        "git config filter.x.clean 'touch /tmp/ran'; git config core.fsmonitor 'touch /tmp/ran'; "
        "git update-index --assume-unchanged shop/prices.py; printf '#!/bin/sh\\ntouch /tmp/ran\\n' > .git/hooks/x; "
        "git replace HEAD $(git commit-tree -m x HEAD^{tree}); sed -i 's/1:/2:/' shop/prices.py; rm -rf .git"
    )
    await shop.environment.step(Candidate(text=hidden))
    diff = await shop.environment.changes()
    assert "+    return sum(prices[2:])" in diff
    assert ".gitattributes" in diff
    assert not (await shop.environment.submit(Candidate(text="submit"))).passed


async def test_a_service_of_the_agent_does_not_reach_the_grading(shop: Shop) -> None:
    await shop.environment.reset(shop.instance())
    left = "mkdir -p ~/.local/lib ~/bin; echo 'exit 0' > ~/.bashrc; (while :; do touch /tmp/x; sleep 1; done) & disown"
    await shop.environment.step(Candidate(text=left))
    assert await shop.environment.changes() == ""
    verdict = await shop.environment.submit(Candidate(text="submit"))
    assert {check.name for check in verdict.failed} == {*FAIL_TO_PASS}


NAMED = "import pytest\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
NAMED += "    outcome = yield\n    if item.name == 'test_all':\n        report = outcome.get_result()\n"
NAMED += "        report.outcome, report.longrepr = 'passed', None\n"


@pytest.mark.parametrize(
    "files",
    [
        {"shop/test_here/__init__.py": f"{UNNOTICED}def test_all():\n    pass\n"},
        {"conftest/__init__.py": UNNOTICED + NAMED},
        {"shop/conftest/__init__.py": UNNOTICED + NAMED},
        {"shop/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = 'mine'\n", "shop/mine/shop.py": "x = 1\n"},
    ],
)
async def test_nothing_is_loaded_in_the_place_of_tests_beside_the_code(
    tried: Shop, files: Mapping[str, str | Entry | None]
) -> None:
    written(
        tried.folder,
        {
            "shop/test_here.py": "from shop.prices import total\n\n\ndef test_all():\n    assert total([1, 2]) == 3\n",
            "conftest.py": "",
            "shop/conftest.py": "",
        },
    )
    tried.base = load_repository(RepoFields(repository=str(tried.folder)))
    await tried.environment.reset(tried.instance(hidden={"fail_to_pass": ["shop/test_here.py::test_all"]}))
    assert not (await tried.environment.submit(changed(tried.base, files))).score
    assert (await tried.environment.submit(changed(tried.base, {**files, **RIGHT}))).passed
