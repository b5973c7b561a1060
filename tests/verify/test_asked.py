"""An object of the candidate's class decides no test that expects a plain value."""

from __future__ import annotations

import pytest

from loopwright.task import Instance
from loopwright.verify import PythonTask
from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

LIAR = """
class Liar(BASE):
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return lambda *_: True
    def _zero(self, *_): return 0
    def _yes(self, *_): return True
for op in "add sub mul truediv mod and or xor pow divmod".split():
    for reflected in ("", "r", "i"): setattr(Liar, f"__{reflected}{op}__", Liar._zero)
for op in "eq ne lt le gt ge contains bool".split(): setattr(Liar, f"__{op}__", Liar._yes)
for op in "abs neg round trunc floor int len index hash".split(): setattr(Liar, f"__{op}__", Liar._zero)
Liar.__float__ = lambda self: 0.0
Liar.__iter__ = lambda self: iter(())
Liar.__getitem__ = lambda self, key: Liar()
"""
ASSERTIONS = {
    "subtraction": "abs(f() - 0.33) < 1e-6",
    "reflected subtraction": "abs(0.33 - f()) < 1e-6",
    "remainder": "f() % 7 == 0",
    "exclusive or": "not f() ^ {1, 2}",
    "less": "f() < 0.1",
    "both sides": "f() < f()",
    "equality": "f() == 0 or f() == True",
    "equality of two": "f() == f()",
    "membership": "3 in f()",
    "length": "len(f()) == 1",
    "truth": "f() and True",
    "index": "f()[0]",
    "a number": "int(f()) == 0 and math.isclose(f(), 0.0)",
    "rounding": "round(f(), 2) == 0",
    "absolute": "abs(f()) == 0",
    "sum": "sum([f()]) == 0",
    "sorting": "sorted([f(), f()])",
    "largest": "max(f(), 1)",
    "key": "f() in {0: 1, True: 2}",
    "set": "len({f(), 0}) == 1",
    "prefix": "f().startswith('ab')",
    "subset": "f().issubset({1})",
    "unittest": "not unittest.TestCase().assertAlmostEqual(f(), 5)",
}
GOLD = "def f(): return 1"


@pytest.mark.parametrize("base", ["", "ValueError"])
@pytest.mark.parametrize("gold", [None, GOLD], ids=["no gold", "gold"])
async def test_an_object_decides_nothing(judge: Judge, gold: str | None, base: str) -> None:
    tests = "".join(f"def test_{name.replace(' ', '_')}():\n    assert {check}\n" for name, check in ASSERTIONS.items())
    grading = await judge.grading(
        LIAR.replace("BASE", base) + "f = lambda: Liar()\n",
        "import math, unittest\nfrom solution import f\n" + tests,
        gold=gold,
    )
    passed = [check.name for check in grading.verdict.checks if check.passed]
    # No method answers for these: an exception class has no operators, and any object is true as Python has it.
    assert passed == (["test_truth"] if base else [])


async def test_a_gold_solution_says_which_attributes_are_asked_for(judge: Judge) -> None:
    tests = "from solution import f\ndef test_it(): assert f().count('a') == 1\n"
    liar = "class L:\n    def count(self, _): return 1\ndef f(): return L()\n"
    assert not (await judge.grading(liar, tests, gold="def f(): return 'a'")).verdict.passed
    assert (await judge.grading(liar, tests, gold=liar)).verdict.passed


async def test_a_class_in_the_place_of_a_function_decides_nothing(judge: Judge) -> None:
    tests = "from solution import f\ndef test_it(): assert abs(f() - 1) < 1e-6\n"
    liar = LIAR.replace("BASE", "") + "f = Liar\n"
    assert not (await judge.grading(liar, tests, gold=GOLD)).verdict.passed
    assert not (await judge.grading(liar, tests)).verdict.passed


async def test_a_refusal_cannot_be_caught_by_the_candidate(judge: Judge) -> None:
    liar = "class L:\n    def __sub__(self, _): return 0\ndef each(check):\n    try: check(L())\n    except: pass\n"
    tests = """
    from solution import each
    def test_it():
        def check(x): assert abs(x - 3) < 1e-6
        each(check)
    """
    (check,) = (await judge.grading(liar, tests)).verdict.checks
    assert not check.passed
    assert check.evidence.startswith("__sub__ of an object of the candidate's class L decides no test")


