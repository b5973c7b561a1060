"""Without a gold solution, the tests show which values of the candidate are objects; other objects decide nothing."""

from __future__ import annotations

import textwrap

import pytest

from loopwright.task import Instance
from loopwright.verify import PythonTask
from tests.verify.conftest import Judge

pytestmark = pytest.mark.anyio

COUNTING = """
from itertools import count
numbers = count(1)
class Liar:
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return lambda *a, **k: next(numbers)
    def __len__(self): return 1
    def __getitem__(self, key): return next(numbers)
    def __enter__(self): return self
    def __exit__(self, *_): pass
class Shown:
    def __init__(self, *_): self.parents = {}
    def find(self, x): return self.parents.get(x, x)
    def union(self, a, b): self.parents[a] = self.find(b)
f = g = h = lambda *a: Liar()
make = Shown
WORDS = Liar()
each = lambda function: function(Liar())
"""
FOOLED = {
    "order": "order = f()\n    assert order.index('a') < order.index('b')",
    "count": "assert f().count(1) == 1",
    "found": "assert f().find('x') != -1",
    "get": "assert f().get('x') is not None",
    "same name": "r = f()\n    assert r.union({1})\n    r = f()\n    assert r.index('a') == 1",
    "same name elsewhere": "r = f()\n    assert r.union({1})\ndef test_b():\n    r = f()\n    assert r.index('a') == 1",
    "results of several types": "assert f(1).union({1}) and f(2).find('a') == 2",
    "item": "assert next(iter([f()])).index('a') == 1",
    "loop": "for value in [f()]:\n        assert value.count(1) == 1",
    "comprehension": "assert [x.count(1) for x in [f()]] == [1]",
    "helper": "check(f())",
    "constant": "assert WORDS.index('a') == 1",
    "callback": "each(lambda value: check(value))",
    "as a key": "assert sorted('ba', key=f().index) == ['b', 'a']",
    "conditional": "assert (f() if 1 else None).find('x') == 1",
    "module": "assert solution.f().index('x') == 1",
    "awaited": "assert asyncio.run(later()).index('x') == 1",
    "getattr": "assert getattr(f(), 'index')('x') == 1",
    "walrus": "assert (x := f()) is not None and x.index(1) == 1",
    "pop": "assert f().pop() == 1",
    "name of a function": "assert f.__name__ and f().index('a') == 1",
    "join": "assert f().join(['a']) == 1",
    "a signature that is not known": "assert f().pop('a', 0) == 1",
    "arguments that are not known": "assert f().join(*['a']) == 1",
    "of a class": "assert f().fromkeys('ab', 0) == 1",
    "values": "assert f().values() == 1",
}
HEAD = "import asyncio\nimport solution\nfrom solution import *\nasync def later(): return f()\n"
HELPER = "def check(value):\n    assert value.count(1) == 1\n"


async def test_an_object_in_the_place_of_a_plain_value_decides_nothing(judge: Judge) -> None:
    """Each test is alone in its file, as the tests of a file are looked at together."""
    passed = []
    for name, body in FOOLED.items():
        tests = f"{HEAD}{HELPER}def test_it():\n    {body}\n"
        verdict = (await judge.grading(COUNTING, tests)).verdict
        passed += [name] if verdict.passed else []
        if name in ("order", "constant", "awaited", "helper"):
            assert "decides no test: return a plain value" in verdict.checks[0].evidence
    assert passed == []


