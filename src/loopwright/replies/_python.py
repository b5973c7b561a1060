"""Python in replies, which is parsed and never executed."""

from __future__ import annotations

import ast
import warnings

_TRIES = 5


def is_python(code: str) -> bool:
    """Whether a text is a Python program, an empty one included."""
    return _parsed(code) is not None


def defined_names(code: str) -> frozenset[str]:
    """Functions and classes that code defines on its top level; none where it is no Python."""
    module = _parsed(code)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in module.body if isinstance(node, kinds)) if module else frozenset()


def parse_python(source: str) -> ast.Module:
    """As `ast.parse`, also while other threads parse: CPython 3.11 then fails now and then, and not when asked again.

    Raises:
        SyntaxError: It is no Python; and what else `ast.parse` raises.
    """
    for _ in range(_TRIES - 1):
        try:
            return ast.parse(source)
        except SystemError:
            # "AST constructor recursion depth mismatch": the depth is counted for all threads together.
            continue
    return ast.parse(source)


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse_python(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
