"""What data from outside may be: JSON that any program can read, and no more of it than code can walk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 40


def plain_problem(value: Any, depth: int = 0) -> str:
    """Why data from outside is refused; empty where it is plain.

    Args:
        value: Text, numbers, lists and mappings; what is none of them is not looked into.
        depth: How deep the value itself stands in a document.
    """
    if isinstance(value, str):
        return _text_problem(value)
    if isinstance(value, float):
        return "" if math.isfinite(value) else "the number is too large"
    if not isinstance(value, Mapping | list | tuple):
        return ""
    if depth >= MAX_DEPTH:
        return f"this is nested more than {MAX_DEPTH} deep"
    members = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
    return next((problem for member in members if (problem := plain_problem(member, depth + 1))), "")


def _text_problem(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"the text holds half a character, U+{ord(text[error.start]):04X}, which UTF-8 cannot hold"
    return ""
