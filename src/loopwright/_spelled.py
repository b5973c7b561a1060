"""Texts that are written in pieces or by the numbers of their characters: patterns that find a known one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

_LONG = 16
"""Shorter texts are not looked for in several quotations, where a program could hold them by chance."""

# Atomic, so that no two parts can take the same characters again and again.
_INSIDE = r"(?>(?:''|\"\"|\\){0,4})"
"""What means nothing within a word of a shell."""
_PIECES = r"(?>(?:['\"]\s{0,3}[+.]?\s{0,3}['\"]|['\"\\]){0,4})"
"""What stands between the parts of a word that is quoted in pieces, or put together from texts."""
_CALL = r"(?:[A-Za-z]{1,12}\()?"
_HEX = rf"(?>[\W_]{{0,8}}{_CALL}(?:0[xX]|[xX]|[uU]\+?00)?)"
_CODES = rf"(?>\W{{1,8}}{_CALL})"
_OCTAL = rf"(?>\W{{1,8}}{_CALL}(?:0o)?)0{{0,2}}"


def spellings(text: str) -> Iterator[re.Pattern[str]]:
    """Patterns for a text in pieces, and as numbers of its bytes: in hex, in decimals and in octals."""
    # Each begins with plain characters where it can: `re` finds such patterns fast.
    yield re.compile((_PIECES if len(text) >= _LONG else _INSIDE).join(map(re.escape, text)))
    raw = text.encode()
    yield re.compile(_HEX.join(map(_hex, raw)))
    yield _whole(raw, str, _CODES)
    yield _whole(raw, "{:o}".format, _OCTAL)


def _whole(raw: bytes, write: Callable[[int], str], between: str) -> re.Pattern[str]:
    """A pattern for numbers, of which the first and the last are not parts of longer ones."""
    first, *rest = map(write, raw)
    return re.compile(between.join([rf"{first}(?<!\d{first})", *rest]) + r"(?!\d)")


def _hex(byte: int) -> str:
    return "".join(f"[{sign}{sign.upper()}]" if sign.isalpha() else sign for sign in f"{byte:02x}")


def line_ends(text: str) -> Iterable[str]:
    """A text of several lines with other line ends, and as one line; nothing for a single line."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return [end.join(lines) for end in ("\n", "\r\n", " ", "")] if len(lines) > 1 else []
