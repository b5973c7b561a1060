"""What tests may ask an object of the candidate: only what objects of the task's own classes answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from loopwright.replies import parse_python
from loopwright.verify._guest.conversation.ops import SPECIAL
from loopwright.verify._shown import PLAIN_ATTRIBUTES, last_name, module_names, show_objects, unbound_names

_ALWAYS = {
    *("__call__", "__enter__", "__exit__", "__instancecheck__", "__subclasscheck__"),
    *("__get__", "__set__", "__delete__", "__set_name__"),
    *("__await__", "__aiter__", "__anext__", "__aenter__", "__aexit__"),
}
"""Special methods that decide nothing by themselves: the test names what it expects of the result."""
_CONTAINER = {"__len__", "__bool__", "__iter__", "__next__", "__reversed__", "__contains__", "__getitem__"}
_FAMILIES: tuple[set[str], ...] = (
    _CONTAINER,
    {"__setitem__", "__delitem__"},
    {"__missing__", "default_factory"},
    {"__eq__", "__ne__", "__hash__"},
    {"__lt__", "__le__", "__gt__", "__ge__"},
    {"__int__", "__float__", "__complex__", "__index__", "__trunc__", "__floor__", "__ceil__", "__round__"},
    *({f"__{kind}{name[2:]}" for kind in ("", "r", "i")} for name in SPECIAL if f"__r{name[2:]}" in SPECIAL),
)
"""Special methods of which one implies the others: classes may write any of them."""
_FAMILY = {name: family for family in _FAMILIES for name in family}
_PREDICATES = frozenset(name for name in PLAIN_ATTRIBUTES if name.startswith("is") or name.endswith("with"))
_BASES: dict[str, set[str]] = {
    "object": set(),
    **{name: set() for name in ("ABC", "Protocol", "Generic", "NamedTuple", "TypedDict")},
    **dict.fromkeys(("Enum", "IntEnum", "StrEnum"), _CONTAINER),
}
"""Base classes from elsewhere whose special methods are known."""
_CLASS_CHECKS = {"isinstance", "issubclass", "raises", "assertRaises", "assertIsInstance"}
_MADE: dict[str, set[str]] = {
    "make_dataclass": {"__eq__", "__lt__"},
    "SimpleNamespace": {"__eq__"},
    "namedtuple": set(),
    "defaultdict": {"__missing__"},
    **{name: {""} for name in ("type", "new_class")},
}
"""Calls that make a class or an object, and the special methods of what they make; the empty one for any."""
_OBJECTS = re.compile(
    r"\b(class|methods?|instances? of|objects? (with|that|which|whose|having))\b"
    r"|->\s*[\"']?(?!(List|Dict|Set|Tuple|Optional|Union|Any|Iterable|Iterator|Sequence|Mapping|Counter)\b)[A-Z]\w*[a-z]"
)
"""Words of a goal that ask for objects."""
_FILLERS = frozenset(
    [
        "bool",
        "bytes",
        "complex",
        "Counter",
        "defaultdict",
        "deque",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "set",
        "str",
        "tuple",
    ]
)
"""What fills a defaultdict with the same value each time."""


def refused_names(
    sources: Sequence[str], tests: Iterable[str], modules: Sequence[str], *, gold: bool, goal: str = ""
) -> frozenset[str]:
    """Special methods and attributes that an object of the candidate is not asked for in tests.

    Without a gold solution, tests that name a class of the candidate, or show that they want objects, may ask objects
    for anything. Other tests may ask them what no plain value answers.

    Args:
        sources: The Python sources of the gold solution and of the starting files.
        tests: The sources of the tests.
        modules: Names of the modules that the tests may import from the candidate.
        gold: Whether there is a gold solution.
        goal: What the task asks for, in words.
    """
    plain = PLAIN_ATTRIBUTES
    trees: list[ast.Module] = []
    try:
        trees = [parse_python(source) for source in sources]
        if not gold:
            parsed = [parse_python(source) for source in tests]
            if any(_names_class(tree, modules) for tree in parsed):
                return frozenset()
            if any(show_objects(tree, modules) for tree in parsed):
                return frozenset({"__missing__"})
            plain = _PREDICATES if _OBJECTS.search(goal) else PLAIN_ATTRIBUTES
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        trees, plain = [], _PREDICATES  # others tell it
    answered = {name for tree in trees for name in _answered(tree, _classes(trees))}
    if "" in answered:
        return frozenset()
    answered |= {name for found in answered for name in _FAMILY.get(found, ())}
    return frozenset((SPECIAL.keys() - _ALWAYS) | {"__missing__"} | plain) - answered


def _names_class(tests: ast.AST, modules: Sequence[str]) -> bool:
    """Whether tests import or reach something of the candidate that is written like a class.

    A name in capitals alone may be a constant: it is a class only where tests call it, inherit from it, or name it in
    `except` or as an argument of a check such as `isinstance`.
    """
    roots = {name.partition(".")[0] for name in modules}
    roots |= module_names(tests, roots)
    named: list[str] = []
    used: set[str] = set()
    for node in ast.walk(tests):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in roots:
            named += [alias.name for alias in node.names]
            named += sorted(unbound_names(tests)) if node.names[0].name == "*" else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in roots:
            named.append(node.attr)
        used |= {last_name(part) for part in _as_classes(node)}
    likely = [name for name in named if name[:1].isupper() and "_" not in name]
    return any(not name.isupper() or name in used for name in likely)


def _as_classes(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that a node uses as classes."""
    if isinstance(node, ast.Call):
        yield node.func
        if last_name(node.func) in _CLASS_CHECKS:
            for argument in node.args:
                yield from argument.elts if isinstance(argument, ast.Tuple) else [argument]
    elif isinstance(node, ast.Attribute) and node.attr.isupper():
        yield node.value  # a member of an enumeration
    elif isinstance(node, ast.ClassDef):
        yield from node.bases
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield from node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]


