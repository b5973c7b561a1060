"""Containers of a class that the tests use keep its methods; their items are plain values, whatever the class says."""

from __future__ import annotations

import pytest

from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

HONEST = {
    "list": (
        """
        class Stack(list):
            def push(self, x):
                self.append(x)
                return self
            def peek(self): return self[-1]
        def fill(stack, n):
            for number in range(n): stack.push(number)
        """,
        """
        s = Stack()
        assert not s and s == [] and json.dumps(s) == "[]"
        s.push(1).push(2)
        assert s.peek() == 2 and len(s) == 2 and s == [1, 2] == s and s[0] == 1 and s[-1:] == [2] and 2 in s
        assert [0] + s == [0, 1, 2] and s + [3] == [1, 2, 3] and sorted(s, reverse=True) == [2, 1]
        assert json.dumps(s) == "[1, 2]" and isinstance(s, list) and isinstance(s, Stack) and repr(s) == "[1, 2]"
        assert s.pop() == 2 and s == [1]
        fill(s, 3)
        assert s == [1, 0, 1, 2] and Stack([4]) == [4] and Stack([4]) != Stack([5])
        s[0] = 7
        s += [8]
        del s[1]
        assert s == [7, 1, 2, 8] and s.peek() == 8 and [x for x in s if s.peek() > x] == [7, 1, 2]
        """,
    ),
    "dict": (
        """
        class AttrDict(dict):
            def __getattr__(self, name):
                try: return self[name]
                except KeyError: raise AttributeError(name)
            def __setattr__(self, name, value): self[name] = value
        """,
        """
        d = AttrDict(a=1)
        d.b = 2
        assert d.a == 1 and d["b"] == 2 and d == {"a": 1, "b": 2} and dict(d) == {**d} and not hasattr(d, "c")
        assert json.dumps(d) == '{"a": 1, "b": 2}' and isinstance(d, dict) and [d[k] for k in d] == [1, 2]
        d["c"] = 3
        assert d.c == 3 and list(d.items())[-1] == ("c", 3) and d.get("z") is None and len(d) == 3
        """,
    ),
    "missing": (
        """
        class Zero(dict):
            def __missing__(self, key): return 0
        """,
        """
        z = Zero()
        z["a"] += 1
        assert z["a"] == 1 and z["b"] == 0 and z == {"a": 1} and "b" not in z
        """,
    ),
    "ordered": (
        """
        from collections import OrderedDict
        class LRU(OrderedDict):
            def __init__(self, size):
                super().__init__()
                self.size = size
            def get(self, key):
                if key not in self: return -1
                self.move_to_end(key)
                return self[key]
            def put(self, key, value):
                self[key] = value
                self.move_to_end(key)
                if len(self) > self.size: self.popitem(last=False)
        """,
        """
        c = LRU(2)
        c.put(1, 1)
        c.put(2, 2)
        assert c.get(1) == 1
        c.put(3, 3)
        assert c.get(2) == -1 and c.get(3) == 3 and list(c) == [1, 3] and c.size == 2 and len(c) == 2
        """,
    ),
    "set, counter and deque": (
        """
        from collections import Counter, deque
        class Bag(Counter):
            def total_of(self, *keys): return sum(self[key] for key in keys)
        class Tags(set):
            def toggle(self, tag): self.symmetric_difference_update({tag})
        class Window(deque):
            @classmethod
            def of(cls, *items): return cls(items, maxlen=2)
            def mean(self): return sum(self) / len(self)
        """,
        """
        bag, tags, window = Bag("abca"), Tags({"a"}), Window.of(1, 2, 3)
        assert bag["a"] == 2 and bag["z"] == 0 and bag.total_of("a", "b") == 3 and bag.most_common(1) == [("a", 2)]
        assert {"z"}.union(tags) == {"a", "z"} and {1}.union(Tags(range(2000))) <= {*range(2000)}
        tags.toggle("b")
        tags.toggle("a")
        assert tags == {"b"} and {"c"} | tags == {"b", "c"} and tags <= {"b", "c"} and {"b", "c"} >= tags
        assert window.mean() == 2.5 and list(window) == [2, 3] and window.maxlen == 2
        window.append(5)
        assert window.mean() == 4 and window[0] == 3
        """,
    ),
    "holds itself": (
        """
        class Tree(list):
            def grow(self):
                self.append(self)
                return [self, self]
        """,
        """
        t = Tree([1])
        first, second = t.grow()
        assert first is second is t and t[1] is t and t[1][1][0] == 1 and len(t) == 2
        """,
    ),
    "own operators": (
        """
        class Vec(list):
            def __add__(self, other): return Vec(a + b for a, b in zip(self, other))
            def __len__(self): return 7
            def __eq__(self, other): return sum(self) == sum(other)
            def __repr__(self): return "Vec"
        """,
        """
        assert Vec([1, 2]) + Vec([3, 4]) == [4, 6] and len(Vec()) == 7 and Vec([1, 2]) == Vec([2, 1])
        assert Vec([1, 2]) != [2, 1] and str(Vec()) == "Vec"
        """,
    ),
    "what looks into it without asking": (
        """
        from collections import OrderedDict, defaultdict
        class Tags(set):
            def tag(self, x): self.add(x)
        class Config(dict):
            def put(self, **more): self.update(more)
        class Groups(defaultdict):
            def note(self, key, x): self[key].append(x)
        class Rows(list):
            def more(self, x): self.append(Rows([x]))
        """,
        """
        tags, config, groups, rows = Tags(), Config(), Groups(list), Rows()
        tags.tag("a")
        assert set(tags) == {"a"} and {"a", "b"} - tags == {"b"} and {"a"}.issubset(tags) and frozenset("a") == tags
        config.put(a=1)
        assert json.dumps(config) == '{"a": 1}' and {**config} == {"a": 1}
        groups.note("x", 1)
        assert json.dumps(groups) == '{"x": [1]}' and dict(groups) == {"x": [1]}
        rows.more(1)
        assert json.dumps(rows) == "[[1]]" and rows[0] == [1]
        rows[0].more(2)
        assert json.dumps(rows) == "[[1, [2]]]"
        """,
    ),
    "order": (
        """
        from collections import OrderedDict
        class LRU(OrderedDict):
            def get(self, key):
                self.move_to_end(key)
                return self[key]
        """,
        """
        c = LRU([(1, 1), (2, 2)])
        assert c.get(1) == 1 and list(c) == [2, 1] and json.dumps(c) == '{"2": 2, "1": 1}'
        c.move_to_end(2)
        assert list(c.items()) == [(1, 1), (2, 2)]
        """,
    ),
    "results of operators": (
        """
        from collections import OrderedDict, defaultdict, deque
        class O(OrderedDict):
            def x(self): pass
        class D(defaultdict):
            def x(self): pass
        class Q(deque):
            def x(self): pass
        class H(dict):
            def __hash__(self): return hash(tuple(sorted(self.items())))
        """,
        """
        assert O(a=1) | {"b": 2} == {"a": 1, "b": 2} == {"b": 2} | O(a=1) and D(int, a=1) | {"b": 2} == {"a": 1, "b": 2}
        assert list(Q([1]) + Q([2])) == [1, 2] and list(Q([1]) * 2) == [1, 1]
        assert len({H(a=1), H(a=1), H(a=2)}) == 2
        """,
    ),
    "attributes alone": (
        """
        class Matrix(list):
            def __init__(self, rows):
                super().__init__(rows)
                self.size = len(rows)
        class AttrDict(dict):
            def __init__(self, *args, **more):
                super().__init__(*args, **more)
                self.__dict__ = self
        """,
        """
        m, d = Matrix([[1], [2]]), AttrDict(a=1)
        assert m.size == 2 and m == [[1], [2]] and isinstance(m, Matrix) and d.a == 1 and d == {"a": 1}
        d.b = 2
        assert d["b"] == 2 and json.dumps(d) == '{"a": 1, "b": 2}'
        """,
    ),
}


