"""What tests do to the values of a candidate, and which of these values the tests show to be objects."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from loopwright.verify._flow import Flow
from loopwright.verify._uses import PLAIN_ATTRIBUTES, PLAIN_METHODS, Uses

_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}
_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ASKING = {"len", "bool", "int", "float", "complex", "abs", "round", "reversed", "hash", "divmod", "pow"}
"""Built-in functions that ask their arguments for the special method of that name."""
_SORTING = {"sorted", "min", "max"}
_PASSING = {
    *("list", "tuple", "set", "frozenset", "iter", "filter", "sorted", "reversed"),
    *("deque", "enumerate", "zip"),
}
"""Functions whose results have the items of their arguments."""
_RUNNING = {"run", "wait_for", "create_task", "ensure_future", "run_until_complete", "copy", "deepcopy", "cast"}
"""Functions that give back what an argument of theirs is, or gives."""


def what_tests_ask(tests: Iterable[ast.Module], modules: Sequence[str]) -> tuple[set[str], set[str]]:
    """What tests ask of values that may be plain, and what they ask of objects.

    A value is an object if tests use an attribute of it that no plain value has, methods of it that no single plain
    type has, or a method without calling it, or if they set an attribute, call the value or enter it as a context.

    Args:
        tests: The tests.
        modules: Names of the modules that the tests may import from the candidate.

    Returns:
        Attributes asked of values that may be plain; attributes and special methods asked of objects.
    """
    reader = _Reader(modules)
    for tree in tests:
        reader.read(tree)
    plain: set[str] = set()
    objects: set[str] = set()
    for uses in reader.uses():
        if uses.shown:
            objects |= uses.names | uses.asked
        else:
            plain |= uses.names
    return plain & PLAIN_ATTRIBUTES, objects


class _Reader(ast.NodeVisitor):
    """Follows values through tests."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._roots = {name.partition(".")[0] for name in modules}
        self._flow = Flow()
        self._found: dict[int, Uses] = {}
        self._equal: list[tuple[int, int]] = []
        self._scopes: list[dict[str, int]] = []
        self._functions: dict[int, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = {}
        self._returned: list[int] = []
        self._depth = 0

    def read(self, tree: ast.Module) -> None:
        """Takes in all of a file."""
        self._scopes = [{}]
        self._returned = [self._flow.fresh()]
        self._body(tree.body)

    def uses(self) -> Iterable[Uses]:
        """What is done to each value."""
        self._flow.settle()
        merged: dict[int, Uses] = {}
        for value, uses in self._found.items():
            all_of = merged.setdefault(self._flow.root(value), Uses())
            all_of.names |= uses.names
            all_of.asked |= uses.asked
            all_of.shown |= uses.of_object()
        for pair in self._equal:
            both = [merged.get(self._flow.root(value)) for value in pair]
            if all(one and one.shown for one in both):
                for one in both:
                    one.asked.add("__eq__")  # type: ignore[union-attr] # neither is None
        return merged.values()

    def _of(self, value: int) -> Uses:
        return self._found.setdefault(value, Uses())

    # Statements

    def _body(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._scopes[-1][node.name] = self._function(node)
        for node in body:
            self.visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
        value = self._flow.part("function", name=str(id(node)))
        self._functions[value] = node
        return value

    def _parameter(self, function: int, name: str) -> int:
        return self._flow.part("parameter", function, name)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            self._value(node)
            return
        compound = isinstance(node, ast.For | ast.AsyncFor | ast.While | ast.If | ast.Try | ast.Match)
        self._depth += compound
        super().visit(node)
        self._depth -= compound

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for mark in node.decorator_list:
            self._value(mark)
        self._scopes[-1][node.name] = self._function(node)
        self._enter(self._function(node), node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _enter(self, function: int, args: ast.arguments, body: Sequence[ast.stmt] | ast.expr) -> None:
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self._value(default)
        self._scopes.append({arg.arg: self._parameter(function, arg.arg) for arg in every if arg})
        self._returned.append(self._flow.part("call", function))
        depth, self._depth = self._depth, 0
        if isinstance(body, ast.expr):
            self._flow.join(self._returned[-1], self._value(body, loose=True))
        else:
            self._body(body)
        self._depth = depth
        self._returned.pop()
        self._scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self._scopes.append({})
        self._body(node.body)
        self._scopes.pop()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if (node.module or "").partition(".")[0] in self._roots:
                self._scopes[-1][alias.asname or alias.name] = self._flow.part("given", name=alias.name)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value:
            self._flow.join(self._returned[-1], self._value(node.value, loose=True))

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self._value(node.value, loose=True)
        for target in node.targets:
            self._bind(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self._bind(node.target, self._value(node.value, loose=True))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        value = self._value(node.value)
        if isinstance(node.target, ast.Name):
            target = self._value(ast.Name(node.target.id, ast.Load()))
            self._operate(node.op, target, value)
        else:
            self._bind(node.target, self._flow.fresh())

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind(node.target, self._flow.part("item", self._value(node.iter)))
        self._body([*node.body, *node.orelse])

    visit_AsyncFor = visit_For

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self._value(item.context_expr)
            self._of(value).shown = True
            if item.optional_vars:
                self._bind(item.optional_vars, value)
        self._body(node.body)

    visit_AsyncWith = visit_With

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._scopes[-1][node.name] = self._flow.fresh()
        self._body(node.body)

    def visit_Assert(self, node: ast.Assert) -> None:
        self._truth(node.test)
        if node.msg:
            self._value(node.msg)

    def visit_If(self, node: ast.If | ast.While) -> None:
        self._truth(node.test)
        self._body([*node.body, *node.orelse])

    visit_While = visit_If

    def _bind(self, target: ast.expr, value: int) -> None:
        """What an assignment does."""
        if isinstance(target, ast.Name):
            scope = self._scopes[-1]
            if self._depth and target.id in scope:
                self._flow.join(scope[target.id], value)  # it may be the one or the other
            else:
                # Another variable from here on, though of the same name.
                scope[target.id] = self._flow.fresh()
                self._flow.join(scope[target.id], value)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._bind(part, self._flow.part("item", value))
        elif isinstance(target, ast.Starred):
            self._bind(target.value, self._flow.fresh())
        elif isinstance(target, ast.Attribute):
            self._of(self._value(target.value)).shown = True
        elif isinstance(target, ast.Subscript):
            owner = self._value(target.value)
            self._value(target.slice)
            self._of(owner).asked.add("__setitem__")
            self._flow.join(self._flow.part("item", owner), value)

    # Expressions

    def _value(self, node: ast.expr, *, loose: bool = False) -> int:
        """The value of an expression; `loose` where a method may stand that is called elsewhere."""
        if isinstance(node, ast.Attribute):
            return self._attribute(node, called=loose)
        known = _EXPRESSIONS.get(type(node))
        if known:
            return known(self, node)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr | ast.comprehension | ast.keyword):
                self.visit(part)
        return self._flow.fresh()

    def _name(self, node: ast.Name) -> int:
        for scope in reversed(self._scopes):
            if node.id in scope:
                return scope[node.id]
        return self._flow.part("given", name=node.id)

    def _attribute(self, node: ast.Attribute, *, called: bool) -> int:
        if isinstance(node.value, ast.Name) and node.value.id in self._roots:
            return self._flow.part("given", name=node.attr)
        value = self._value(node.value)
        one = value
        if isinstance(node.value, ast.Call | ast.Subscript | ast.Await):
            one = self._flow.fresh()  # each call may give a value of another type
            self._flow.join(value, one)
        uses = self._of(one)
        uses.names.add(node.attr)
        uses.shown |= not called and node.attr in PLAIN_METHODS
        return self._flow.part("attribute", value, node.attr)

    def _call(self, node: ast.Call) -> int:
        function = node.func
        callee = self._value(function, loose=True)
        given = [self._value(part.value if isinstance(part, ast.Starred) else part, loose=True) for part in node.args]
        named = {part.arg: self._value(part.value, loose=True) for part in node.keywords}
        if callee in self._functions:
            self._hand_over(callee, given, named)
        elif given and _last_name(function) in _RUNNING and _is_library(function):
            return given[-1 if _last_name(function) == "cast" else 0]
        elif isinstance(function, ast.Name) and self._is_built_in(function.id):
            return self._built_in(node, given)
        else:
            self._of(callee).shown = True
        return self._flow.part("call", callee)

    def _is_built_in(self, name: str) -> bool:
        known = hasattr(builtins, name) or name in _PASSING
        return known and not any(name in scope for scope in self._scopes)

    def _hand_over(self, function: int, given: Sequence[int], named: dict[str | None, int]) -> None:
        """Joins what a function of the tests is called with and its parameters."""
        args = self._functions[function].args
        names = [arg.arg for arg in [*args.posonlyargs, *args.args]]
        for name, value in [*zip(names, given, strict=False), *named.items()]:
            if name:
                self._flow.join(self._parameter(function, name), value)

    def _built_in(self, node: ast.Call, given: Sequence[int]) -> int:
        called = _last_name(node.func)
        result = self._flow.fresh()
        if called in ("getattr", "hasattr", "setattr", "delattr") and len(node.args) > 1:
            self._named(node, given[0])
        for value in given:
            item = self._flow.part("item", value)
            if called in _ASKING:
                self._of(value).asked.add(f"__{called}__")
            elif called in _SORTING:
                self._of(value if called != "sorted" and len(given) > 1 else item).asked.add("__lt__")
            elif called == "sum":
                self._of(item).asked.add("__add__")
            if called in _PASSING:
                made = self._flow.part("item", result)
                self._flow.join(self._flow.part("item", made) if called in ("enumerate", "zip") else made, item)
            elif called == "next" or (called in ("min", "max") and len(given) == 1):
                self._flow.join(result, item)
        return result

    def _named(self, node: ast.Call, value: int) -> None:
        """Notes an attribute that is named by a text."""
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            self._of(value).names.add(name.value)
            self._of(value).shown |= _last_name(node.func) in ("setattr", "delattr")

    def _subscript(self, node: ast.Subscript) -> int:
        owner = self._value(node.value)
        self._value(node.slice)
        self._of(owner).asked.add("__getitem__")
        return owner if isinstance(node.slice, ast.Slice) else self._flow.part("item", owner)

    def _operate(self, op: ast.operator, *values: int) -> int:
        for value in values:
            self._of(value).asked.add(_special(op))
        return self._flow.fresh()

    def _binary(self, node: ast.BinOp) -> int:
        values = [self._value(part) for part in (node.left, node.right)]
        result = self._operate(node.op, *values)
        for part, value in zip((node.left, node.right), values, strict=True):
            if not isinstance(part, ast.Constant):
                self._flow.join(result, value)  # what is added up is often of one kind
        return result

    def _unary(self, node: ast.UnaryOp) -> int:
        if isinstance(node.op, ast.Not):
            self._truth(node.operand)
            return self._flow.fresh()
        value = self._value(node.operand)
        self._of(value).asked.add(_UNARY[type(node.op)])
        return value

    def _truth(self, node: ast.expr) -> None:
        if isinstance(node, ast.BoolOp):
            for part in node.values:
                self._truth(part)
        elif isinstance(node, ast.Compare | ast.Constant):
            self._value(node)
        else:
            self._of(self._value(node)).asked.add("__bool__")

    def _one_of(self, node: ast.BoolOp | ast.IfExp | ast.List | ast.Tuple | ast.Set) -> int:
        """The value of an expression that is, or holds, its parts."""
        result = self._flow.fresh()
        if isinstance(node, ast.BoolOp):
            parts, target = node.values, result
        elif isinstance(node, ast.IfExp):
            self._truth(node.test)
            parts, target = [node.body, node.orelse], result
        else:
            parts, target = node.elts, self._flow.part("item", result)
        for part in parts:
            value = self._value(part, loose=True)
            if isinstance(node, ast.Set):
                self._of(value).asked.add("__hash__")
            self._flow.join(target, value)
        return result

    def _compare(self, node: ast.Compare) -> int:
        values = [self._value(part) for part in (node.left, *node.comparators)]
        for op, left, right in zip(node.ops, values, values[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                self._of(right).asked.add("__contains__")
            elif isinstance(op, _ORDER):
                self._of(left).asked.add("__lt__")
                self._of(right).asked.add("__lt__")
            elif isinstance(op, ast.Eq | ast.NotEq):
                self._equal.append((left, right))
                self._equal.append((self._flow.part("item", left), self._flow.part("item", right)))
        return self._flow.fresh()

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> int:
        self._scopes.append({})
        for part in node.generators:
            self._bind(part.target, self._flow.part("item", self._value(part.iter)))
            for condition in part.ifs:
                self._truth(condition)
        result = self._flow.fresh()
        if isinstance(node, ast.DictComp):
            self._value(node.key)
            made = self._value(node.value, loose=True)
        else:
            made = self._value(node.elt, loose=True)
        self._flow.join(self._flow.part("item", result), made)
        self._scopes.pop()
        return result

    def _dict(self, node: ast.Dict) -> int:
        result = self._flow.fresh()
        for key, part in zip(node.keys, node.values, strict=True):
            if key:
                self._value(key)
                self._flow.join(self._flow.part("item", result), self._value(part, loose=True))
            else:
                self._flow.join(result, self._value(part))
        return result

    def _lambda(self, node: ast.Lambda) -> int:
        function = self._function(node)
        self._enter(function, node.args, node.body)
        return function

    def _walrus(self, node: ast.NamedExpr) -> int:
        value = self._value(node.value, loose=True)
        self._bind(node.target, value)
        return value


def _special(op: ast.operator) -> str:
    """`__mul__` for `*`."""
    name = type(op).__name__.lower().replace("mult", "mul").removeprefix("bit")
    return "__truediv__" if name == "div" else f"__{name}__"


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _is_library(node: ast.expr) -> bool:
    """Whether a function is named alone, or as one of a module that has functions in `_RUNNING`."""
    owner = node.value if isinstance(node, ast.Attribute) else None
    return owner is None or (isinstance(owner, ast.Name) and owner.id in ("asyncio", "copy", "typing", "loop"))


_EXPRESSIONS: dict[type, Callable[[_Reader, Any], int]] = {
    ast.Name: _Reader._name,
    ast.Call: _Reader._call,
    ast.Subscript: _Reader._subscript,
    ast.BinOp: _Reader._binary,
    ast.UnaryOp: _Reader._unary,
    ast.Compare: _Reader._compare,
    ast.Lambda: _Reader._lambda,
    ast.NamedExpr: _Reader._walrus,
    ast.Dict: _Reader._dict,
    ast.Await: lambda reader, node: reader._value(node.value),
    **dict.fromkeys((ast.BoolOp, ast.IfExp, ast.List, ast.Tuple, ast.Set), _Reader._one_of),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _Reader._comprehension),
}
