"""Python is parsed also where the interpreter fails for no reason."""

from __future__ import annotations

import ast

import pytest

from loopwright.replies import is_python, parse_python


def test_a_failure_of_the_interpreter_itself_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 counts the depth of syntax trees for all threads together, and so sometimes wrongly."""
    parse, failures = ast.parse, [SystemError("AST constructor recursion depth mismatch (before=42, after=36)")] * 2

    def failing(source: str) -> ast.Module:
        if failures:
            raise failures.pop()
        return parse(source)

    monkeypatch.setattr(ast, "parse", failing)
    assert len(parse_python("a = 1\nb = 2").body) == 2
    assert failures == []
    assert not is_python("a =")