@pytest.mark.parametrize("name", HONEST)
async def test_a_container_keeps_the_methods_of_its_class(judge: Judge, name: str) -> None:
    source, body = HONEST[name]
    await judge.passes(
        source, f"import json\nfrom solution import *\ndef test_it():{body}".replace("\n        ", "\n    ")
    )


async def test_a_function_gives_plain_values_still(judge: Judge) -> None:
    await judge.passes(
        """
        class Words(list):
            def longest(self): return max(self, key=len)
        def words(text): return Words(text.split())
        """,
        """
        from solution import words
        def test_it():
            assert type(words("a b")) is list and words("a b").index("b") == 1 and words("a") == ["a"]
        """,
    )


LIAR = """
class Stack(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __len__(self): return 3
    def __contains__(self, x): return True
    def push(self, x): pass
    def index(self, x): return 1
"""


@pytest.mark.parametrize("check", ["s == [1]", "[1] == s", "not s != [1]", "s in ([1],)", "approx([1]) == s"])
async def test_a_container_does_not_say_what_it_equals(judge: Judge, check: str) -> None:
    tests = "from checks import approx\nfrom solution import Stack\ndef test_it():\n    s = Stack()\n    s.push(1)\n"
    verdict = (await judge.grading(LIAR, f"{tests}    assert {check}\n")).verdict
    assert not verdict.passed
    assert check in verdict.checks[0].evidence


