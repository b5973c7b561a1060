"""Python in replies, which is parsed and never executed."""

from __future__ import annotations

import ast
import warnings


def is_python(code: str) -> bool:
    """Whether a text is a Python program, an empty one included."""
    return _parsed(code) is not None


def defined_names(code: str) -> frozenset[str]:
    """Functions and classes that code defines on its top level; none where it is no Python."""
    module = _parsed(code)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in module.body if isinstance(node, kinds)) if module else frozenset()


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
