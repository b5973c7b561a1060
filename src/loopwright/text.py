"""Text from models, programs and files, made fit for a terminal, a page, or a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# C0 and C1 controls, bidirectional controls, lone surrogates and what Unicode calls no character: they would act on a
# terminal or a page, or keep a file from being read.
_CONTROLS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
_IN_A_LINE = re.compile(f"[\x00-\x1f{_CONTROLS}]")
_OUTSIDE_ASCII = re.compile(f"[{_CONTROLS}]")
_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_CONTROLS}]")


def printable_line(text: str) -> str:
    """One line of text whose control characters are shown, not obeyed; line breaks are shown too."""
    return _IN_A_LINE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Text whose control characters are shown, not obeyed; line breaks and tabs stay."""
    return _IN_LINES.sub(_escaped, text.replace("\r\n", "\n"))


def printable_json(text: str) -> str:
    """A JSON text that says the same, with characters that would act on a terminal as JSON's own escapes."""
    return _OUTSIDE_ASCII.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def counted(number: int, noun: str) -> str:
    """A number with what is counted: `1 task`, `2 tasks`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def cut_middle(text: str, size: int, hint: str = "") -> str:
    """The text, its middle left out where it has more characters than `size`; two thirds of the rest are its start.

    Args:
        text: The text.
        size: Characters that stay, 3 or more.
        hint: Said after the number of characters that are left out, such as where they are.
    """
    if len(text) <= size:
        return text
    return f"{text[: size * 2 // 3]}\n[... {len(text) - size} characters left out{hint} ...]\n{text[-size // 3 :]}"


def encodable(text: str) -> str:
    r"""The text with what UTF-8 cannot hold, such as half a surrogate pair, written as an escape (`\ud83d`)."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def encodable_value(value: Any) -> Any:
    """A value of JSON whose texts, names too, are made `encodable`."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(str(name)): encodable_value(item) for name, item in value.items()}
    return [encodable_value(item) for item in value] if isinstance(value, list | tuple) else value


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