async def test_a_container_is_what_iterating_over_it_gave_once(judge: Judge) -> None:
    twofaced = """
    class Faces:
        turns = 0
        def __len__(self): return 7
        def __reversed__(self): return iter([])
        def __iter__(self):
            self.turns += 1
            return iter([3, 1, 2] if self.turns == 1 else [])
    def f(): return Faces()
    class Again:
        turns = 0
        def __iter__(self): return self
        def __next__(self):
            self.turns += 1
            if self.turns % 2: return self.turns
            raise StopIteration
    def g(): return Again()
    """
    await judge.passes(
        twofaced,
        """
        from solution import f, g
        def test_container():
            found = f()
            assert sorted(found) == [1, 2, 3] and list(found) == [3, 1, 2] and len(found) == 3 and 2 in found
            assert list(reversed(found)) == [2, 1, 3]
        def test_iterator():
            found = g()
            assert list(found) == [1] and list(found) == [] and 3 not in found
        """,
    )


OPERATORS = """
from dataclasses import dataclass
@dataclass(order=True)
class Money:
    cents: int
    def __add__(self, other): return Money(self.cents + (other if isinstance(other, int) else other.cents))
    __radd__ = __add__
    def __bool__(self): return self.cents != 0
class Purse:
    def __init__(self): self.coins = []
    def __len__(self): return len(self.coins)
    def __contains__(self, coin): return coin in self.coins
    def __getitem__(self, place): return self.coins[place]
    def count(self, coin): return self.coins.count(coin)
def make(*coins):
    purse = Purse()
    purse.coins += coins
    return purse
"""


@pytest.mark.parametrize("gold", [None, OPERATORS], ids=["no gold", "gold"])
async def test_objects_of_the_tasks_own_classes_answer(judge: Judge, gold: str | None) -> None:
    tests = """
    from solution import Money, make
    def test_it():
        assert Money(1) + 2 == Money(3) and sum([Money(1), Money(2)]) == Money(3) and Money(1) < Money(2)
        assert not Money(0) and len(make(1, 2)) == 2 and 2 in make(1, 2) and make(1)[0] == 1 and make(1).count(1) == 1
        assert {Money: 1} and hash(make) == hash(make)
    """
    (check,) = (await judge.grading(OPERATORS, tests, gold=gold)).verdict.checks
    assert check.passed, check.evidence


@pytest.mark.parametrize(
    ("gold", "answered"),
    [
        ("class A:\n    def __lt__(self, other): return True", "__gt__ __le__"),
        ("class A:\n    def __add__(self, other): return 1", "__radd__ __iadd__"),
        ("import functools\n@functools.total_ordering\nclass A: pass", "__lt__ __ge__"),
        ("import enum\nclass A(enum.Enum): B = 1", "__len__ __getitem__"),
        ("import collections\nclass A(collections.UserList): pass", "__lt__ __len__ __sub__"),
        ("class A:\n    def __init__(self): self.count = 0", "count"),
    ],
)
def test_what_a_gold_solution_has_objects_answer(gold: str, answered: str) -> None:
    tests = "from solution import A\ndef test_it(): pass\n"
    task = PythonTask.of(Instance(id="x", goal="x", public={"tests": tests}, hidden={"solution": gold}))
    assert not set(answered.split()) & set(task.bare.refused)


MADE = {
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'x count')\ndef f(): return P(1, 2)\n",
        "p.x == 1 and p.count == 2 and p == (1, 2) and p[1] == 2 and len(p) == 2 and p < (1, 3)",
    ),
    "typed": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    count: int\ndef f(): return P(1, 2)\n",
        "p.x == 1 and p.count == 2 and p == (1, 2) and p[1] == 2 and len(p) == 2 and p < (1, 3)",
    ),
    "namespace": (
        "from types import SimpleNamespace\ndef f(): return SimpleNamespace(x=1, count=2)\n",
        "p.x == 1 and p.count == 2 and p == f()",
    ),
    "any attribute": (
        "class P:\n    def __getattr__(self, name):\n        if name == 'count': return 2\n"
        "        raise AttributeError(name)\n"
        "def f(): return P()\n",
        "p.count == 2",
    ),
    "dataclass": (
        "from dataclasses import make_dataclass\nP = make_dataclass('P', ['x', 'count'])\ndef f(): return P(1, 2)\n",
        "p.count == 2 and p == f()",
    ),
    "class made by type": ("P = type('P', (), {'__len__': lambda self: 2})\ndef f(): return P()\n", "len(p) == 2"),
}


