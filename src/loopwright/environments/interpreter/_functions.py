"""Names of functions in code and in tests."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Sequence

from loopwright.replies import parse_python

_DEFINITION = re.compile(r"def\s+(\w+)\s*\(")
_WORD = re.compile(r"[^\W\d]\w*")


def first_definition(code: str) -> str | None:
    """The first function that a text defines."""
    found = _DEFINITION.search(code)
    return found[1] if found else None


def last_definition(code: str) -> str | None:
    """The last function that code defines on its top level; None where there is none or the code is no Python."""
    try:
        body = parse_python(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return next((node.name for node in reversed(body) if isinstance(node, ast.FunctionDef)), None)


def is_function_name(name: str) -> bool:
    """Whether a text may stand for a name in source: nothing else of what an agent says may."""
    return name.isidentifier() and not keyword.iskeyword(name)


def submitted_name(said: str, actions: Sequence[str]) -> str | None:
    """The function that is meant by what follows `submit`: `add`, `add()`, `the function "add"`.

    Args:
        said: What follows the word.
        actions: The code so far; of several words the first counts that is a function in it.

    Returns:
        None where there is no word.
    """
    words = _WORD.findall(said)
    defined = {name for action in actions for name in _DEFINITION.findall(action)}
    return next((word for word in words if word in defined), next(iter(words), None))


def tested_name(tests: Sequence[str], code: str) -> str | None:
    """The function that tests call: of those that the gold code defines, the first one that the first test names."""
    defined = set(_DEFINITION.findall(code))
    for test in tests:
        try:
            calls = [node.func for node in ast.walk(parse_python(test)) if isinstance(node, ast.Call)]
        except (SyntaxError, ValueError):
            continue
        names = [call.id for call in calls if isinstance(call, ast.Name) and not hasattr(builtins, call.id)]
        known = [name for name in names if name in defined] or names
        if known:
            return known[0]
    return first_definition(code)
