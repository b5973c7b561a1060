"""Tests see a candidate's objects as if they were in the same process."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio


async def test_plain_values_cross_as_themselves(judge: Judge) -> None:
    await judge.passes(
        "def same(x): return x",
        """
        from collections import Counter, OrderedDict, defaultdict, deque
        from datetime import date, datetime, time, timedelta, timezone
        from decimal import Decimal
        from fractions import Fraction
        from pathlib import PurePosixPath
        from uuid import UUID
        from solution import same

        VALUES = [
            None, True, False, 0, -1, 255, 256, 2**1000, -(2**1000), 0.1, float("inf"), 1j, "", "héllo\\ud800", b"\\0",
            [], [1, [2, "x"]], (), (1,), {}, {"a": {1: None}}, set(), {1, "2"}, frozenset({1}), bytearray(b"xy"),
            ..., range(3, 9, 2), slice(1, None), Counter("hello"), OrderedDict(a=1), deque([1, 2], maxlen=3),
            date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3, 4, timezone.utc), time(1, 2), timedelta(days=-1),
            Decimal("1.10"), Fraction(1, 3), PurePosixPath("a/b"), UUID(int=7),
        ]

        def test_same():
            for value in VALUES:
                result = same(value)
                assert result == value
                assert type(result) is type(value)

        def test_nan():
            assert same(float("nan")) != same(float("nan"))

        def test_defaultdict_keeps_its_factory():
            result = same(defaultdict(list, a=[1]))
            result["b"].append(2)
            assert result == {"a": [1], "b": [2]}

        def test_types_and_functions_of_python():
            assert same(int) is int
            assert same(len) is len
            assert same(ValueError) is ValueError
        """,
    )


async def test_changes_in_place_are_seen(judge: Judge) -> None:
    await judge.passes(
        """
        def sort(items): items.sort()
        def fill(box):
            box["list"].append(1)
            box["dict"]["k"] = "v"
            box["set"].discard(1)
            box["new"] = box["list"]
        def swap(matrix): matrix[0], matrix[1] = matrix[1], matrix[0]
        def same(x): return x
        def rename(*, options): options["b"] = options.pop("a")
        def reverse(data): data.reverse()
        def rotate(items): items.rotate(1)
        def count(counter): counter["x"] += 1
        """,
        """
        from collections import Counter, deque
        from solution import *

        def test_list():
            items = [3, 1, 2]
            assert sort(items) is None
            assert items == [1, 2, 3]

        def test_nested_keeps_identity():
            inner = []
            box = {"list": inner, "dict": {}, "set": {1, 2}}
            fill(box)
            assert inner == [1]
            assert box["list"] is inner and box["new"] is inner
            assert box["dict"] == {"k": "v"} and box["set"] == {2}

        def test_rows_swap():
            one, two = [1], [2]
            matrix = [one, two]
            swap(matrix)
            assert matrix[0] is two and matrix[1] is one

        def test_returned_argument_is_the_argument():
            items = [1]
            assert same(items) is items
            assert same((items, items))[1] is items

        def test_keyword_argument():
            options = {"a": 1}
            rename(options=options)
            assert options == {"b": 1}

        def test_other_containers():
            data, items, counter = bytearray(b"abc"), deque([1, 2, 3]), Counter()
            reverse(data), rotate(items), count(counter)
            assert data == b"cba"
            assert list(items) == [3, 1, 2]
            assert counter == {"x": 1}

        def test_cycle():
            items = [1]
            items.append(items)
            result = same(items)
            assert result is items and result[1] is items
        """,
    )


async def test_classes(judge: Judge) -> None:
    await judge.passes(
        """
        import enum
        from collections import namedtuple
        from dataclasses import dataclass
        from typing import NamedTuple

        class Stack:
            limit = 3
            def __init__(self): self._items = []
            def push(self, item):
                if len(self._items) == self.limit: raise OverflowError("full")
                self._items.append(item)
                return self
            def pop(self): return self._items.pop()
            def __len__(self): return len(self._items)
            def __iter__(self): return reversed(self._items)
            def __contains__(self, item): return item in self._items
            def __getitem__(self, index): return self._items[index]
            def __setitem__(self, index, item): self._items[index] = item
            def __delitem__(self, index): del self._items[index]
            @property
            def top(self): return self._items[-1]
            @classmethod
            def of(cls, *items):
                stack = cls()
                for item in items: stack.push(item)
                return stack

        class Plain: pass

        @dataclass(frozen=True, order=True)
        class Money:
            cents: int
            def __add__(self, other): return Money(self.cents + other.cents)
            def __radd__(self, other): return Money(self.cents + other)
            def __mul__(self, n): return Money(self.cents * n)
            def __neg__(self): return Money(-self.cents)
            def __bool__(self): return self.cents != 0
            def __int__(self): return self.cents
            def __index__(self): return self.cents
            def __round__(self, digits=None): return Money(round(self.cents, digits))
            def __format__(self, spec): return f"{self.cents / 100:{spec}}"

        class Color(enum.Enum):
            RED = 1
            BLUE = 2

        class Level(enum.IntEnum):
            LOW = 1

        Point = namedtuple("Point", "x y")

        class Vector(NamedTuple):
            x: float
            count: float = 4.0
            def norm(self): return (self.x ** 2 + self.count ** 2) ** 0.5

        def is_vector(value): return isinstance(value, Vector)
        def is_money(value): return isinstance(value, Money)
        """,
        """
        import copy
        from checks import raises
        from solution import *
        import solution

        def test_stack():
            stack = Stack.of(1, 2)
            assert len(stack) == 2 and list(stack) == [2, 1] and 2 in stack and 9 not in stack
            assert stack[0] == 1 and stack.top == 2
            stack[0] = 7
            assert stack[0] == 7
            del stack[0]
            assert stack.pop() == 2
            assert not stack
            with raises(IndexError, match="empty list"):
                stack.pop()

        def test_chaining_keeps_identity():
            stack = Stack()
            assert stack.push(1) is stack
            assert stack.push(2).push(3) == stack
            with raises(OverflowError) as caught:
                stack.push(4)
            assert str(caught.value) == "full" and caught.value.args == ("full",)

        def test_isinstance():
            assert isinstance(Stack(), Stack)
            assert not isinstance(Plain(), Stack)
            assert not isinstance([], Stack) and not isinstance(3, Stack)
            assert not isinstance(Stack(), list)
            assert callable(Stack) and callable(Stack().push) and not callable(Stack())
            assert issubclass(Stack, solution.Stack)

        def test_attributes():
            plain = Plain()
            plain.name = "x"
            assert plain.name == "x" and hasattr(plain, "name") and vars(plain) == {"name": "x"}
            del plain.name
            assert not hasattr(plain, "name")
            with raises(AttributeError):
                plain.name
            assert "push" in dir(Stack) and Stack.__name__ == "Stack" and type(plain).__name__ == "Plain"

        def test_class_attribute_can_be_set():
            solution.Stack.limit = 1
            with raises(OverflowError):
                Stack.of(1, 2)

        def test_operators():
            money = Money(150)
            assert money == Money(150) and money != Money(1) and money is not Money(150)
            assert money + Money(50) == Money(200) and money * 2 == Money(300) and -money == Money(-150)
            assert sum([money, money]) == Money(300)
            assert Money(1) < Money(2) and sorted([Money(3), Money(1)])[0] == Money(1) and max(Money(3), money) is money
            assert money and not Money(0) and int(money) == 150 and "abc"[Money(1)] == "b"
            assert f"{money:.2f}" == "1.50" and repr(money) == "Money(cents=150)" and str(money) == "Money(cents=150)"
            assert hash(money) == hash(Money(150)) and len({money, Money(150)}) == 1 and {money: 1}[Money(150)] == 1
            assert round(Money(149), -1) == money
            with raises(TypeError):
                money < 3
            with raises(TypeError):
                len(money)
            with raises(AttributeError):
                money.cents = 3

        def test_unhashable_stays_unhashable():
            money = copy.copy(Money(1))
            assert money == Money(1) and copy.deepcopy([money]) == [Money(1)]

        def test_enum():
            assert Color.RED is Color.RED and Color.RED == Color(1) and Color.RED != Color.BLUE
            assert Color["BLUE"].value == 2 and [color.name for color in Color] == ["RED", "BLUE"]
            assert Level.LOW == 1

        def test_named_tuples():
            point = Point(1, 2)
            assert point == (1, 2) and point.x == 1 and point._replace(x=5) == (5, 2) and point._fields == ("x", "y")
            x, y = point
            assert (x, y) == (1, 2) and isinstance(point, tuple) and isinstance(point, Point)
            vector = Vector(3.0)
            assert vector.count == 4.0 and vector.norm() == 5.0 and is_vector(vector) and not is_vector((3.0, 4.0))
            assert repr(point) == "Point(x=1, y=2)"
            assert is_money(Money(1))

        def test_no_subclassing():
            with raises(TypeError, match="cannot be subclassed"):
                class Mine(Stack):
                    pass
        """,
    )


async def test_exceptions(judge: Judge) -> None:
    await judge.passes(
        """
        import json

        class ShopError(Exception):
            def __init__(self, code, **details):
                super().__init__(f"error {code}")
                self.code = code
                self.details = details
            def __str__(self): return f"[{self.code}]"

        class Missing(ShopError, KeyError): pass

        def fail(kind, *args): raise kind(*args)
        def buy(code): raise Missing(code, item="tea")
        def parse(text): return json.loads(text)
        def stored():
            try:
                raise ValueError("kept")
            except ValueError as error:
                return error
        def annotated():
            error = ValueError("x")
            error.code = 5
            raise error
        def caught(function):
            try:
                function()
            except ShopError as error:
                return ("shop", error.code)
            except LookupError as error:
                return ("lookup", error.args)
        def leave(): raise SystemExit(3)
        def stop(): raise StopIteration
        def open_missing(): open("/no/such/file")
        """,
        """
        import json
        from checks import raises
        from solution import *

        def test_builtin():
            for kind in (ValueError, KeyError, TypeError, ZeroDivisionError, OSError, AssertionError):
                with raises(kind) as caught:
                    fail(kind, "a", 1)
                assert caught.value.args == ("a", 1)

        def test_os_error():
            with raises(FileNotFoundError) as caught:
                open_missing()
            assert caught.value.errno == 2

        def test_own_class():
            try:
                buy(7)
            except ShopError as error:
                assert error.code == 7 and error.details == {"item": "tea"} and str(error) == "[7]"
                assert isinstance(error, Missing) and isinstance(error, KeyError) and not isinstance(error, ValueError)
            else:
                raise AssertionError("nothing was raised")

        def test_raises_takes_own_class_and_bases():
            for kind in (Missing, ShopError, KeyError, LookupError, Exception):
                with raises(kind):
                    buy(1)
            assert issubclass(Missing, ShopError) and Missing.__name__ == "Missing"

        def test_class_of_the_standard_library():
            with raises(json.JSONDecodeError):
                parse("{")

        def test_as_a_value():
            error = stored()
            assert type(error) is ValueError and error.args == ("kept",)

        def test_attribute():
            with raises(ValueError) as caught:
                annotated()
            assert caught.value.code == 5

        def test_raised_by_the_test():
            def no(): raise Missing(9)
            assert caught(no) == ("shop", 9)
            class Mine(LookupError): pass
            def mine(): raise Mine("x", 2)
            assert caught(mine) == ("lookup", ("x", 2))

        def test_passes_through_the_candidate():
            class Mine(Exception): pass
            error = Mine("through")
            def mine(): raise error
            with raises(Mine) as seen:
                caught(mine)
            assert seen.value is error

        def test_system_exit():
            with raises(SystemExit) as seen:
                leave()
            assert seen.value.code == 3

        def test_stop_iteration_is_no_silent_end():
            with raises(RuntimeError):
                list(map(lambda _: stop(), [1]))
        """,
    )


async def test_iterators_and_callbacks(judge: Judge) -> None:
    await judge.passes(
        """
        import functools
        from contextlib import contextmanager

        def count():
            n = 0
            while True:
                got = yield n
                n += got or 1

        def squares(items): return (x * x for x in items)
        def apply(function, *args, **kwargs): return function(*args, **kwargs)
        def sort_by(items, key): return sorted(items, key=key)
        def compose(f, g): return lambda x: f(g(x))
        def memoize(function):
            known = {}
            @functools.wraps(function)
            def wrapper(*args):
                if args not in known: known[args] = function(*args)
                return known[args]
            return wrapper
        def total(iterable): return sum(iterable)
        def write_all(file, lines):
            for line in lines: print(line, file=file)
        def read_all(file): return [line.strip() for line in file]
        def walk(node):
            while node is not None:
                yield node.value
                node = node.next
        def reverse(node):
            before = None
            while node is not None:
                node.next, before, node = before, node, node.next
            return before
        def retry(function, times):
            for left in reversed(range(times)):
                try:
                    return function()
                except ValueError:
                    if not left: raise
        @contextmanager
        def tag(out, name):
            out.append("<" + name)
            try:
                yield name.upper()
            finally:
                out.append(name + ">")
        class Bus:
            def __init__(self): self.handlers = []
            def on(self, handler): self.handlers.append(handler); return handler
            def send(self, event): return [handler(event) for handler in self.handlers]
        def call_with_list(function):
            items = [1]
            function(items)
            return items
        async def later(x): return x + 1
        """,
        """
        import asyncio, functools, io, math, operator
        from itertools import islice
        from checks import raises
        from solution import *

        def test_generators():
            assert list(islice(count(), 3)) == [0, 1, 2]
            counter = count()
            assert next(counter) == 0 and counter.send(5) == 5
            counter.close()
            with raises(StopIteration):
                next(counter)
            assert list(squares([1, 2, 3])) == [1, 4, 9] and sum(squares(range(4))) == 14
            assert list(squares(iter([1, 2]))) == [1, 4]

        def test_functions_of_the_test():
            assert apply(lambda a, b=1: a + b, 2, b=3) == 5
            assert sort_by(["bb", "a"], key=len) == ["a", "bb"]
            assert sort_by([{"n": 2}, {"n": 1}], key=lambda row: row["n"]) == [{"n": 1}, {"n": 2}]
            assert sort_by(["B", "a"], key=str.lower) == ["a", "B"]
            assert sort_by([(1, 2), (2, 1)], key=operator.itemgetter(1)) == [(2, 1), (1, 2)]
            assert compose(lambda x: x + 1, lambda x: x * 2)(5) == 11
            assert apply(math.sqrt, 9) == 3.0 and apply(functools.partial(pow, 2), 5) == 32
            assert apply(apply, apply, lambda: 4) == 4

        def test_own_function_comes_back_itself():
            bus = Bus()
            @bus.on
            def handler(event): return event + "!"
            assert handler("x") == "x!" and bus.send("hi") == ["hi!"] and bus.handlers[0] is handler

        def test_memoize():
            calls = []
            @memoize
            def slow(x):
                "Says so."
                calls.append(x)
                return x * 2
            assert [slow(2), slow(2), slow(3)] == [4, 4, 6] and calls == [2, 3]
            assert slow.__name__ == "slow" and slow.__doc__ == "Says so."

        def test_deep_recursion_through_callbacks():
            @memoize
            def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
            assert fib(60) == 1548008755920

        def test_iterables_of_the_test():
            def numbers():
                yield 1
                yield 2
            assert total(numbers()) == 3 and total({1: 0, 2: 0}.keys()) == 3 and total(map(int, "12")) == 3

        def test_files():
            file = io.StringIO()
            write_all(file, ["a", "b"])
            assert file.getvalue() == "a\\nb\\n"
            assert read_all(io.StringIO("x\\ny\\n")) == ["x", "y"]

        class Node:
            def __init__(self, value, next=None): self.value, self.next = value, next

        def test_linked_list_of_the_test():
            head = Node(1, Node(2, Node(3)))
            last = head.next.next
            assert list(walk(head)) == [1, 2, 3]
            assert reverse(head) is last
            assert list(walk(last)) == [3, 2, 1] and head.next is None

        def test_exceptions_of_callbacks():
            calls = []
            def flaky():
                calls.append(1)
                if len(calls) < 3: raise ValueError("not yet")
                return "done"
            assert retry(flaky, 3) == "done"
            calls.clear()
            with raises(ValueError, match="not yet"):
                retry(flaky, 2)

        def test_context_manager():
            out = ["-"]
            with tag(out.append, "b") if False else tag(Log(out), "b") as name:
                assert name == "B"
                out.append("x")
            assert out == ["-", "<b", "x", "b>"]
            with raises(KeyError):
                with tag(Log(out), "c"):
                    raise KeyError

        class Log:
            def __init__(self, out): self.out = out
            def append(self, item): self.out.append(item)

        def test_callback_changes_its_argument():
            assert call_with_list(lambda items: items.append(2)) == [1, 2]
            assert call_with_list(list.clear) == []

        def test_await():
            async def main(): return [await later(1), *await asyncio.gather(later(2), later(3))]
            assert asyncio.run(main()) == [2, 3, 4]
        """,
    )


async def test_modules(judge: Judge) -> None:
    await judge.passes(
        {
            "solution.py": """
                import helpers
                from shop.cart import Cart
                RATE = 2
                def double(x): return helpers.times(x, RATE)
            """,
            "helpers.py": "def times(a, b): return a * b",
            "shop/__init__.py": "",
            "shop/cart.py": "class Cart: pass",
        },
        """
        import solution
        from checks import approx, output, raises

        def test_module_attributes():
            assert solution.RATE == 2 and solution.double(4) == 8
            solution.RATE = 3
            assert solution.double(4) == 12
            with raises(AttributeError):
                solution.nothing

        def test_changes_do_not_outlive_their_test():
            assert solution.RATE == 2

        def test_missing_name():
            with raises(ImportError, match="cannot import name 'nothing'"):
                from solution import nothing
        """,
    )


async def test_helper_modules_of_the_task_are_importable(judge: Judge) -> None:
    grading = await judge.grading(
        "import helpers",
        """
        import helpers
        from pkg.deep import value
        import pkg.deep as deep
        def test_it():
            assert helpers.N == 1 and value == 2 and deep.value == 2
        """,
        files={"helpers.py": "N = 1", "pkg/__init__.py": "", "pkg/deep.py": "value = 2"},
    )
    assert grading.verdict.passed, grading.verdict


async def test_printed_text_can_be_checked(judge: Judge) -> None:
    await judge.passes(
        """
        import os, subprocess, sys
        print("on import")
        def hello(name):
            print("hello", name)
            sys.stdout.buffer.write(b"bytes\\n")
        def ask(): return input("name? ")
        """,
        """
        from checks import output, raises
        from solution import ask, hello

        def test_output():
            assert output() == "on import\\n"
            hello("a")
            hello("b")
            assert output() == "hello a\\nbytes\\nhello b\\nbytes\\n"
            assert output() == ""

        def test_there_is_no_input():
            with raises(EOFError):
                ask()
        """,
    )


async def test_approx(judge: Judge) -> None:
    await judge.passes(
        "def third(): return 0.1 + 0.2\ndef pair(): return {'a': [0.1 + 0.2, 1]}\ndef text(): return 'x'",
        """
        from checks import approx
        from solution import pair, text, third

        def test_it():
            assert third() == approx(0.3) and approx(0.3) == third() and third() != approx(0.4)
            assert third() != approx(0.3, rel=0, abs=0)
            assert pair() == approx({"a": [0.3, 1]}) and pair() != approx({"a": [0.3]}) and pair() != approx({})
            assert text() == approx("x") and text() != approx(1) and third() == approx(0.3 + 0j)
        """,
    )


async def test_approx_is_exact_about_what_is_near(judge: Judge) -> None:
    await judge.passes(
        """
        from decimal import Decimal
        from fractions import Fraction
        VALUES = {
            "inf": float("inf"), "nan": float("nan"), "five": 5, "big": 2**60 + 1, "huge": 10**400, "true": True,
            "decimal": Decimal("0.1"), "giant": Decimal("1e999999999"), "third": Fraction(1, 3), "infj": complex("inf"),
        }
        def value(name): return VALUES[name]
        """,
        """
        from decimal import Decimal
        from fractions import Fraction
        from checks import approx, raises
        from solution import value
        INF = float("inf")

        def test_infinities():
            assert value("inf") == approx(INF) and value("inf") != approx(-INF) and value("inf") != approx(1e308)
            assert value("five") != approx(INF) and value("five") != approx(-INF) and [value("five")] != approx([INF])
            assert value("five") != approx(complex(INF, 1)) and value("infj") != approx(5)

        def test_nan():
            assert value("nan") != approx(float("nan")) and value("nan") != approx(0)

        def test_integers_of_any_size():
            assert value("big") == approx(2**60) and value("big") != approx(2**60, rel=0, abs=0)
            assert value("big") != approx(float(2**60), rel=0, abs=0.5) and value("huge") == approx(10**400 + 1)
            assert value("huge") != approx(1.5) and value("huge") != approx(INF) and value("huge") != approx(1j)

        def test_other_numbers():
            assert value("decimal") == approx(0.1) and value("decimal") == approx(Decimal("0.1"), rel=0, abs=0)
            assert value("decimal") != approx(0.1, rel=0, abs=0) and value("giant") != approx(Decimal("1e999999998"))
            assert value("third") == approx(0.3333333333) and value("third") != approx(Fraction(1, 2))

        def test_truth_is_no_measurement():
            assert value("true") == approx(True) and value("true") != approx(1.0000001)

        def test_tolerances_are_numbers():
            for wrong in (INF, -1, float("nan")):
                with raises(ValueError):
                    approx(1, rel=wrong)
        """,
    )


async def test_a_candidate_may_ask_for_the_signature_of_a_function_of_the_test(judge: Judge) -> None:
    await judge.passes(
        """
        import asyncio, functools, inspect, typing
        def curry(function):
            count = function.__code__.co_argcount
            return lambda *args: function(*args) if len(args) >= count else curry(functools.partial(function, *args))
        def curried(function, *known):
            many = len(inspect.signature(function).parameters)
            def more(*args):
                every = known + args
                return function(*every) if len(every) >= many else curried(function, *every)
            return more
        def checked(function):
            signature = inspect.signature(function)
            @functools.wraps(function)
            def call(*args, **kwargs):
                given = signature.bind(*args, **kwargs)
                given.apply_defaults()
                for name, value in given.arguments.items():
                    kind = signature.parameters[name].annotation
                    if kind is not inspect.Parameter.empty and not isinstance(value, kind):
                        raise TypeError(name)
                return function(*given.args, **given.kwargs)
            return call
        def hints(function): return typing.get_type_hints(function)
        def is_async(function): return bool(function.__code__.co_flags & inspect.CO_COROUTINE)
        """,
        """
        from checks import raises
        from solution import checked, curried, hints, is_async
        def test_it():
            assert curried(lambda a, b, c: a + b + c)(1)(2)(3) == 6
            @checked
            def power(base: int, exponent: int = 2): return base ** exponent
            assert power(3) == 9 and power(2, exponent=3) == 8 and power.__name__ == "power"
            with raises(TypeError, match="exponent"): power(2, exponent="a")
            with raises(TypeError, match="missing"): power()
            assert hints(lambda: 1) == {}
            async def wait(): pass
            assert is_async(wait) and not is_async(lambda: 1)
        """,
    )


async def test_a_test_sees_the_signature_of_a_function_of_the_candidate(judge: Judge) -> None:
    await judge.passes(
        """
        def f(a: int, /, b='x', *rest, c, **more) -> str: return 'f'
        class Point:
            def __init__(self, x, y=0): pass
        """,
        """
        import inspect
        from solution import Point, f
        def test_it():
            assert str(inspect.signature(f)) == "(a: int, /, b='x', *rest, c, **more) -> str"
            assert list(inspect.signature(Point).parameters) == ["x", "y"]
            assert f.__code__.co_argcount == 2
            assert not callable(Point(1))
        """,
    )


async def test_a_test_may_replace_names_of_the_candidates_modules(judge: Judge) -> None:
    await judge.passes(
        """
        import time
        LIMIT = 1
        def helper(): return LIMIT
        def f(): return helper() + 1
        def now(): return time.time() > 9
        class Store:
            def load(self): return 1
        """,
        """
        from unittest.mock import patch
        import solution
        def test_it():
            with patch.object(solution, "helper", return_value=10) as made:
                assert solution.f() == 11 and made.call_count == 1
            with patch("solution.LIMIT", 5): assert solution.f() == 6
            with patch("solution.time") as clock:
                clock.time.return_value = 3
                assert not solution.now()
            with patch("solution.time.time", return_value=3): assert not solution.now()
            with patch.object(solution.Store, "load", return_value=7): assert solution.Store().load() == 7
            assert solution.f() == 2 and solution.now() and solution.Store().load() == 1
            del solution.LIMIT
            assert not hasattr(solution, "LIMIT")
        """,
    )


async def test_objects_can_be_referred_to_weakly(judge: Judge) -> None:
    await judge.passes(
        "class Node: pass",
        """
        import weakref
        from solution import Node
        def test_it():
            node = Node()
            assert weakref.ref(node)() is node and weakref.WeakKeyDictionary({node: 1})[node] == 1
        """,
    )


async def test_a_decorator_and_a_descriptor_of_the_candidate_work_in_classes_of_the_test(judge: Judge) -> None:
    await judge.passes(
        """
        import functools
        def logged(function):
            @functools.wraps(function)
            def call(*args): return "logged", function(*args)
            return call
        class Positive:
            def __set_name__(self, owner, name): self.name = name + "_value"
            def __get__(self, instance, owner): return self if instance is None else getattr(instance, self.name, 0)
            def __set__(self, instance, value):
                if value < 0: raise ValueError(self.name)
                setattr(instance, self.name, value)
        class doubled(property):
            def __get__(self, instance, owner=None): return 2 * super().__get__(instance, owner)
        """,
        """
        from checks import raises
        from solution import Positive, doubled, logged
        class Account:
            balance = Positive()
            @logged
            def add(self, more): return self.balance + more
            @doubled
            def twice(self): return self.balance
        def test_it():
            account = Account()
            assert account.balance == 0
            account.balance = 5
            assert account.balance == 5 and account.add(2) == ("logged", 7) and account.twice == 10
            assert Account.add(account, 1) == ("logged", 6) and Account.add.__name__ == "add"
            with raises(ValueError, match="balance_value"): account.balance = -1
        """,
    )