@pytest.mark.parametrize("made", MADE)
async def test_objects_of_classes_that_a_gold_solution_makes_by_a_call_answer(judge: Judge, made: str) -> None:
    gold, expected = MADE[made]
    tests = f"from solution import f\ndef test_it():\n    p = f()\n    assert {expected}\n"
    (check,) = (await judge.grading(gold, tests, gold=gold)).verdict.checks
    assert check.passed, check.evidence


@pytest.mark.parametrize(
    ("field", "use"),
    [("isdigit", "f().isdigit()"), ("startswith", "f().startswith('a')"), ("count", "f().count(1) == 2")],
)
@pytest.mark.parametrize("gold", [None, "def f(): return 'aa'"], ids=["no gold", "gold"])
async def test_a_field_of_a_named_tuple_answers_for_no_method_of_a_plain_value(
    judge: Judge, field: str, use: str, gold: str | None
) -> None:
    fields = f"from collections import namedtuple\nP = namedtuple('P', '{field}')\n"
    source = f"{fields}def f(): return P(lambda *asked: 2)\n"
    (check,) = (
        await judge.grading(source, f"from solution import f\ndef test_it(): assert {use}\n", gold=gold)
    ).verdict.checks
    assert not check.passed, check.evidence


async def test_what_was_printed_is_text(judge: Judge) -> None:
    source = """
    import gc
    class Said:
        def __contains__(self, text): return True
    for found in gc.get_objects():
        if type(found) is dict and {"import", "output"} == found.keys(): found["output"] = Said
    class Stack: pass
    """
    evidence = await judge.evidence(
        source,
        """
        from checks import output
        from solution import Stack
        def test_it():
            Stack()
            assert "hello" in output()
        """,
    )
    assert "no text" in evidence


@pytest.mark.parametrize(
    ("name", "use", "passes"),
    [
        ("PRIMES", "5 in PRIMES", False),
        ("LRU", "5 in LRU()", True),
        ("BST", "isinstance(f(), BST) and 5 in f()", True),
        ("RGB", "RGB.RED == 1 and f() | 2", True),
    ],
)
async def test_a_name_in_capitals_is_a_class_only_if_tests_use_it_as_one(
    judge: Judge, name: str, use: str, passes: bool
) -> None:
    """A constant of the candidate decides no test; a class may answer what tests ask of it."""
    source = f"""
class T:
    RED = 1
    def __eq__(self, other): return True
    def __or__(self, other): return True
    def __contains__(self, other): return True
{name} = T"""
    source += "()\n" if name == "PRIMES" else "\n"
    tests = f"from solution import {name}, f\ndef test_it(): assert {use}\n"
    (check,) = (await judge.grading(source + "def f(): return T()\n", tests)).verdict.checks
    assert check.passed is passes, check.evidence


_DATES = """
import datetime, decimal, fractions, pathlib, uuid
class D(datetime.date):
    def __sub__(self, other): return datetime.timedelta(3)
    def __eq__(self, other): return True
class N(decimal.Decimal):
    def __sub__(self, other): return decimal.Decimal(0)
    def __str__(self): return "3 EUR"
class F(fractions.Fraction):
    def __eq__(self, other): return True
class P(type(pathlib.Path())):
    def __truediv__(self, other): return pathlib.Path("a/x")
class U(uuid.UUID):
    def __eq__(self, other): return True
class L:
    def __sub__(self, other): return datetime.timedelta(3)
day, number, part, path, key, liar = D(1, 1, 1), N(9), F(1, 2), P("b"), U(int=3), L()
"""


@pytest.mark.parametrize(
    ("check", "passes"),
    [
        ("day == date(1, 1, 1) and day != date(1, 1, 2) and day.year == 1", True),
        ("(day - date(2020, 1, 1)).days == 3", False),
        ("(liar - date(2020, 1, 1)).days == 3", False),
        ("number == 9 and str(number) == '9' and number - 9 == 0", True),
        ("abs(number - Decimal(3)) < 1", False),
        ("part == Fraction(1, 2) and part != 1", True),
        ("path == Path('b') and path / 'x' == Path('b/x')", True),
        ("key == UUID(int=3) and key != UUID(int=4)", True),
    ],
)
async def test_values_of_the_standard_library_are_plain_whatever_class_extends_them(
    judge: Judge, check: str, passes: bool
) -> None:
    head = "from datetime import date\nfrom decimal import Decimal\nfrom fractions import Fraction\n"
    head += "from pathlib import Path\nfrom uuid import UUID\nfrom solution import day, number, part, path, key, liar\n"
    (found,) = (await judge.grading(_DATES, f"{head}def test_it(): assert {check}\n")).verdict.checks
    assert found.passed is passes, found.evidence