@pytest.mark.parametrize("check", ["len(s) == 3", "5 in s", "s.index(5) == 1"])
async def test_what_the_gold_solution_has_not_is_answered_by_the_items(judge: Judge, check: str) -> None:
    tests = f"from solution import Stack\ndef test_it():\n    s = Stack()\n    s.push(1)\n    assert {check}\n"
    gold = "class Stack:\n    def push(self, x): pass\n"
    assert not (await judge.grading(LIAR, tests, gold=gold)).verdict.passed
    assert (await judge.grading(LIAR, tests)).verdict.passed  # as for all objects where tests import a class


async def test_a_candidate_cannot_send_one_of_a_class_that_the_tests_do_not_use(judge: Judge) -> None:
    source = """
    import gc
    class Used(list):
        def more(self): pass
    for found in gc.get_objects():
        if type(found).__name__ == "CandidateGuard": found._used.add(Used)
    def f(): return Used([1])
    """
    evidence = await judge.evidence(source, "from solution import f\ndef test_it(): assert f() == [1]\n")
    assert "a class that the tests do not use" in evidence


WRONG = """
from collections import OrderedDict
class Tags(set):
    def tag(self, x): self.update([x, "junk"])
class LRU(OrderedDict):
    def get(self, key): return self[key]
"""


@pytest.mark.parametrize(
    "check",
    ["set(t) - {'a'} == set()", "{'a'}.issuperset(t)", "set(t).isdisjoint({'junk'})", "list(c) == [2, 1]"],
)
async def test_items_of_before_decide_nothing(judge: Judge, check: str) -> None:
    made = "t, c = Tags(), LRU([(1, 1), (2, 2)])\n    t.tag('a')\n    c.get(1)"
    tests = f"from solution import *\ndef test_it():\n    {made}\n"
    verdict = (await judge.grading(WRONG, f"{tests}    assert {check}\n")).verdict
    assert not verdict.passed
    assert check in verdict.checks[0].evidence


async def test_items_that_cannot_be_had_are_no_error_that_a_test_expects(judge: Judge) -> None:
    source = """
    class Stack(list):
        def push(self, x): self.extend([0] * 1_100_000)
    """
    tests = "from checks import raises\nfrom solution import Stack\ndef test_it():\n    s = Stack()\n"
    evidence = await judge.evidence(source, f"{tests}    with raises(ValueError): s.push(-1)\n")
    assert "sent no items of a container" in evidence