def _classes(trees: Iterable[ast.AST]) -> set[str]:
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _answered(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """Names that objects answer to; the empty one where that cannot be told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Call):
            yield from _by_call(node)
        elif isinstance(node, ast.ClassDef):
            yield from _by_body(node)
            yield from (name for base in node.bases for name in _by_base(last_name(base), known))
            yield from (name for mark in node.decorator_list for name in _by_decorator(mark))


def _by_call(call: ast.Call) -> Iterator[str]:
    """What an object answers whose class, or which itself, the call makes; `type(x)` of one argument makes none."""
    name = last_name(call.func)
    if name not in _MADE or (name == "type" and len(call.args) != 3):
        return
    if name == "defaultdict" and _fills_alike(call):
        return
    yield from _MADE[name]
    yield from (keyword.arg for keyword in call.keywords if keyword.arg)
    named = [part.value for part in ast.walk(call) if isinstance(part, ast.Constant)]
    yield from (word for text in named if isinstance(text, str) for word in text.split())


def _fills_alike(call: ast.Call) -> bool:
    """Whether a defaultdict gets no function, or one that gives the same value each time."""
    first = call.args[0] if call.args else ast.Constant(None)
    return isinstance(first, ast.Constant) or last_name(first) in _FILLERS


def _by_body(cls: ast.ClassDef) -> Iterator[str]:
    for node in cls.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Who answers any attribute may answer those of plain values.
            yield from PLAIN_ATTRIBUTES if node.name in ("__getattr__", "__getattribute__") else (node.name,)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _by_base(name: str, known: set[str]) -> Iterable[str]:
    if name in known or name.endswith(("Error", "Exception", "Warning")):
        return ()
    return _BASES.get(name, ("",))


def _by_decorator(mark: ast.expr) -> Iterable[str]:
    name = last_name(mark.func if isinstance(mark, ast.Call) else mark)
    if name == "dataclass":
        ordered = isinstance(mark, ast.Call) and any(keyword.arg == "order" for keyword in mark.keywords)
        return ("__eq__", "__lt__") if ordered else ("__eq__",)
    return ("__lt__",) if name == "total_ordering" else ("",)
