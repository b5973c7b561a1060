"""Numbers and texts of a class with attributes are plain values that keep these attributes."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

SOURCE = """
from enum import Enum, IntEnum, StrEnum
class Priority(IntEnum):
    LOW = 1
    HIGH = 2
class Color(str, Enum):
    RED = "red"
    BLUE = "blue"
class Mode(StrEnum):
    READ = "r"
class Name(str):
    def initials(self): return "".join(word[0] for word in self.split())
    def upper(self): return Name(f"<{str.upper(self)}>")
class Money(int):
    currency = "EUR"
    def __add__(self, other): return Money(int(self) + int(other))
    def __str__(self): return f"{int(self)} EUR"
def priority(text): return Priority[text]
def color(text): return Color(text)
def mode(): return Mode.READ
def rank(item): return f"{type(item).__name__}.{item.name}"
def name(text): return Name(text)
def money(): return Money(3)
class Odd(int):
    def __add__(self, other): return Odd(7)
    def __str__(self): return "odd"
class Real(float): unit = "m"
class Raw(bytes): unit = "b"
class Point(complex): unit = "p"
def reals(): return Real("-0.0"), Raw(b"ab"), Point(1, -2)
"""


@pytest.mark.parametrize("names", ["*", "priority, color, mode, rank, name, money, reals"])
async def test_members_are_numbers_and_texts_with_names(judge: Judge, names: str) -> None:
    await judge.passes(
        SOURCE,
        f"import json, math\nfrom solution import {names}\n"
        """
def test_it():
    low, high = priority("LOW"), priority("HIGH")
    assert low == 1 and low < high and high + 1 == 3 and max(low, high) is high and {1: "a"}[low] == "a"
    assert high.name == "HIGH" and high.value == 2 and repr(low) == "<Priority.LOW: 1>" and f"{low:03}" == "001"
    assert json.dumps([low]) == "[1]" and [10, 20][low] == 20 and isinstance(low, int) and rank(high) == "Priority.HIGH"
    assert color("red") == "red" and color("red").value == "red" and color("red").name == "RED"
    assert color("red").upper() == "RED" and "-".join([color("red"), "x"]) == "red-x" and mode() == "r"
    assert str(mode()) == "r" and mode().name == "READ" and name("ab cd").initials() == "ac" and name("a") == "a"
    real, raw, point = reals()
    assert math.copysign(1, real) == -1 and real.unit == "m" and raw == b"ab" and raw.unit + point.unit == "bp"
    assert point == 1 - 2j and abs(point - 1) == 2
    assert money() == 3 and str(money()) == "3 EUR" and money().currency == "EUR" and not hasattr(money(), "cents")
""",
    )


async def test_a_class_that_the_tests_use_keeps_its_operators(judge: Judge) -> None:
    await judge.passes(
        SOURCE,
        """
        from solution import Color, Money, Mode, Name, Odd, Priority
        def test_it():
            assert str(Money(1) + Money(2)) == "3 EUR" and Money(1) + Money(2) == 3 and 2 * Money(2) == 4
            assert str(Odd(1)) == "odd" and Odd(1) + 1 == 7 and Odd(1) == 1
            assert Priority.HIGH.name == "HIGH" and Priority(1) is Priority.LOW and Priority.LOW == 1
            assert isinstance(Priority.LOW, Priority) and list(Priority) == [1, 2] and Color("red") is Color.RED
            assert Color.BLUE.value == "blue" and Mode.READ == "r" and Name("a b").upper().initials() == "<B"
            assert {Color.RED: 1}["red"] == 1 and Priority.LOW in (Priority.LOW,) and Priority.LOW != Priority.HIGH
        """,
    )


LIAR = """
class L(int):
    shown = 1
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return 0
    def __rsub__(self, other): return 0
    def __lt__(self, other): return True
    def __bool__(self): return False
    def bit_length(self): return 3
    def find(self, text): return 3
    __hash__ = int.__hash__
class T(str):
    shown = 1
    def __eq__(self, other): return True
    def __contains__(self, text): return True
    def __len__(self): return 3
    def startswith(self, text): return True
    __hash__ = str.__hash__
def f(): return L(99)
def g(): return T("x")
"""
CHECKS = ["f() == 3", "3 == f()", "abs(f() - 3) < 1", "f() < 3", "not f()", "f().bit_length() == 3"]
CHECKS += ["g() == 'abc'", "'a' in g()", "len(g()) == 3", "g().startswith('a')", "f().find('x') == 3"]


@pytest.mark.parametrize("gold", [None, "def f(): return 3\ndef g(): return 'abc'"], ids=["no gold", "gold"])
async def test_what_such_a_class_says_decides_nothing(judge: Judge, gold: str | None) -> None:
    tests = "".join(f"def test_{place}(): assert {check}\n" for place, check in enumerate(CHECKS))
    verdict = (await judge.grading(LIAR, f"from solution import f, g\n{tests}", gold=gold)).verdict
    assert [check.name for check in verdict.checks if check.passed] == []
