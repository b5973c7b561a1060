"""JSON as JSON: the same plain data as from YAML, and where each part stands.

The bounds are YAML's: no name twice, no deep nesting, no number beyond floats, no text that UTF-8 cannot hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from loopwright.errors import TaskError
from loopwright.files import refuse_many_values
from loopwright.project._plain import MAX_DEPTH, plain_problem
from loopwright.project._yaml import MAX_BYTES, Document, Mark, SourceLocation, load_yaml, read_text

_SPACE = re.compile(r"[ \t\r\n]*")


def load_document(path: Path, *, limit: int = MAX_BYTES) -> Document:
    """Reads a file of plain data of at most `limit` bytes: JSON where its name ends in `.json`, else YAML.

    Raises:
        TaskError: The file is not there, too large, not UTF-8, or not such data; names line and column.
    """
    return (load_json if path.suffix.lower() == ".json" else load_yaml)(path, limit=limit)


def load_json(path: Path, *, limit: int = MAX_BYTES, marked: int = MAX_DEPTH) -> Document:
    """Reads one JSON document.

    Args:
        path: The file.
        limit: Bytes that it may have.
        marked: Levels of nesting whose places are noted.

    Raises:
        TaskError: The file is not there, too large, not UTF-8, or not such JSON; names line and column.
    """
    return _Reader(path, read_text(path, limit), marked).document()


def parse_json(text: str) -> Any:
    """The value of a JSON text, such as a line of JSON lines.

    Raises:
        ValueError: It is not JSON, or not plain data.
    """
    refuse_many_values(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError(f"not JSON: nested more than {MAX_DEPTH} deep") from None
    if problem := plain_problem(value):
        raise ValueError(problem)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return row


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


class _Reader:
    """Reads a text from its first character to its last."""

    def __init__(self, path: Path, text: str, marked: int) -> None:
        self._text = text
        self._marked = marked
        self._document = Document(path, None)
        self._at = 0
        self._line, self._line_start = 1, 0

    def document(self) -> Document:
        self._skip_space()
        if self._at == len(self._text):
            raise self._document.error("the file is empty", remedy="Write a JSON value.")
        data = self._value(())
        if self._at < len(self._text):
            raise self._error("not JSON: more stands after the end", "Keep one value in the file.")
        return Document(self._document.path, data, self._document.marks)

    def _value(self, location: SourceLocation) -> Any:
        self._document.marks[location] = self._mark()
        opening = self._text[self._at : self._at + 1]
        if opening == "[" and len(location) < self._marked:
            return [self._value((*location, index)) for index, _ in enumerate(self._members("]"))]
        if opening == "{" and len(location) < self._marked:
            return self._object(location)
        start = self._at
        value = self._decode()
        if problem := plain_problem(value, len(location)):
            self._at = start
            raise self._error(problem)
        return value

    def _object(self, location: SourceLocation) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in self._members("}"):
            if not self._text.startswith('"', self._at):
                raise self._error("not JSON: a name in double quotes is missing here")
            mark, name = self._mark(), self._decode()
            if problem := plain_problem(name):
                raise self._error(problem)
            if name in found:
                raise self._error(f"the key {name!r} is given twice", "Keep one of the two.")
            self._take(":")
            found[name] = self._value((*location, name))
            self._document.marks[*location, name] = mark
        return found

    def _members(self, closing: str) -> Iterator[None]:
        """Stops at the start of each member of the list or object that begins here; goes behind its end."""
        self._at += 1
        self._skip_space()
        if not self._text.startswith(closing, self._at):
            yield
            while self._text.startswith(",", self._at):
                self._take(",")
                yield
        self._take(closing)

    def _decode(self) -> Any:
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._error(f"not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            deep = isinstance(error, RecursionError)
            raise self._error(f"this is nested more than {MAX_DEPTH} deep" if deep else str(error)) from None
        self._at = end
        self._skip_space()
        return value

    def _take(self, sign: str) -> None:
        if not self._text.startswith(sign, self._at):
            raise self._error(f"not JSON: {sign!r} is missing here")
        self._at += 1
        self._skip_space()

    def _skip_space(self) -> None:
        if found := _SPACE.match(self._text, self._at):
            self._at = found.end()

    def _mark(self) -> Mark:
        passed = self._text.count("\n", self._line_start, self._at)
        if passed:
            self._line += passed
            self._line_start = self._text.rindex("\n", 0, self._at) + 1
        return Mark(self._document.path, self._line, self._at - self._line_start + 1)

    def _error(self, message: str, remedy: str = "Check quotes, commas and brackets here.") -> TaskError:
        mark = self._mark()
        return TaskError(message, path=str(mark.path), line=mark.line, column=mark.column, remedy=remedy)
