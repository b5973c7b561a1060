"""What a reply repeats of the texts that its model was shown, told by values and not by how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from loopwright._escapes import readings

_NUMBER = re.compile(
    r"(?<![^\W_])(?:[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[-+]?\d{1,3})?|true|false)(?![^\W_])", re.IGNORECASE
)
"""Python and JSON write 1 and true apart; a schema that asks for a number takes both."""
_SIGNS = re.compile(r"[^\w\0]+|_+")
_PREFIX = re.compile(r"(?<![^\W_])(?<![\"'])[rbuf]{1,2}(?=[\"'])", re.IGNORECASE)
"""The letters with which texts begin in Python; also the last word of a text such as `"Option B"`."""
_END = "\0"
"""Stands around numbers, so that 1 is not found in 10."""


class Shown:
    """What a model was shown."""

    def __init__(self, text: str) -> None:
        self._text = text

    def holds(self, value: Any, schema: Mapping[str, Any]) -> bool:
        """Whether all that a value says stands there, in whatever order, quotation, escapes and spelling of numbers.

        Args:
            value: An object or a list.
            schema: Its JSON schema. Of the fields that it names and does not require only texts are looked for, so
                that words of one's own make a value another one, and neither a number nor a name of one's own does.
        """
        said = set(_said(value, schema, schema.get("$defs", {})))
        return bool(said) and all(any(part in flat for flat in self._flats) for part in said)

    @cached_property
    def _flats(self) -> tuple[str, ...]:
        """The text without signs, with all of its letters and without those that may be prefixes of Python's texts."""
        texts = [reading.text for reading in readings(self._text) if not reading.wrapped]
        return tuple({"\n".join(map(_flat, read)) for read in (texts, [_PREFIX.sub("", text) for text in texts])})


def _said(value: Any, schema: Mapping[str, Any], named: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """What a value says, each as it stands in a flat text: its names with their values."""
    schema = named.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    fields, items = schema.get("properties", {}), schema.get("items", {})
    required = schema.get("required", fields if fields else value)
    if isinstance(value, dict):
        for key, held in value.items():
            if key in required:
                yield from _said(held, fields.get(key, {}), named, key)
            elif key in fields and isinstance(held, str):
                yield from _said(held, {}, named)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for one in value:
            yield from _said(one, items, named)
    elif words := _flat(f"{name} {_written(value)}"):
        yield words


def _written(value: Any) -> str:
    return " ".join(map(_written, value)) if isinstance(value, list) else str(value)


def _flat(text: str) -> str:
    """The letters of a text in small ones, and its numbers by their value."""
    return _SIGNS.sub("", _NUMBER.sub(_number, text)).casefold()


def _number(found: re.Match[str]) -> str:
    truth = {"true": 1.0, "false": 0.0}
    number = truth.get(found[0].casefold())
    return f"{_END}{float(found[0]) if number is None else number}{_END}".replace(".", "p")
