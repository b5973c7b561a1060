"""Programs as text: what two of them have in common but for the way they are written."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache


@lru_cache(maxsize=256)
def normal_form(source: str) -> str:
    """A hash that programs share which differ in blanks, comments and line ends only."""
    try:
        told = ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        told = source
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