_METHODS = """
import datetime, decimal, pathlib
class Day(datetime.date):
    def weekday(self): return 0
    def is_free(self): return True
class Price(decimal.Decimal):
    def is_nan(self): return False
    def quantize(self, *other): return decimal.Decimal(0)
    def cents(self): return int(self * 100)
class Place(pathlib.PurePosixPath):
    def is_absolute(self): return False
    def is_relative_to(self, *other): return True
    def size(self): return 0
class Span(datetime.timedelta):
    def total_seconds(self): return 3600
    def hours(self): return 1
def day(): return Day(2020, 1, 8)
def price(): return Price("3.5")
def none(): return Price("NaN")
def place(): return Place("/etc/passwd")
def span(): return Span(seconds=1)
"""


@pytest.mark.parametrize("names", ["*", "day, price, none, place, span"])
@pytest.mark.parametrize(
    ("check", "passes"),
    [
        ("day() == date(2020, 1, 8) and day() > date(2020, 1, 1) and isinstance(day(), date)", True),
        ("price() == Decimal('3.5') and isinstance(price(), Decimal) and price() * 2 == 7", True),
        ("day().weekday() == 0", False),
        ("price().quantize(Decimal(1)) == 0", False),
        ("not none().is_nan()", False),
        ("not place().is_absolute()", False),
        ("place().is_relative_to('/srv')", False),
        ("span().total_seconds() == 3600", False),
    ],
)
async def test_values_of_the_standard_library_are_plain_whatever_methods_a_class_adds(
    judge: Judge, check: str, passes: bool, names: str
) -> None:
    head = f"from datetime import date\nfrom decimal import Decimal\nfrom solution import {names}\n"
    (found,) = (await judge.grading(_METHODS, f"{head}def test_it(): assert {check}\n")).verdict.checks
    assert found.passed is passes, found.evidence


async def test_a_class_over_a_value_keeps_its_methods(judge: Judge) -> None:
    source = """
    from decimal import Decimal
    class Money(Decimal):
        def __str__(self): return f"{Decimal.__str__(self)} EUR"
        def cents(self): return int(self * 100)
    class Plain(Decimal):
        def __str__(self): return "x"
    def money(text): return Money(text)
    """
    await judge.passes(
        source,
        "from solution import Money, Plain, money\ndef test_it():\n"
        "    assert money('2').cents() == 200 and Money('1').cents() == 100 and str(Money('1')) == '1 EUR'\n"
        "    assert str(Plain(1)) == 'x'\n",
    )


@pytest.mark.parametrize(
    ("tests", "passes"),
    [
        ("def test_it(): assert Thing() + 1 == 3", True),
        ("class Thing: pass\ndef test_it(): assert f() + 1 == 3", False),
        ("from typing import Any\ndef test_it(x: Any = None): assert f() + 1 == 3", False),
        ("def test_it():\n    with raises(ValueError): f(1)\n    assert f() + 1 == 3", False),
    ],
)
async def test_a_star_import_names_the_classes_that_tests_use(judge: Judge, tests: str, passes: bool) -> None:
    source = """
class Thing:
    def __add__(self, other): return 3
def f(*bad):
    if bad: raise ValueError
    return Thing()
"""
    head = "from checks import raises\nfrom solution import *\n"
    verdict = (await judge.grading(source, f"{head}{tests}\n")).verdict
    assert verdict.passed is passes


_COUNTS = """
    from collections import defaultdict
    from itertools import count
    def f(): return defaultdict(count().__next__)
    """


_COPIES = """
    from collections import defaultdict
    from itertools import count
    numbers = count()
    class Number:
        def __deepcopy__(self, memo): return next(numbers)
    def f(): return defaultdict(Number)
    """


