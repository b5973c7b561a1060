"""Equality in tests: an object of the repository cannot claim to be a plain value, such as a number or a list.

`expected == f()` is true of any `f` that returns an object whose class says so. So where two values compare as equal,
one of them is plain and the other one's class is of the repository, that class must have had an `__eq__` at the base
commit, or have one in the graders' solution.
"""

from __future__ import annotations

import ast
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__unittest = True
"""As in modules of unittest: tracebacks of failed tests leave this one out."""
EQUAL = "_equal_"
"""Name under which test files find what compares."""
_PLAIN = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, type(None))
_DEPTH, _MOST = 20, 10_000
_MRO, _NAMES = type.__dict__["__mro__"].__get__, type.__dict__["__dict__"].__get__


class Equality:
    """Tells honest equality from a claim."""

    def __init__(self, folder: str, known: Iterable[str]) -> None:
        self._folder = folder + "/"
        self._known = frozenset(known)
        """Names of classes that may be equal to plain values."""

    def equal(self, first: Any, second: Any) -> Any:
        """What `first == second` says, or False where that is a claim."""
        said = first == second
        return False if said is True and not self.honest(first, second) else said

    def honest(self, first: Any, second: Any, depth: int = _DEPTH) -> bool:
        """Whether two values that compare as equal may be so."""
        one, other = type(first), type(second)
        if one not in _PLAIN or other not in _PLAIN:
            return (one not in _PLAIN or self._may(other)) and (other not in _PLAIN or self._may(one))
        if depth and one is other and one in (list, tuple) and len(first) <= _MOST:
            return all(self.honest(a, b, depth - 1) for a, b in zip(first, second))
        if depth and one is other is dict and len(first) <= _MOST:
            values = ((first[key], second[key]) for key in first if key in second)
            return self._all_may(second) and all(self.honest(a, b, depth - 1) for a, b in values)
        return self._all_may((*first, *second)) if one in (set, frozenset) and other in (set, frozenset) else True

    def _all_may(self, values: Iterable[Any]) -> bool:
        return all(type(value) in _PLAIN or self._may(type(value)) for value in values)

    def _may(self, kind: type) -> bool:
        """Whether objects of a class may be equal to plain values."""
        owner = next(one for one in _MRO(kind) if "__eq__" in _NAMES(one))
        if owner.__module__ == "builtins" or owner.__qualname__ in self._known:
            return True
        code = getattr(_NAMES(owner)["__eq__"], "__code__", None)
        file = code.co_filename if code else getattr(sys.modules.get(owner.__module__), "__file__", None)
        return bool(file) and not str(file).startswith(self._folder)


def guard_equality(tree: ast.Module) -> None:
    """Changes every `a == b` of a test file into a call of `EQUAL`."""
    _Guard().visit(tree)
    ast.fix_missing_locations(tree)


class _Guard(ast.NodeTransformer):
    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            return node
        called = ast.Call(ast.Name(EQUAL, ast.Load()), [node.left, node.comparators[0]], [])
        return ast.copy_location(called, node)


def guard_assert_equal(case: Any, equality: Equality) -> None:
    """Has `assertEqual` of test cases refuse claims."""
    compare: Callable[..., None] = case.assertEqual

    def guarded(self: Any, first: Any, second: Any, msg: Any = None) -> None:
        compare(self, first, second, msg)
        if not equality.honest(first, second):
            self.fail("an object of the repository claims to be equal to a plain value")

    case.assertEqual = guarded
