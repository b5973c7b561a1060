"""What a failed test says: enough to repair the candidate, and nothing of the machinery."""

from __future__ import annotations

import re
import textwrap

import pytest

from loopwright.verify import Verdict
from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

SOLUTION = """
def add(a, b): return a - b
def numbers(n): return list(range(n))
def same(x): return x
def fail(): raise LookupError("no such key")
def outer(): return inner()
def inner():
    value = {}
    return value["missing"]
def lazy(): return map(str, [1])
def once(seen=[]):
    seen.append(1)
    return len(seen)
def forever(n): return forever(n + 1)
class Box:
    def __repr__(self): raise RuntimeError("no repr")
"""


@pytest.mark.parametrize(
    ("body", "evidence"),
    [
        (
            "assert add(2, 3) == 5",
            """
            assert add(2, 3) == 5
              add(2, 3) is -1
            """,
        ),
        (
            "assert once() == 2",
            """
            assert once() == 2
              once() is 1
            """,
        ),
        (
            "for n, want in [(1, 0), (2, 5)]:\n        assert add(n, 1) == want, 'sum'",
            """
            assert add(n, 1) == want
              sum
              add(n, 1) is 1
              want is 5
              n is 2
            """,
        ),
        (
            "assert 0 < add(1, 0) < same(1) < 5",
            """
            assert 0 < add(1, 0) < same(1) < 5
              add(1, 0) is 1
              same(1) is 1
            """,
        ),
        (
            "assert add(0, 1) > 0 and same(1) == 2",
            """
            assert add(0, 1) > 0 and same(1) == 2
              add(0, 1) is -1
            """,
        ),
        (
            "assert not same([1])",
            """
            assert not same([1])
              same([1]) is [1]
            """,
        ),
        (
            "assert (\n        same(1)\n        in numbers(1)\n    )",
            """
            assert same(1) in numbers(1)
              same(1) is 1
              numbers(1) is [0]
            """,
        ),
        (
            "assert isinstance(same('x'), int)",
            """
            assert isinstance(same('x'), int)
              isinstance(same('x'), int) is False
            """,
        ),
        (
            "assert numbers(3000) == numbers(30) + [7]",
            """
            assert numbers(3000) == numbers(30) + [7]
              numbers(3000) is [0, 1, 2, <any>, 22, 23, ...]
              numbers(30) + [7] is [0, 1, 2, <any>, 22, 23, ...]
              first difference at [30]: 30 and 7
            """,
        ),
        (
            "assert lazy() == ['1']",
            """
            assert lazy() == ['1']
              lazy() is <map object at 0x<any>>
              an object of class map equals no plain value
            """,
        ),
        (
            "box = Box()\n    assert same(box) == 1",
            """
            assert same(box) == 1
              same(box) is <Box instance at 0x<any>>
              an object of class Box equals no plain value
              box is <Box instance at 0x<any>>
            """,
        ),
        (
            "assert same(10 ** 6000) == 1",
            """
            assert same(10 ** 6000) == 1
              same(10 ** 6000) is <int of 19932 bits>
            """,
        ),
        (
            "fail()",
            """
            LookupError: no such key
              in the test: fail()
              solution.py, line 5, in fail: def fail(): raise LookupError("no such key")
            """,
        ),
        (
            "assert outer() == 1",
            """
            KeyError: 'missing'
              in the test: assert outer() == 1
              solution.py, line 6, in outer: def outer(): return inner()
              solution.py, line 9, in inner: return value["missing"]
            """,
        ),
        (
            "forever(0)",
            """
            RecursionError: maximum recursion depth exceeded
              in the test: forever(0)
              solution.py, line 14, in forever: def forever(n): return forever(n + 1)
              ... the same <any> more times ...
            """,
        ),
        (
            "with raises(ValueError):\n        add(1, 2)",
            """
            ValueError was not raised
              in the test: with raises(ValueError): add(1, 2)
            """,
        ),
        (
            "with raises(KeyError, match='x'):\n        outer()",
            """
            KeyError was raised, but its message "'missing'" does not match 'x'
              in the test: with raises(KeyError, match='x'): outer()
            """,
        ),
        (
            "helper(1)",
            """
            assert add(n, 1) == 5
              add(n, 1) is 0
              n is 1
              in the test: helper(1)
            """,
        ),
        (
            "add(1)",
            """
            TypeError: add() missing 1 required positional argument: 'b'
              in the test: add(1)
            """,
        ),
        (
            "import solution\n    solution.nothing",
            """
            AttributeError: module 'solution' has no attribute 'nothing'
              in the test: solution.nothing
            """,
        ),
    ],
)
async def test_evidence(judge: Judge, body: str, evidence: str) -> None:
    tests = "from checks import raises\nfrom solution import *\n\ndef helper(n):\n    assert add(n, 1) == 5\n\n"
    found = await judge.evidence(SOLUTION, f"{tests}def test_it():\n    {body}\n")
    parts = textwrap.dedent(evidence).strip("\n").split("<any>")
    pattern = ".*".join(re.escape(part) for part in parts)
    assert re.fullmatch(pattern, found), found


async def test_a_syntax_error_is_told_once_with_line_and_caret(judge: Judge) -> None:
    verdict = await judge.verdict(
        "def add(a, b):\n    retrun a + b\n",
        """
        from solution import add
        def test_one(): assert add(1, 1) == 2
        def test_two(): assert add(1, 2) == 3
        """,
    )
    first, second = verdict.checks
    assert first.evidence == textwrap.dedent(
        """\
        SyntaxError: invalid syntax
          solution.py, line 2:
            retrun a + b
                   ^"""
    )
    assert second.evidence == "not run, for the same reason as test_one"
    assert verdict.summary == "solution.py cannot be imported: SyntaxError: invalid syntax"
    assert verdict.score == 0


async def test_evidence_is_short(judge: Judge) -> None:
    evidence = await judge.evidence(
        "def f(): raise ValueError('x' * 100_000)",
        """
        from solution import f
        def test_it(): assert f() == 1
        """,
    )
    assert len(evidence) < 1600


async def test_what_was_printed_is_kept_short(judge: Judge) -> None:
    grading = await judge.grading(
        """
        import sys
        def f():
            print("first")
            for _ in range(200): print("x" * 1000)
            print("last")
            print("oops", file=sys.stderr)
        """,
        """
        from solution import f
        def test_it(): f()
        """,
    )
    outcome = grading.outcomes["test_it"]
    assert outcome.passed
    assert outcome.stdout.startswith("first\nx")
    assert outcome.stdout.endswith("last\n")
    assert "left out" in outcome.stdout
    assert len(outcome.stdout) < 2200
    assert outcome.stderr == "oops\n"


async def test_what_a_candidate_says_harms_neither_terminal_nor_record(judge: Judge) -> None:
    grading = await judge.grading(
        """
        def f():
            print("\\x1b[2J\\r\\0")
            raise ValueError("\\ud800\\x1b]0;title\\x07\\u202e é")
        """,
        """
        from solution import f
        def test_it(): f()
        """,
    )
    evidence = grading.verdict.checks[0].evidence
    assert evidence.startswith("ValueError: \\ud800\\x1b]0;title\\x07\\u202e é\n")
    assert grading.outcomes["test_it"].stdout == "\\x1b[2J\\r\\x00\n"
    assert Verdict.model_validate_json(grading.verdict.model_dump_json()) == grading.verdict
