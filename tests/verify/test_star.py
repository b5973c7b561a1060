"""A star import brings the candidate's names, and none that means something else in the tests."""

from __future__ import annotations

import pytest

from loopwright.task import Instance
from loopwright.verify import PythonTask
from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

TAKEN = {
    "built-in": ("def len(x): return 3", "from solution import *", "len('a') == 3"),
    "named in __all__": (
        "__all__ = ['sorted', 'f']\ndef sorted(x): return 1",
        "from solution import *",
        "sorted('a') == 1",
    ),
    "module": (
        "class math: isclose = staticmethod(lambda *_: True)",
        "import math\nfrom solution import *",
        "math.isclose(1, 2)",
    ),
    "module that the tests do not import": (
        "class math: isclose = staticmethod(lambda *_: True)",
        "from solution import *",
        "math.isclose(1, 2)",
    ),
    "helper": ("def approx(x): return 1", "from checks import approx\nfrom solution import *", "1 == approx(9)"),
    "constant": ("WANTED = 1", "WANTED = 2\nfrom solution import *", "WANTED == 1"),
    "function of the tests": ("def ask(): return 1", "def ask(): return 2\nfrom solution import *", "ask() == 1"),
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("gold", [None, "def f(): return 1"], ids=["no gold", "gold"])
async def test_a_candidate_takes_no_name_of_the_tests(judge: Judge, name: str, gold: str | None) -> None:
    source, head, claim = TAKEN[name]
    tests = f"{head}\ndef test_it():\n    assert f() == 1\n    assert {claim}\n"
    (check,) = (await judge.grading(f"{source}\ndef f(): return 1\n", tests, gold=gold)).verdict.checks
    assert not check.passed
    assert check.evidence.startswith(f"assert {claim}")


async def test_the_candidates_own_names_are_brought(judge: Judge) -> None:
    await judge.passes(
        "import math\nfrom collections import deque as queue\n_hidden = 1\nLIMIT = 3\n"
        "def root(x): return math.sqrt(x)\ndef copy(xs): return list(xs)\nclass Stack: pass\n",
        """
        from solution import *
        def test_it():
            assert root(4) == 2 and copy([1]) == [1] and LIMIT == 3 and isinstance(Stack(), Stack)
            assert math.floor(2.5) == 2 and queue([1])
            assert "_hidden" not in globals()
        """,
    )


@pytest.mark.parametrize(
    ("goal", "gold", "brought"),
    [
        ("Write a function `filter(items)`.", None, True),
        ("Implement filter.", None, True),
        ("def filter(items): ...", None, True),
        ("Define `filter(items)`.", None, True),
        ("Write functions `sieve(items)` and `filter(items)`.", None, True),
        ("Reimplement Python's filter.", None, True),
        ("Function name: `filter`", None, True),
        ("Sieve the items.", "def filter(items): return items", True),
        ("Sieve the items.", None, False),
        ("Write a function that does as filter() does.", None, False),
        ("Sieve the items.", "from builtins import filter", False),
    ],
)
def test_a_task_may_ask_for_a_function_with_the_name_of_a_built_in_one(
    goal: str, gold: str | None, brought: bool
) -> None:
    public = {"tests": "from solution import *\ndef test_it(): assert filter([1])\n"}
    task = PythonTask.of(Instance(id="x", goal=goal, public=public, hidden={"solution": gold} if gold else {}))
    assert task.visible is not None
    assert ("filter" not in task.visible.withheld) is brought


@pytest.mark.parametrize("goal", ["Implement all functions.", "Write a set of functions.", "Write sorted output."])
def test_words_of_a_goal_ask_for_no_function(goal: str) -> None:
    public = {"tests": "from solution import *\ndef test_it(): assert all(f())\n"}
    task = PythonTask.of(Instance(id="x", goal=goal, public=public, hidden={}))
    assert task.visible is not None
    assert {"all", "set", "sorted"} <= set(task.visible.withheld)


@pytest.mark.parametrize(
    "head",
    [
        "try:\n    from math import isclose as same\nexcept ImportError: pass",
        "if True:\n    def same(a, b): return a == b",
        "from math import *\nsame = isclose",
        "match 1:\n    case 1 as same: pass\nsame = lambda a, b: a == b",
    ],
)
async def test_a_name_that_the_tests_bind_anyhow_is_theirs(judge: Judge, head: str) -> None:
    tests = f"{head}\nfrom solution import *\ndef test_it(): assert same(1, 2)\n"
    evidence = await judge.evidence("def same(*_): return True\ndef isclose(*_): return True\n", tests)
    assert evidence.startswith("assert same(1, 2)")


async def test_names_of_modules_may_be_the_candidates_own(judge: Judge) -> None:
    source = "from datetime import datetime\nstring = 'abc'\ntypes = {'a': 1}\nsolve = lambda: 1\n"
    tests = """
    solve = None
    from solution import *
    def test_it():
        assert string.upper() == "ABC" and types.get("a") == 1 and datetime.fromisoformat("2020-01-01").year == 2020
        assert solve() == 1
    """
    await judge.passes(source, tests)


async def test_a_name_that_is_imported_by_itself_is_the_candidates(judge: Judge) -> None:
    await judge.passes("def len(x): return 3\n", "from solution import len\ndef test_it(): assert len('a') == 3\n")


_RULES = """
import builtins
class Runtime:
    UNSET, RaisedByTest = None, ValueError
    def failure(self, *_): return ValueError()
globals()["@runtime"] = Runtime()
globals()["__builtins__"] = {**{name: vars(builtins)[name] for name in ("abs", "ValueError")}, "len": lambda _: 3}
__all__ = ["@runtime", "__builtins__", "f"]
def f(): raise ValueError
"""


@pytest.mark.parametrize(
    "check", ["assert len('a') == 3", "with raises(ValueError):\n        assert 1 == 2\n        f()"]
)
async def test_a_star_import_brings_nothing_that_rules_the_tests(judge: Judge, check: str) -> None:
    tests = f"from checks import raises\nfrom solution import *\ndef test_it():\n    {check}\n"
    evidence = await judge.evidence(_RULES, tests)
    assert evidence.startswith("assert ")