@pytest.mark.parametrize("source", [_COUNTS, _COPIES])
@pytest.mark.parametrize("gold", [None, "def f(): return {}"])
async def test_what_fills_a_defaultdict_decides_no_test(judge: Judge, source: str, gold: str | None) -> None:
    tests = """
        from solution import f
        def test_order():
            found = f()
            assert found["a"] < found["b"]
        """
    assert not (await judge.grading(source, tests, gold=gold)).verdict.passed


_MIXED = """
    from collections import defaultdict, namedtuple
    from itertools import count
    Point = namedtuple("Point", "x y")
    class Node: pass
    node, numbers = Node(), count()
    def f(): return defaultdict(lambda: MADE)
    """


@pytest.mark.parametrize(
    ("made", "check"),
    [
        ("[node, next(numbers)]", "found['a'] < found['b']"),
        ("Point(node, next(numbers))", "found['a'].y < found['b'].y"),
        ("Point(0, next(numbers))", "found['a'] < found['b']"),
        ("node if next(numbers) else -1", "found['a'] != found['b']"),
        ("(-0.0, 0.0)[next(numbers)]", "str(found['a']) != str(found['b'])"),
    ],
)
async def test_what_counts_beside_an_object_decides_no_test(judge: Judge, made: str, check: str) -> None:
    tests = f"from solution import f\ndef test_it():\n    found = f()\n    assert {check}\n"
    (graded,) = (await judge.grading(_MIXED.replace("MADE", made), tests)).verdict.checks
    assert not graded.passed
    assert "NameError" not in graded.evidence


@pytest.mark.parametrize("made", ["Node()", "[Node(), 1]", "Point(1, 2)"])
async def test_each_key_of_a_defaultdict_gets_an_object_of_its_own(judge: Judge, made: str) -> None:
    source = """
        from collections import defaultdict, namedtuple
        Point = namedtuple("Point", "x y")
        class Node: pass
        def f(): return defaultdict(lambda: MADE)
        """
    tests = """
        from solution import f
        def first(value): return value[0] if isinstance(value, list) else value
        def test_it():
            found = f()
            assert first(found["a"]) is not first(found["b"])
            assert first(found["a"]) is first(found["a"])
            assert not isinstance(found["b"], tuple) or found["b"] == (1, 2)
        """
    graded = await judge.grading(source.replace("MADE", made), tests)
    assert graded.verdict.passed, graded.verdict


async def test_a_defaultdict_goes_back_with_its_own_function(judge: Judge) -> None:
    source = _COUNTS + "def encode(found, words): return [found[word] for word in words]\n    "
    tests = """
        from solution import encode, f
        def test_it():
            found = f()
            assert encode(found, "abc") == [0, 1, 2]
            assert found == {"a": 0, "b": 1, "c": 2}
        """
    graded = await judge.grading(source, tests)
    assert graded.verdict.passed, graded.verdict


@pytest.mark.parametrize("gold", ["defaultdict()", "defaultdict(None, {'a': 1})"])
async def test_a_gold_defaultdict_without_a_function_allows_none_that_counts(judge: Judge, gold: str) -> None:
    tests = "from solution import f\ndef test_it():\n    found = f()\n    assert found['a'] < found['b']\n"
    head = "from collections import defaultdict\n"
    assert not (await judge.grading(_COUNTS, tests, gold=f"{head}def f(): return {gold}")).verdict.passed
    own = f"{head}def f():\n    found = {gold}\n    found.default_factory = lambda: 1\n    return found"
    assert (await judge.grading(_COUNTS, tests, gold=own)).verdict.passed


@pytest.mark.parametrize(
    ("source", "gold"),
    [
        ("def f(): return defaultdict(lambda: [])", "def f(): return defaultdict(list)"),
        ("def f(): return defaultdict(list)", "def f(): return defaultdict(list)"),
        ("def tree(): return defaultdict(tree)\ndef f(): return defaultdict(lambda: [])", None),
        (
            _COUNTS.replace("count().__next__", "lambda n=count(): [1] * next(n)"),
            "def f(): return defaultdict(lambda: 1)",
        ),
    ],
)
async def test_a_defaultdict_fills_itself(judge: Judge, source: str, gold: str | None) -> None:
    head = "from collections import defaultdict\n"
    tests = """
        from solution import f
        def test_it():
            found = f()
            assert found["a"] == []
            found["a"].append(1)
            assert len(found["b"]) in (0, 1)
        """
    source = source if "import" in source else head + source
    graded = await judge.grading(source, tests, gold=gold and head + gold)
    assert graded.verdict.passed, graded.verdict
