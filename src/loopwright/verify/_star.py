"""What `from solution import *` does not bring into tests: names that mean something else there."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from loopwright.replies import parse_python

_ASKED_FOR = (
    r"\b(?:def|class|functions?|implement|write|named|called)\b[\s`'\"]*(?:(?:a|the) )?(?:function )?[`'\"]?{}\b"
)


def withheld_names(tests: ast.Module, sources: Iterable[str], modules: Sequence[str], goal: str) -> frozenset[str]:
    """Names that a star import from the candidate does not bring.

    These are names that the tests define or import themselves, Python's built-in names unless the task asks for a
    function of that name, and modules of the standard library that the tests use by their names.

    Args:
        tests: The tests.
        sources: The Python sources of the gold solution and of the starting files.
        modules: Names of the modules that the tests may import from the candidate.
        goal: What the task asks for, in words.
    """
    if not any(_is_star(node, modules) for node in ast.walk(tests)):
        return frozenset()
    asked = {name for source in sources for name in _made_in(source)}
    withheld = {name for name in dir(builtins) if not re.search(_ASKED_FOR.format(re.escape(name)), goal, re.I)}
    return frozenset((withheld | _modules_meant(tests)) - asked | set(_bound(tests.body)))


def _is_star(node: ast.AST, modules: Sequence[str]) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in modules and node.names[0].name == "*"


def _made_in(source: str) -> Iterator[str]:
    """Names that a file defines and does not import."""
    try:
        tree = parse_python(source)
    except (SyntaxError, ValueError):
        return  # others tell it
    yield from _bound([node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)])


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that statements bind, but for star imports."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names if alias.name != "*")
        else:
            stores = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            yield from (part.id for part in stores if isinstance(part.ctx, ast.Store))


def _modules_meant(tests: ast.Module) -> set[str]:
    """Names of modules of the standard library of which the tests use attributes, and which they do not call."""
    nodes = list(ast.walk(tests))
    owners = {node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return (owners & sys.stdlib_module_names) - called
