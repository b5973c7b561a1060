"""Python in replies, which is parsed and never executed."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterator
from functools import lru_cache

INVISIBLE = "\xa0\u200b\u200c\u200d\u2060\ufeff"
"""A no-break space, and characters without a width."""
_AS_WRITTEN = str.maketrans({"\xa0": " "} | dict.fromkeys(INVISIBLE[1:], ""))
_INDENTATION = re.compile(rf"^[ \t{INVISIBLE}]+", re.MULTILINE)
_LINE_END = re.compile(r"\r?\n")
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |\Z)")
_ADDED = re.compile(r"\+(?!\+\+ )(?P<line>.*)|@@.*|(?:\+\+\+|---) .*|diff .*|index .*|new file .*|")
_TRIES = 5
_PARSING = threading.Lock()
"""The filters of warnings are those of all threads."""


def program_lines(code: str) -> list[str]:
    """The lines of a program, whose text may hold what else Unicode calls the end of a line."""
    return _LINE_END.split(code)


@lru_cache(maxsize=8)
def is_python(code: str) -> bool:
    """Whether a text is a Python program, an empty one included."""
    # The readings of one reply are asked about again and again; older replies are not kept for that.
    return try_parse(code) is not None


def defined_names(code: str) -> frozenset[str]:
    """Functions and classes that code defines on its top level; none where it is no Python."""
    module = try_parse(code)
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


def repaired_python(code: str) -> str:
    """A text that is no Python as the program that it shows; as it is where it shows none.

    The program of a console's session is what stands after its prompts; that of a diff of a new file, its lines. Blanks
    and characters without a width that Python refuses are left out, or are spaces.
    """
    if is_python(code):
        return code
    return next((reading for reading in _kinder(code) if reading != code and is_python(reading)), code)


def _kinder(code: str) -> Iterator[str]:
    clean = _INDENTATION.sub(lambda found: found[0].translate(_AS_WRITTEN), code)
    yield clean
    yield code.translate(_AS_WRITTEN)
    lines = program_lines(clean)
    if clean.lstrip().startswith(">>>"):
        yield "".join(f"{line[4:]}\n" for line in lines if _PROMPT.match(line))
    added = [_ADDED.fullmatch(line) for line in lines]
    if all(added):
        yield "".join(f"{found['line']}\n" for found in added if found and found["line"] is not None)


def try_parse(code: str) -> ast.Module | None:
    """The syntax tree of a text; None where it is no Python, or too deep to tell."""
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse_python(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
