"""JSON in replies."""

from __future__ import annotations

import ast
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.replies._repeated import Shown

_OPENING = re.compile(r"[{\[]")
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\Z)|\'(?:[^\'\\]|\\.)*+(?:\'|\Z)|'
    r"//[^\n]*+|(?<![^\s,\[\]{}])#[^\n]*+|/\*.*?(?:\*/|\Z)|[{}\[\]]",
    re.DOTALL,
)
"""What brackets do not count in, and brackets."""
_COMMA = re.compile(r",(\s*[}\]])")
_MOST = 20
"""Times that what is no JSON is read as nearly JSON."""
_LONGEST = 100_000
"""Characters of what is nearly JSON."""
_SHORT = 3
_LEAST = 30
"""Signs of an object that is taken for a repeated one: a model may come to a short one by itself."""
_KEPT = 200
"""Objects and lists that are looked at, the last ones."""
_BEFORE = 200
"""Characters before an object that are looked at for what leads to it."""
_FENCE = " \t\r\n`~"
_NO_LEAD = re.compile(r"(?:\A|[.!?][*_\"')\]]{0,3}[ \t]*\n)\s*(?:(?:```|~~~)\w*\s*\n\s*)?\Z", re.ASCII)
"""Nothing, or a whole sentence, before an object on a line of its own, which may be in a block."""
_WORK = 20_000_000
"""Characters that are read for what proves to be no JSON: a reply of nothing but brackets must not cost minutes."""


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    value: Any
    sloppy: bool

    def text(self, reply: str) -> str:
        """As JSON."""
        return json.dumps(self.value) if self.sloppy else reply[self.start : self.end]

    def is_said(self, reply: str) -> bool:
        """Whether the model says it, where it may also repeat it: it ends the reply, and no words lead to it."""
        before, after = reply[max(0, self.start - _BEFORE) : self.start], reply[self.end :]
        return not after.strip(_FENCE) and _NO_LEAD.search(before) is not None


def extract_json(text: str, schema: Mapping[str, Any] | None = None, *, shown: str = "") -> str:
    """Takes the JSON out of a reply: all of it, or the last object that stands in it, as what comes last is meant.

    A list counts where there is no object, and the schema asks for none. Objects and lists in others are no answers.
    Comments, commas at the end, line ends in strings and Python's way to write an object are read, too.

    Args:
        text: The reply, without its reasoning.
        schema: JSON schema of the answer; an object that lacks none of its required fields goes before those that do.
        shown: What the model was shown. An object whose values stand there may be one that it repeats, and is an answer
            only if it ends the reply, on a line of its own, and is all of the reply or comes after a whole sentence.

    Returns:
        The text as it is where it holds no JSON.
    """
    if _is_json(text):
        return text.strip()
    found = [_Found(*one) for one in deque(_all_json(text), maxlen=_KEPT)]
    required = frozenset((schema or {}).get("required", ()))
    objects = [one for one in found if isinstance(one.value, dict)]
    fitting = [one for one in objects if required <= one.value.keys()]
    lists = [] if (schema or {}).get("type") == "object" else found
    seen = Shown(shown)
    for some in (fitting, objects, lists):
        # The last one first, as few of them are looked up then.
        own = next((one for one in reversed(some) if not _repeats(seen, one.value, schema) or one.is_said(text)), None)
        if own:
            return own.text(text)
    return text


def _repeats(shown: Shown, value: Any, schema: Mapping[str, Any] | None) -> bool:
    return len(json.dumps(value, separators=(",", ":"))) >= _LEAST and shown.holds(value, schema or {})


def _all_json(text: str) -> Iterator[tuple[int, int, Any, bool]]:
    """As `outermost_json`, with what is nearly JSON, and whether it is that alone."""
    at, tries = 0, 0
    strict = outermost_json(text)
    start, end, value = next(strict, (len(text), len(text), None))
    while opening := _OPENING.search(text, at):
        sloppy = None
        if opening.start() < start and tries < _MOST:
            tries += 1
            sloppy = _sloppy(text, opening.start())
        if sloppy is not None:
            at, read = sloppy
            yield opening.start(), at, read, True
        elif opening.start() == start:
            at = end
            yield start, end, value, False
        else:
            at = opening.end()
        while start < at < len(text):
            start, end, value = next(strict, (len(text), len(text), None))


def _sloppy(text: str, start: int) -> tuple[int, Any] | None:
    """Where an object or a list ends that is nearly JSON, and its value."""
    depth = 0
    kept: list[str] = []
    last = start
    for token in _TOKEN.finditer(text, start, start + _LONGEST):
        sign = token[0]
        comment = sign[0] in "/#"
        kept.append(text[last : token.start()] + ("" if comment else sign))
        last = token.end()
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
        if not depth:
            value = _read(_COMMA.sub(r"\1", "".join(kept))) if token.end() - start > _SHORT else None
            return None if value is None else (token.end(), value)
    return None


def _read(written: str) -> Any:
    """A value in JSON with line ends in its strings, or as Python writes it; None for others."""
    try:
        return json.loads(written, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        value = ast.literal_eval(written)
        json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict | list) else None


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
