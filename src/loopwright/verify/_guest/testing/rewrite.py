"""Turns the `assert` statements of a test into ones that tell their values, each evaluated once."""

from __future__ import annotations

import ast
from types import CodeType
from typing import Any

RUNTIME = "@runtime"
"""Global of the tests under which `failure` and `UNSET` are found; no name in source can be spelt like it."""
FILE = "tests"
_SOURCE_SHOWN = 300


class Statements:
    """The statements of a test file by line."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self._lines = source.splitlines()
        self._spans: list[tuple[int, int]] = [
            (node.lineno, node.end_lineno or node.lineno) for node in ast.walk(tree) if isinstance(node, ast.stmt)
        ]

    def at(self, line: int) -> str:
        """The innermost statement on a line, on one line; a compound one's first line."""
        covering = [(end - start, start) for start, end in self._spans if start <= line <= end]
        if not covering:
            return ""
        size, start = min(covering)
        return _on_one_line("\n".join(self._lines[start - 1 : start + min(size, 4)]))


class _Rewriter(ast.NodeTransformer):
    def __init__(self, source: str) -> None:
        self._source = source

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        text = _on_one_line(ast.get_source_segment(self._source, node.test) or "")
        shown: list[ast.expr] = []
        self._variables: list[str] = []
        names = sorted({name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)})
        test = self._capture(node.test, shown)
        values = ast.Tuple(
            [ast.Tuple([ast.Constant(label), _load(name)], ast.Load()) for label, name in self._labels(shown)],
            ast.Load(),
        )
        call = ast.Call(
            ast.Attribute(_load(RUNTIME), "failure", ast.Load()),
            [
                ast.Constant(text),
                values,
                ast.Tuple([ast.Constant(name) for name in names], ast.Load()),
                node.msg or ast.Constant(None),
            ],
            [],
        )
        statements: list[ast.stmt] = []
        if self._variables:
            unset = ast.Attribute(_load(RUNTIME), "UNSET", ast.Load())
            statements.append(ast.Assign([ast.Name(name, ast.Store()) for name in self._variables], unset))
        statements.append(ast.If(ast.UnaryOp(ast.Not(), test), [ast.Raise(call, None)], []))
        return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in statements]

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        """Has `raise AssertionError` raise one that is known to come from the tests."""
        self.generic_visit(node)
        call = node.exc if isinstance(node.exc, ast.Call) else None
        raised = call.func if call else node.exc
        if isinstance(raised, ast.Name) and raised.id == "AssertionError":
            known = ast.copy_location(ast.Attribute(_load(RUNTIME), "RaisedByTest", ast.Load()), raised)
            ast.fix_missing_locations(known)
            if call:
                call.func = known
            else:
                node.exc = known
        return node

    def _labels(self, shown: list[ast.expr]) -> list[tuple[str, str]]:
        labels = [_on_one_line(ast.get_source_segment(self._source, part) or "") for part in shown]
        return list(zip(labels, self._variables, strict=True))

    def _capture(self, node: ast.expr, shown: list[ast.expr]) -> ast.expr:
        """Keeps the values that decide a condition: of `and`, `or`, `not`, and both sides of comparisons."""
        if isinstance(node, ast.BoolOp):
            node.values = [self._capture(part, shown) for part in node.values]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node.operand = self._capture(node.operand, shown)
        elif isinstance(node, ast.Compare):
            node.left = self._keep(node.left, shown)
            node.comparators = [self._keep(part, shown) for part in node.comparators]
        else:
            return self._keep(node, shown)
        return node

    def _keep(self, node: ast.expr, shown: list[ast.expr]) -> ast.expr:
        if _is_literal(node):
            return node
        name = f"@{len(self._variables)}"
        self._variables.append(name)
        shown.append(node)
        return ast.NamedExpr(ast.Name(name, ast.Store()), node)


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _on_one_line(source: str) -> str:
    text = " ".join(part.strip() for part in source.splitlines())
    return text if len(text) <= _SOURCE_SHOWN else text[:_SOURCE_SHOWN] + " ..."


def rewrite(source: str) -> tuple[CodeType, Statements]:
    """Compiles tests with telling assertions.

    Raises:
        SyntaxError: The source is not Python, as this version has it.
    """
    tree = ast.parse(source, FILE)
    statements = Statements(source, tree)
    rewritten: Any = _Rewriter(source).visit(tree)
    return compile(rewritten, FILE, "exec", dont_inherit=True), statements
