"""Whether tests show that they want objects: they do with a value of the candidate what no plain value allows."""

from __future__ import annotations

import ast
import builtins
import inspect
import types
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from loopwright.verify._guest.conversation.values import PLAIN

_VALUES = (date, datetime, time, timedelta, Decimal, UUID)
"""Types of the standard library whose values cross as they are, and whose attributes few other objects have."""
_ATTRIBUTES = [{name for name in dir(kind) if not name.startswith("_")} for kind in (*PLAIN, *_VALUES)]
PLAIN_ATTRIBUTES = frozenset(name for kind in PLAIN for name in dir(kind) if not name.startswith("_"))
"""Attributes that some plain value has."""
_METHODS = frozenset(name for kind in PLAIN for name in dir(kind) if callable(getattr(kind, name)))
_PASSING = frozenset(
    {
        *("cast", "deque", "enumerate", "filter", "iter", "list", "max", "min", "next", "reversed", "sorted", "tuple"),
        *("zip", "run", "wait_for", "create_task", "run_until_complete", "copy", "deepcopy", "partial"),
    }
)
"""Functions whose results are arguments of theirs, or hold them."""
_CHECKS = ("approx", "output", "raises")
"""What tests may import from `checks`."""
_OF_FUNCTIONS = frozenset({"cache_clear", "cache_info", "cache_parameters"})
"""Attributes that functions have where `functools.cache` decorates them."""
_ADDING = frozenset({"add", "append", "appendleft", "insert", "setdefault"})
_Binding = tuple[set[str], ast.expr]
"""Names, and what they are bound to, or to an item of."""
_ROUNDS = 20
"""Values that reach a name only after more steps than this, against the order of the lines, are not followed."""


def show_objects(tests: ast.AST, modules: Sequence[str]) -> bool:
    """Whether tests ask a value of the candidate for what no plain value has.

    That is an attribute that no plain value has, methods that no single plain type has, a method that is read and not
    called; or they set an attribute, or enter the value as a context.

    Args:
        tests: A file of tests.
        modules: Names of the modules that the tests may import from the candidate.
    """
    values = _Values(tests, modules)
    handed = set(_handed_on(tests))
    calls = {id(node.func): node for node in ast.walk(tests) if isinstance(node, ast.Call)}
    for scope in _scopes(tests):
        bound = _bound_lines(scope)
        asked: dict[str, set[str]] = {}
        for node in scope:
            if isinstance(node, ast.withitem) and values.has(node.context_expr):
                return True
            if not isinstance(node, ast.Attribute) or not values.has(node.value) or values.is_module(node.value):
                continue
            if node.attr.startswith("__") or node.attr in _OF_FUNCTIONS:
                continue
            if not isinstance(node.ctx, ast.Load) or (node.attr in _METHODS and id(node) not in handed):
                return True
            if id(node) in calls and not _takes(node.attr, calls[id(node)]):
                return True
            asked.setdefault(_owner(node.value, bound), set()).add(node.attr)
        if any(not any(names <= known for known in _ATTRIBUTES) for names in asked.values()):
            return True
    return False


def _takes(name: str, call: ast.Call) -> bool:
    """Whether a method of a plain value takes such arguments, or may take them."""
    methods = [vars(kind)[name] for kind in (*PLAIN, *_VALUES) if name in vars(kind)]
    unknown = any(isinstance(part, ast.Starred) for part in call.args) or any(not one.arg for one in call.keywords)
    if not methods or unknown:
        return True
    given: list[None] = [None] * (1 + len(call.args))
    named = {keyword.arg: None for keyword in call.keywords if keyword.arg}
    for method in methods:
        try:
            inspect.signature(method).bind(*given, **named)
        except TypeError:
            if isinstance(method, types.FunctionType | types.MethodDescriptorType):
                continue
        except ValueError:
            pass  # it has no signature
        return True
    return False


class _Values:
    """Names in tests that stand for what the candidate gives, wherever in the file they do so."""

    def __init__(self, tests: ast.AST, modules: Sequence[str]) -> None:
        self._modules = {name.partition(".")[0] for name in modules}
        self._names = set(self._modules)
        for node in ast.walk(tests):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in self._modules:
                self._names |= {alias.asname or alias.name for alias in node.names}
        self._modules |= module_names(tests, self._modules)
        self._names |= self._modules
        if "*" in self._names:
            self._names |= unbound_names(tests)
        bindings = [*_bindings(tests), *_calls(tests)]
        for _ in range(_ROUNDS):
            before = len(self._names)
            for names, value in bindings:
                if self.has(value):
                    self._names |= names
            if len(self._names) == before:
                break

    def is_module(self, node: ast.expr) -> bool:
        """Whether an expression is a module of the candidate, whose attributes are its functions."""
        return isinstance(node, ast.Name) and node.id in self._modules

    def has(self, node: ast.expr | None) -> bool:
        """Whether an expression is what the candidate gives, or may be."""
        match node:
            case ast.Name():
                return node.id in self._names
            case ast.Attribute() | ast.Subscript() | ast.Await() | ast.Starred() | ast.NamedExpr():
                return self.has(node.value)
            case ast.Call():
                passing = last_name(node.func) in _PASSING
                return self.has(node.func) or (passing and any(map(self.has, node.args)))
            case ast.IfExp():
                return self.has(node.body) or self.has(node.orelse)
            case ast.BoolOp() | ast.Dict():
                return any(map(self.has, node.values))
            case ast.BinOp():
                return self.has(node.left) or self.has(node.right)
            case ast.List() | ast.Tuple():
                return any(map(self.has, node.elts))
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self.has(node.elt)
            case ast.DictComp():
                return self.has(node.value)
            case _:
                return False


