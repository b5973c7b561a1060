"""JSON in replies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_OPENING = re.compile(r"[{\[]")
_WORK = 20_000_000
"""Characters that are read for what proves to be no JSON: a reply of nothing but brackets must not cost minutes."""


def extract_json(text: str, schema: Mapping[str, Any] | None = None) -> str:
    """Takes the JSON out of a reply: all of it, or the last object that stands in it, as what comes last is meant.

    A list counts where there is no object, and the schema asks for none. Objects and lists in others are no answers.

    Args:
        text: The reply, without its reasoning.
        schema: JSON schema of the answer; an object that lacks none of its required fields goes before those that do.

    Returns:
        The text as it is where it holds no JSON.
    """
    if _is_json(text):
        return text.strip()
    found = [(text[start:end], value) for start, end, value in outermost_json(text)]
    objects = [part for part, value in found if isinstance(value, dict)]
    required = frozenset((schema or {}).get("required", ()))
    fitting = [part for part, value in found if isinstance(value, dict) and required <= value.keys()]
    lists = [] if (schema or {}).get("type") == "object" else [part for part, _ in found]
    parts = fitting or objects or lists
    return parts[-1] if parts else text


def outermost_json(text: str) -> Iterator[tuple[int, int, Any]]:
    """The objects and lists of a text that stand in no other: where each starts and ends, and its value."""
    decoder = json.JSONDecoder()
    at, work = 0, 0
    while work < _WORK and (match := _OPENING.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError) as error:  # ValueError: also an integer of too many digits
            at = match.end()
            work += getattr(error, "pos", len(text)) + 1  # the error counts lines from the start
        else:
            yield match.start(), at, value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
