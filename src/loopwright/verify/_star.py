"""What `from solution import *` does not bring into tests: names that mean something else there."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from collections.abc import Iterable, Iterator, Sequence

from loopwright.replies import parse_python

_ASKED_FOR = re.compile(
    r"\b(?:def|class|functions?|methods?|define|(?:re-?)?implement|write|create|build|export|named|called|version of)\b"
    r"(?:[\s:'\"]|\b(?:an?|the|own|your|my|python's|built-?in|functions?|methods?|name|named|called|version|of)\b)*+"
    r"(?P<names>`?\w+`?(?:\([^)\n]{0,100}\))?`?(?:(?:,? and |, ?)`?\w+`?(?:\([^)\n]{0,100}\))?`?){0,9})",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?P<quote>`?)(?P<name>\w+)`?(?P<given>\()?(?:[^)\n]{0,100}\)`?)?(?:,? and |, ?|$)?")
_PROSE = frozenset({"all", "any", "dict", "id", "input", "list", "map", "object", "property", "set", "sorted", "type"})
"""Words that stand in goals by themselves: they count as names in backticks or with parameters."""
_MODULES = frozenset(
    {
        *("asyncio", "bisect", "calendar", "collections", "copy", "datetime", "decimal", "fractions", "functools"),
        *("heapq", "inspect", "io", "itertools", "json", "math", "operator", "os", "queue", "random", "re"),
        *("statistics", "string", "sys", "textwrap", "threading", "time", "types", "typing"),
    }
)
"""Modules of which tests speak by their names."""
_LONGEST = 50_000
"""Characters of a goal that are read for names."""


def withheld_names(tests: ast.Module, sources: Iterable[str], modules: Sequence[str], goal: str) -> frozenset[str]:
    """Names that a star import from the candidate does not bring.

    These are names to which the tests give a value before, Python's built-in names unless the task asks for a function
    of that name, and modules of the standard library that the tests use by their names.

    Args:
        tests: The tests.
        sources: The Python sources of the gold solution and of the starting files.
        modules: Names of the modules that the tests may import from the candidate.
        goal: What the task asks for, in words.
    """
    if not any(_is_star(node, modules) for node in ast.walk(tests)):
        return frozenset()
    asked = {name for source in sources for name in _made_in(source)}
    withheld = (set(dir(builtins)) | _modules_meant(tests)) - asked - _asked_for(goal)
    return frozenset(withheld | _bound_before(tests, modules))


def _asked_for(goal: str) -> set[str]:
    """Names of functions and classes that a goal asks for."""
    found = set[str]()
    for asked in _ASKED_FOR.finditer(goal[:_LONGEST]):
        for one in _NAME.finditer(asked["names"]):
            if one["quote"] or one["given"] or one["name"] not in _PROSE:
                found.add(one["name"])
    return found


def _is_star(node: ast.AST, modules: Sequence[str]) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in modules and node.names[0].name == "*"


def _made_in(source: str) -> Iterator[str]:
    """Names that a file defines and does not import."""
    try:
        tree = parse_python(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # others tell it
    for node in _statements(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield from _bound(node)


def _bound_before(tests: ast.Module, modules: Sequence[str]) -> set[str]:
    """Names that have a value in the tests where the star import stands; None stands for one that is missing."""
    nodes = list(_statements(tests))
    last = max(node.lineno for node in ast.walk(tests) if isinstance(node, ast.ImportFrom) and _is_star(node, modules))
    before = {name for node in nodes if node.lineno < last for name in _bound(node)}
    # A function may bind a name of the module whenever it is called.
    return before | {name for node in ast.walk(tests) if isinstance(node, ast.Global) for name in node.names}


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements but those in functions and classes."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.stmt):
                yield node
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
                waiting.append(node)


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a statement binds by itself."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case ast.ImportFrom() if node.names[0].name == "*" and node.module in _MODULES:
            yield from (name for name in dir(importlib.import_module(node.module)) if not name.startswith("_"))
        case ast.ImportFrom():
            yield from (alias.asname or alias.name for alias in node.names if alias.name != "*")
        case ast.Assign(value=ast.Constant(None)):
            return
        case _:
            for part in ast.walk(node):
                match part:
                    case (
                        ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name))
                    ):
                        yield name


def _modules_meant(tests: ast.Module) -> set[str]:
    """Names of modules of which the tests use attributes that these have, and no others."""
    used: dict[str, set[str]] = {}
    for node in ast.walk(tests):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
            used.setdefault(node.value.id, set()).add(node.attr)
    return {name for name, attributes in used.items() if attributes <= set(dir(importlib.import_module(name)))}