def _bindings(tests: ast.AST) -> Iterator[_Binding]:
    """What assignments, loops and contexts bind."""
    for node in ast.walk(tests):
        match node:
            case ast.Assign():
                yield {name for target in node.targets for name in _names_in(target)}, node.value
            case ast.AnnAssign() | ast.NamedExpr() if node.value:
                yield _names_in(node.target), node.value
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                yield _names_in(node.target), node.iter
            case ast.withitem() if node.optional_vars:
                yield _names_in(node.optional_vars), node.context_expr
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr), args=[*_, added]) if attr in _ADDING:
                yield {name}, added


def _calls(tests: ast.AST) -> Iterator[_Binding]:
    """What calls bind the parameters of functions in the tests to, and their names to what they return."""
    nodes = list(ast.walk(tests))
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for name, function in functions.items():
        yield from (({name}, node.value) for node in ast.walk(function) if isinstance(node, ast.Return) and node.value)
    for node in nodes:
        if isinstance(node, ast.Call) and (called := functions.get(last_name(node.func))):
            names = [arg.arg for arg in [*called.args.posonlyargs, *called.args.args]]
            yield from (({name}, given) for name, given in zip(names, node.args, strict=False))
            yield from (({keyword.arg}, keyword.value) for keyword in node.keywords if keyword.arg)


def _names_in(target: ast.expr) -> set[str]:
    if isinstance(target, ast.Attribute):
        return set()
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}


def module_names(tests: ast.AST, modules: Iterable[str]) -> set[str]:
    """Other names under which tests import modules, as in `import solution as s`."""
    aliases = (alias for node in ast.walk(tests) if isinstance(node, ast.Import) for alias in node.names)
    return {alias.asname for alias in aliases if alias.asname and alias.name.partition(".")[0] in modules}


def unbound_names(tests: ast.AST) -> set[str]:
    """Names that nothing in a file binds, so that they come from an import of everything."""
    bound = {*dir(builtins), *_CHECKS}
    used = set[str]()
    for node in ast.walk(tests):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    return used - bound


def last_name(node: ast.expr) -> str:
    """`Generic` for `typing.Generic[T]`."""
    if isinstance(node, ast.Subscript):
        return last_name(node.value)
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _handed_on(tests: ast.AST) -> Iterator[int]:
    """Expressions that are called, or go where they may be called."""
    for node in ast.walk(tests):
        match node:
            case ast.Call():
                yield from map(id, (node.func, *node.args, *(keyword.value for keyword in node.keywords)))
            case ast.Assign() | ast.AnnAssign() | ast.NamedExpr() | ast.Return():
                yield id(node.value)
            case ast.Lambda():
                yield id(node.body)
            case ast.List() | ast.Tuple():
                yield from map(id, node.elts)


def _scopes(tests: ast.AST) -> Iterator[list[ast.AST]]:
    """The nodes of a file and of each function in it, without those of functions in them."""
    waiting = [tests]
    while waiting:
        scope: list[ast.AST] = []
        nodes = [waiting.pop()]
        while nodes:
            for node in ast.iter_child_nodes(nodes.pop()):
                inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                (waiting if inner else nodes).append(node)
                scope.append(node)
        yield scope


def _bound_lines(scope: list[ast.AST]) -> dict[str, list[int]]:
    """Each variable to the lines in which it gets a value."""
    lines: dict[str, list[int]] = {}
    for node in scope:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines.setdefault(node.id, []).append(node.lineno)
    return {name: sorted(found) for name, found in lines.items()}


def _owner(value: ast.expr, bound: dict[str, list[int]]) -> str:
    """Tells values apart: a variable is another one after each assignment, and each call gives another value."""
    if isinstance(value, ast.Call | ast.Subscript | ast.Await):
        return str(id(value))
    written = ast.unparse(value)
    return f"{written} {bisect_left(bound.get(written, ()), value.lineno)}"
