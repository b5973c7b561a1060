"""Which blocks of Python are the program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.replies import is_python, program_of

ADD = "def add(a, b):\n    return a + b\n"
HELPER = "def helper(a):\n    return a\n"
USES = "def add(a, b):\n    return helper(a) + b\n"
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
        ([ADD, "print(add(1, 2))\n"], ADD),
        ([ADD, "def show():\n    print(add(1, 2))\n\n\nshow()\n"], ADD),
        ([ADD, "import numpy\n\ndef fast(a, b):\n    return numpy.add(a, b)\n"], ADD),
        (["add(1, 2)\n", ADD], ADD),
        (["print(1)\n", "print(2)\n"], "print(1)\n"),
        (["x = (\n", ADD], ADD),
    ],
)
def test_others_are_left_out(blocks: list[str], program: str) -> None:
    assert program_of(blocks) == program


snippets = st.sampled_from([ADD, HELPER, USES, TEST, MATH, FLOOR, "K = 0\n", "add(1, 2)\n", "x = (\n"])


@settings(deadline=None)
@given(st.lists(snippets, min_size=1, max_size=6))
def test_a_program_is_made_of_whole_blocks_in_their_order(blocks: list[str]) -> None:
    program = program_of(blocks)
    assert program in blocks or is_python(program)
    places = [program.find(block) for block in dict.fromkeys(blocks) if block in program]
    assert places
    assert len(program) <= sum(map(len, blocks)) + len(blocks)