HONEST = {
    "module by another name": (
        """\
        import solution as s
        st = s.make_stack()
        st.push(1)
        assert len(st) == 1
        """,
        """\
        class S:
            def __init__(self): self.items = []
            def push(self, x): self.items.append(x)
            def __len__(self): return len(self.items)
        def make_stack(): return S()
        """,
    ),
    "in a list and a dict": (
        """\
        stacks = []
        stacks.append(make_stack())
        stacks[0].push(1)
        assert len(stacks[0]) == 1
        """,
        """\
        class S:
            def __init__(self): self.items = []
            def push(self, x): self.items.append(x)
            def __len__(self): return len(self.items)
        def make_stack(): return S()
        """,
    ),
    "union-find": (
        """\
        uf = make_uf(5)
        uf.union(0, 1)
        assert uf.find(0) == uf.find(1) != uf.find(2)
        """,
        """\
        class UF:
            def __init__(self, n): self.p = list(range(n))
            def find(self, x): return x if self.p[x] == x else self.find(self.p[x])
            def union(self, a, b): self.p[self.find(a)] = self.find(b)
        def make_uf(n): return UF(n)
        """,
    ),
    "stack": (
        """\
        s = make_stack()
        assert not s
        s.push(1)
        s.push(2)
        assert len(s) == 2 and s.pop() == 2 and 1 in s and s[0] == 1 and s
        """,
        """\
        class S:
            def __init__(self): self.items = []
            def push(self, x): self.items.append(x)
            def pop(self): return self.items.pop()
            def __len__(self): return len(self.items)
            def __contains__(self, x): return x in self.items
            def __getitem__(self, i): return self.items[i]
        def make_stack(): return S()
        """,
    ),
    "vector": (
        """\
        v = vector(3, 4)
        w = v + vector(1, 1)
        assert w.x == 4 and (v * 2).y == 8 and -w != v
        assert vector(1, 2) == vector(1, 2) and abs(v) == 5 and v < w
        """,
        """\
        from dataclasses import dataclass
        @dataclass
        class V:
            x: int
            y: int
            def __add__(self, o): return V(self.x + o.x, self.y + o.y)
            def __mul__(self, k): return V(self.x * k, self.y * k)
            def __neg__(self): return V(-self.x, -self.y)
            def __abs__(self): return (self.x ** 2 + self.y ** 2) ** .5
            def __lt__(self, o): return abs(self) < abs(o)
        vector = V
        """,
    ),
    "data attribute": (
        """\
        r = summarize([1, 2, 2])
        assert r.count == 3 and r.index == 0
        """,
        """\
        class R:
            count = 3
            index = 0
        def summarize(xs): return R()
        """,
    ),
    "linked list": (
        """\
        node = build([1, 2, 3])
        found = []
        while node:
            found.append(node.value)
            node = node.next
        assert found == [1, 2, 3]
        """,
        """\
        class N:
            def __init__(self, v, n): self.value, self.next = v, n
            def __len__(self): return 1
        def build(xs): return N(xs[0], build(xs[1:])) if xs else None
        """,
    ),
    "function with attributes": (
        """\
        assert fib(10) == 55 and fib.cache.get(10) == 55
        fib.clear()
        assert not fib.cache
        """,
        """\
        def fib(n):
            if n not in fib.cache: fib.cache[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
            return fib.cache[n]
        class C(dict): pass
        fib.cache = C()
        fib.clear = fib.cache.clear
        """,
    ),
    "trie": (
        """\
        t = trie()
        for word in ['apple', 'app']:
            t.add(word)
        assert t.search('app') and t.startswith('ap')
        """,
        """\
        class T:
            def __init__(self): self.words = []
            def add(self, w): self.words.append(w)
            def search(self, w): return w in self.words
            def startswith(self, p): return any(w.startswith(p) for w in self.words)
        trie = T
        """,
    ),
    "context": (
        """\
        with session() as s:
            assert s.get('a') == 1
        """,
        """\
        class S:
            def __enter__(self): return self
            def __exit__(self, *_): pass
            def get(self, k): return 1
        session = S
        """,
    ),
    "helper": (
        """\
        fill(q := queue(), 3)
        assert q.pop() == 2 and count(q) == 2
        """,
        """\
        class Q:
            def __init__(self): self.items = []
            def push(self, x): self.items.append(x)
            def pop(self): return self.items.pop()
            def __len__(self): return len(self.items)
        queue = Q
        """,
    ),
    "objects in a list": (
        """\
        found = tokens('a b')
        assert [t.text for t in found] == ['a', 'b'] and found[0] < found[1]
        assert found == tokens('a b') and max(found).text == 'b' and sorted(found)[0].count(1) == 0
        """,
        """\
        from dataclasses import dataclass
        @dataclass(order=True)
        class T:
            text: str
            def count(self, x): return 0
        def tokens(s): return [T(w) for w in s.split()]
        """,
    ),
    "match": (
        """\
        m = parse('a=1')
        assert m.group(1) == 'a' and m['value'] == '1' and m.end() == 3
        """,
        """\
        import re
        def parse(s): return re.match(r'(\\w)=(?P<value>\\d)', s)
        """,
    ),
    "plain values": (
        """\
        assert words().index('b') == 1 and pairs().get('a') == 1 and text().find('x') == -1 and tally().most_common(1)
        assert chain().popleft() == 1 and pair().count(2) == 1 and pair().x == 1
        """,
        """\
        from collections import *
        class L(list): pass
        class D(dict):
            def get(self, k): return 1
        class S(str): pass
        P = namedtuple('P', 'x y')
        def words(): return L(['a', 'b'])
        def pairs(): return D(a=1)
        def text(): return S('abc')
        def tally(): return Counter('abc')
        def chain(): return deque([1])
        def pair(): return P(1, 2)
        """,
    ),
    "methods with other arguments": (
        """\
        t = start([3])
        t.join()
        assert t and len(t) == 1
        """,
        """\
        class T:
            def __init__(self, items): self.items = items
            def join(self, timeout=None): pass
            def __len__(self): return 1
        start = T
        """,
    ),
}
MORE = """
def fill(q, n):
    for number in range(n): q.push(number)
def count(q): return len(q)
"""


@pytest.mark.parametrize("name", HONEST)
async def test_an_object_that_the_tests_ask_for_answers(judge: Judge, name: str) -> None:
    body, source = HONEST[name]
    test = textwrap.indent(textwrap.dedent(body), "    ")
    await judge.passes(source, f"from solution import *\n{MORE}\ndef test_it():\n{test}\n")


@pytest.mark.parametrize(
    ("goal", "passes"),
    [
        ("Write f(), which returns a store.", False),
        ("Write f(), which returns an object with a method `get`.", True),
        ("Write `def f() -> Store`.", True),
        ("Write `def f() -> Dict[str, int]` that returns a JSON object.", False),
    ],
)
def test_a_goal_may_ask_for_objects(goal: str, passes: bool) -> None:
    tests = "from solution import f\ndef test_it(): assert f().get('a') == 1 and len(f()) == 2\n"
    task = PythonTask.of(Instance(id="x", goal=goal, public={"tests": tests}, hidden={}))
    assert ("get" not in task.bare.refused) is passes
    assert "__len__" in task.bare.refused


def test_tests_of_both_kinds_are_looked_at_together() -> None:
    seen = "from solution import make\ndef test_it():\n    uf = make(2)\n    uf.link(0, 1)\n"
    hidden = "from solution import make\ndef test_it():\n    forest = make(2)\n    assert forest.find(0) == 0\n"
    task = PythonTask.of(Instance(id="x", goal="x", public={"tests": seen}, hidden={"tests": hidden}))
    assert "find" not in task.bare.refused
