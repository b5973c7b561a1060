"""Which blocks of Python are the program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.replies import is_python, missing_names, program_of

ADD = "def add(a, b):\n    return a + b\n"
HELPER = "def helper(a):\n    return a\n"
USES = "def add(a, b):\n    return helper(a) + b\n"
WRONG = "\n\ndef add(a, b):\n    return 0\n"
TEST = "def test_add():\n    assert add(1, 2) == 3\n"
MATH = "import math\n"
FLOOR = "def add(a, b):\n    return math.floor(a + b) + K\n"


@pytest.mark.parametrize(
    "blocks",
    [
        [HELPER, USES],
        [USES, HELPER],
        [MATH, "K = 0\n", FLOOR],
        [FLOOR, MATH, "K = 0\n"],
        [HELPER, "def more(a):\n    return a\n", "def add(a, b):\n    return more(helper(a)) + b\n"],
        ["def sub(a, b):\n    return a - b\n", ADD],
        [HELPER, "def add(a, b):\n    return 0\n", USES],
        [USES.replace("helper(a)", "0"), HELPER, USES],
        [
            "class A:\n    pass\n",
            "def add(a, b):\n    A()\n    return a + b\n\n\nif __name__ == '__main__':\n    add(1, 2)\n",
        ],
        [HELPER, "from __future__ import annotations\n" + USES],
        [ADD, "def add(a, b): ...\n"],
        [ADD, "def add(a, b):\n    pass\n"],
        [ADD, 'def add(a, b):\n    """The sum."""\n'],
        [ADD, "def add(a, b):\n    raise NotImplementedError\n"],
        ["def add(a, b): ...\n", ADD],
        [HELPER + WRONG, USES],
        [HELPER + WRONG, "def helper(a): ...\n\n\n" + USES],
        [HELPER + WRONG + "\n\nassert add\nTABLE = [add]\n", USES],
        ["import math\n\n\n" + WRONG, "def add(a, b):\n    return math.floor(a + b)\n"],
        [
            HELPER + WRONG,
            "import math\n\n\ndef add(a, b):\n    return math.floor(helper(a) + b)\n\n\nprint(add(1, 2))\n",
        ],
        [HELPER, WRONG + "\n\ndef last():\n    return add\n", "@staticmethod\n" + USES + "\n\nassert last() is add\n"],
        ["from math import *\n", "def add(a, b):\n    return int(fsum([a, b]))\n"],
        ["import sys\n\nsys.setrecursionlimit(10_000)\n", "def add(a, b):\n    return a + b + 0 * sys.maxsize\n"],
        ["T = []\nfor i in range(10):\n    T.append(i)\n", "def add(a, b):\n    return T[a] + T[b]\n"],
        ["def plus(a, b):\n    return a + b\n", "add = plus\n"],
        ["from functools import lru_cache\n\n\ndef _add(a, b):\n    return a + b\n", "add = lru_cache(None)(_add)\n"],
        ["def _add(a, b):\n    return a + b\n", "from functools import cache\n\nadd = cache(_add)\n"],
        ["def plus(a, b, c):\n    return a + b + c\n", "import functools\n\nadd = functools.partial(plus, 0)\n"],
        [
            "class A:\n    def add(self, b):\n        return 1 + b\n",
            "def make(k):\n    return lambda a, b: k().add(b)\n",
            "add = make(A)\n",
        ],
        ["def check():\n    assert add(1, 2) == 3\n\n\ncheck()\n", ADD],
        ["import math\n\n\ndef show():\n    print(add(1, 2))\n\n\nshow()\n", HELPER, USES],
        ["def check(a, b):\n    assert add(a, b) == 3\n\n\ncheck(1, 2)\n", ADD + "\n\nprint(add(1, 2))\n"],
        ["def run():\n    assert add(1, 2) == 3\n\n\nrun()\n", ADD + "\n\nprint(add(1, 2))\n"],
        ["def main():\n    print(add(1, 2))\n\n\nmain()\n", ADD],
        ["K = 0\n", FLOOR, MATH, "K = 2\n"],
        ["print(add(1, 2))\n", "add = lambda a, b: a + b\n"],
        ["x = 1\n", "add = lambda a, b: a + b\n"],
    ],
)
def test_what_belongs_together_is_one_program(blocks: list[str]) -> None:
    values: dict[str, object] = {}
    exec(compile(program_of(blocks), "solution.py", "exec"), values)
    add = values["add"]
    assert callable(add)
    assert add(1, 2) == 3


@pytest.mark.parametrize(
    ("blocks", "program"),
    [
        ([ADD], ADD),
        ([ADD, USES], USES),
        ([HELPER + ADD, "def add(a, b):\n    return 0\n"], HELPER + ADD),
        ([ADD, TEST], ADD),
        ([ADD, "from solution import add\n" + TEST], ADD),
        ([TEST, ADD], ADD),
        (["from solution import add\n\n\n" + TEST, ADD], ADD),
        (
            ["import unittest\n\n\nclass TestAdd(unittest.TestCase):\n    def test(self):\n        add(1, 2)\n", ADD],
            ADD,
        ),
        (
            ["def test_prime(n):\n    return n > 1\n", "print(test_prime(2))\n"],
            "def test_prime(n):\n    return n > 1\n",
        ),
        ([ADD, "print(add(1, 2))\n"], ADD),
        ([ADD, "def show():\n    print(add(1, 2))\n\n\nshow()\n"], ADD),
        ([ADD, "import numpy\n\ndef fast(a, b):\n    return numpy.add(a, b)\n"], ADD),
        (["add(1, 2)\n", ADD], ADD),
        ([ADD, "total = sum([1, 2])\n"], ADD),
        ([ADD, "total = add(1, 2)\n"], ADD),
        ([ADD, "slow = timed(add)\n"], ADD),
        ([ADD, "import numpy\n\nadds = numpy.vectorize(add)\n"], ADD),
        (["add = cache(_add)\n", ADD.replace("add", "_add")], ADD.replace("add", "_add")),
        (["def check():\n    assert add(1, 2) == 3\n\n\ncheck()\n", ADD], ADD),
        (["class Check:\n    def all(self):\n        assert add(1, 2) == 3\n\n\nCheck().all()\n", ADD], ADD),
        (
            ["def log(text):\n    print(text)\n\n\nlog('a')\n", "def add(a, b):\n    log(a)\n    return a + b\n"],
            "def log(text):\n    print(text)\n\n\nlog('a')\n\ndef add(a, b):\n    log(a)\n    return a + b\n",
        ),
        (["print(1)\n", "print(2)\n"], "print(1)\n"),
        (["x = (\n", ADD], ADD),
    ],
)
def test_others_are_left_out(blocks: list[str], program: str) -> None:
    assert program_of(blocks) == program


@pytest.mark.parametrize(
    ("said", "program"),
    [
        ("A common mistake to avoid:", ADD),
        ("It runs in O(1).\n\n### Brute force (for comparison)\n\n", ADD),
        ("where previously it was:", ADD),
        ("Your original code was:", ADD),
        ("An async version:", ADD),
        ("I made a common mistake. Here it is again:", WRONG),
        ("Instead of the brute force, faster:", WRONG),
        ("Again:", WRONG),
    ],
)
def test_words_before_a_block_say_that_it_is_not_the_answer(said: str, program: str) -> None:
    assert program_of([ADD, WRONG], ["Here it is:", said]) == program
    assert program_of([WRONG], [said]) == WRONG


IN_PLACE = "def solve(a):\n    a.sort(key=cmp)\n\n\nsolve([2, 1])\n"
MAIN = "def main():\n    print(solve(1))\n\n\nmain()\n"
SUM_UP = "def add_to(a, all):\n    all.append(double(a))\n\n\ndef test():\n    add_to(1, [])\n\n\ntest()\n"


@pytest.mark.parametrize(
    ("blocks", "name"),
    [
        ([IN_PLACE, "def cmp(x):\n    return -x\n"], "solve"),
        ([IN_PLACE, "import math\n\n\ndef key(x):\n    return -x\n", "cmp = lambda x: key(x)\n"], "solve"),
        ([MAIN, "def solve(a):\n    return a\n"], "main"),
        ([MAIN, "def half(a):\n    return a\n", "def solve(a):\n    return half(a)\n"], "main"),
        ([SUM_UP, "def double(a):\n    return 2 * a\n"], "add_to"),
        (
            ["def show(x):\n    print(f(x))\n\n\nshow(1)\n", "def f(x):\n    return x\n\n\ndef g():\n    show(2)\n"],
            "show",
        ),
    ],
)
def test_a_block_that_executes_follows_what_it_needs(blocks: list[str], name: str) -> None:
    values: dict[str, object] = {}
    exec(compile(program_of(blocks), "solution.py", "exec"), values)
    assert callable(values[name])


@pytest.mark.parametrize("said", ["Wait, let me fix `add`:", "The corrected function:"])
def test_words_before_a_block_say_that_it_corrects_a_part(said: str) -> None:
    program = program_of([HELPER + WRONG, ADD], ["", said])
    assert program == HELPER + "\n\n" + ADD
    assert program_of([HELPER + WRONG, ADD], ["", "Or:"]) == HELPER + WRONG


def test_a_flood_of_corrections_is_survived() -> None:
    fixes = [f"def add(a, b):\n    return helper({number})\n" for number in range(1_000)]
    assert program_of([HELPER + WRONG, *fixes], ["Fix:"] * 1_001).startswith(HELPER)


@pytest.mark.parametrize(
    ("code", "missing"),
    [(USES, {"helper"}), (ADD, set()), ("from math import *\nsqrt(2)\n", set()), ("x = (\n", set())],
)
def test_names_that_a_program_lacks(code: str, missing: set[str]) -> None:
    assert missing_names(code) == missing


snippets = st.sampled_from([ADD, HELPER, USES, TEST, MATH, FLOOR, "K = 0\n", "add(1, 2)\n", "x = (\n"])
said = st.sampled_from(["", "Fix:", "For comparison:"])


@settings(deadline=None)
@given(st.lists(st.tuples(snippets, said), min_size=1, max_size=6))
def test_a_program_is_made_of_whole_blocks_in_their_order(reply: list[tuple[str, str]]) -> None:
    blocks = [block for block, _ in reply]
    program = program_of(blocks, [before for _, before in reply])
    assert program in blocks or is_python(program)
    places = [program.find(block) for block in dict.fromkeys(blocks) if block in program]
    assert places
    assert len(program) <= sum(map(len, blocks)) + len(blocks)
