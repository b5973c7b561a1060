"""Escapes: how a text reads without those of JSON, URLs, HTML, shells and programs, and where each character stood."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape as named
from itertools import accumulate
from unicodedata import lookup

_DEPTH = 4
"""So many times a text may have been escaped: JSON in JSON in a program is three."""

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8}|"
    r"x[c-fC-F][0-9a-fA-F](?:\\x[89abAB][0-9a-fA-F]){1,3}|x[0-9a-fA-F]{2}|"
    r"N\{[a-zA-Z0-9 -]{1,80}\}|0[0-3][0-7]{2}|[0-7]{3}|\r?\n|[\s\S])|"
    r"%(?:[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3}|[0-9a-fA-F]{2})|"
    r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};)|"
    r"""'(?:\\''|"'"'|')|"(?:")"""
)
"""Each stands for one character, or for none: a line that a backslash continues. Shells, SQL and CSV double quotes."""

_BREAK = re.compile(r"\r?\n[ \t>]*")
"""Where a long word was wrapped."""

_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\n": "", "\r\n": ""}


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text."""

    text: str
    wrapped: bool = False
    """Whether lines are joined here, so that words stand together that nobody may have written as one."""
    source: Reading | None = None
    rule: re.Pattern[str] = _ESCAPE

    def spans(self, found: Iterator[re.Match[str]]) -> list[tuple[int, int]]:
        """Where what was found in this reading stands in the text as it was written."""
        spans = [match.span() for match in found]
        reading = self
        while spans and reading.source is not None:
            spans = reading._in_source(reading.source.text, spans)
            reading = reading.source
        return spans

    def _in_source(self, source: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        units = [(match.span(), len(_meant(match[0]))) for match in self.rule.finditer(source)]
        shorter = accumulate(end - start - length for (start, end), length in units)
        ends = [end - less for ((_, end), _), less in zip(units, shorter, strict=True)]
        starts = [end - length for end, (_, length) in zip(ends, units, strict=True)]

        def place(position: int) -> tuple[int, int]:
            """Start and end in the source of one character."""
            index = bisect_right(starts, position) - 1
            if index < 0:
                return position, position + 1
            if position < ends[index]:
                return units[index][0]
            at = units[index][0][1] + position - ends[index]
            return at, at + 1

        return [(place(start)[0], place(end - 1)[1]) for start, end in spans]


def readings(text: str) -> Iterator[Reading]:
    """The text as it is, with lines joined, and the same with its escapes undone once and more often."""
    reading = Reading(text)
    for _ in range(_DEPTH):
        yield reading
        if "\n" in reading.text:
            yield Reading(_BREAK.sub("", reading.text), wrapped=True, source=reading, rule=_BREAK)
        plain = unescaped(reading.text)
        if plain == reading.text:
            return
        reading = Reading(plain, source=reading)
    yield reading


def unescaped(text: str) -> str:
    """The text with each escape replaced by its character."""
    return _ESCAPE.sub(lambda match: _meant(match[0]), text)


@lru_cache(maxsize=4096)
def _meant(escape: str) -> str:
    """The character for which an escape or a break stands; the escape itself if it stands for none."""
    kind = escape[0]
    if kind in "\r\n":
        return ""
    if kind in "'\"":
        return kind
    if kind == "&":
        meant = named(escape)
        return meant if len(meant) == 1 else escape
    if kind == "%":
        return _bytes(escape.replace("%", ""), escape)
    letter, rest = escape[1], escape[2:]
    if letter == "x" and rest:
        return _bytes(escape.replace("\\x", ""), escape)
    if letter in "uU" and rest:
        high, _, low = rest.strip("{}").partition("\\u")
        code = 0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF) if low else int(high, 16)
        return chr(code) if code < 0x110000 else escape
    if letter == "N" and rest:
        return _by_name(rest[1:-1], escape)
    if rest and letter.isdigit():
        return chr(int(escape[1:], 8))
    return _CONTROLS.get(escape[1:], letter)


def _by_name(name: str, escape: str) -> str:
    try:
        return lookup(name)
    except KeyError:
        return escape


def _bytes(digits: str, escape: str) -> str:
    raw = bytes.fromhex(digits)
    if len(raw) == 1:
        return chr(raw[0])
    try:
        meant = raw.decode()
    except UnicodeDecodeError:
        return escape
    return meant if len(meant) == 1 else escape
