"""YAML with places: every value knows the file, line and column it came from.

A task file may come from anybody, so the reader takes plain data only: no tags that build objects, no aliases (a few
lines of nested aliases unfold to gigabytes), no duplicate keys, no deep nesting, at most a megabyte. Plain words are
read by YAML 1.2's core rules: `no` and `on` are text, `010` is ten.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from loopwright.errors import TaskError
from loopwright.files import read_regular
from loopwright.project._plain import MAX_DEPTH

MAX_BYTES = 1_000_000

SourceLocation = tuple[str | int, ...]
Plain = str | int | float | bool | None

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Plain] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"), None)
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)

_REMEDIES = {
    "found character that cannot start any token": "Put text that starts with a sign such as @ or % in quotes.",
    "mapping values are not allowed in this context": "Put text that holds a colon in quotes, or in a block after `|`.",
    "did not find expected key": "Start all keys of one mapping in the same column.",
    "did not find expected '-' indicator": "Start all items of one list in the same column.",
    "could not find expected ':'": "Write `key: value`; text of several lines goes in a block after `|`.",
    "found unexpected end of stream": "Close the quotes or brackets that were opened here.",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, line and column from 1."""

    path: Path
    line: int
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and where each part of it stands."""

    path: Path
    data: Any
    marks: dict[SourceLocation, Mark] = field(default_factory=dict)

    def error(self, message: str, location: SourceLocation = (), *, remedy: str = "") -> TaskError:
        """Builds an error that points at a part of the document, or at the nearest part around it."""
        for length in range(len(location), -1, -1):
            if mark := self.marks.get(location[:length]):
                return TaskError(message, path=str(mark.path), line=mark.line, column=mark.column, remedy=remedy)
        return TaskError(message, path=str(self.path), remedy=remedy)


def load_yaml(path: Path, *, limit: int = MAX_BYTES) -> Document:
    """Reads one YAML document of at most `limit` bytes.

    Raises:
        TaskError: The file is not there, too large, not UTF-8, or not plain YAML; names line and column.
    """
    text = read_text(path, limit)
    if unprintable := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        raise TaskError(
            f"the character U+{ord(unprintable[0]):04X} may not stand in YAML",
            path=str(path),
            line=line,
            remedy='Remove it, or write it as an escape in double quotes, such as "\\x1b".',
        )
    try:
        return _Reader(path, yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, text, error) from None


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Reads a UTF-8 file of at most `limit` bytes, without its byte order mark.

    Raises:
        TaskError: The file is not there, not a regular file, too large, or not UTF-8.
    """
    content = read_content(path, limit)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TaskError("the file is not UTF-8", path=str(path), line=line, remedy="Save it as UTF-8.") from None


def read_content(path: Path, limit: int) -> bytes:
    """Reads a file of at most `limit` bytes.

    Raises:
        TaskError: The file is not there, not a regular file, or too large.
    """
    if not path.exists():
        raise TaskError("there is no such file", path=str(path), remedy="Check the path; it is taken as typed.")
    if not path.is_file():
        raise TaskError("this is not a regular file", path=str(path), remedy="Name a file.")
    if (size := path.stat().st_size) > limit:
        raise TaskError(
            f"the file has {size} bytes; at most {limit} are read",
            path=str(path),
            remedy="Keep large data in a JSON lines or CSV file and name it under `data:`.",
        )
    try:
        return read_regular(path, limit)
    except OSError as error:
        raise TaskError(f"the file cannot be read: {error.strerror}", path=str(path)) from None


def plain_value(text: str) -> Plain:
    """The value of a word without quotes. Infinities are text: neither JSON nor a budget can hold them.

    Raises:
        ValueError: It is a number of thousands of digits, or beyond the range of floats.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return text
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


class _Reader:
    """Builds plain data from parser events: PyYAML's own composer recurses until the process dies."""

    def __init__(self, path: Path, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._document = Document(path, None)

    def document(self) -> Document:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._document.error("the file is empty", remedy="Start from `loopwright init` or an example.")
        data = self._value(next(self._events), ())
        next(self._events)
        second = next(self._events)
        if not isinstance(second, yaml.StreamEndEvent):
            raise self._error("a second document begins here", second, (), "Keep one document; remove this `---`.")
        return Document(self._document.path, data, self._document.marks)

    def _value(self, event: yaml.Event, location: SourceLocation) -> Any:
        self._mark(event, location)
        if isinstance(event, yaml.AliasEvent):
            remedy = "Write the value out where it is used, or include a file with `{file: NAME}`."
            raise self._error("anchors and aliases are not taken", event, location, remedy)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise self._error("a value is missing here", event, location, "Write one.")
        if event.tag is not None:
            remedy = "Write text, numbers, lists and mappings without tags."
            raise self._error(f"the tag {event.tag} is not taken", event, location, remedy)
        if len(location) > MAX_DEPTH:
            raise self._error(f"this is nested more than {MAX_DEPTH} deep", event, location, "Write it flatter.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        return [self._value(item, (*location, index)) for index, item in enumerate(self._until_end())]

    def _until_end(self) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self._events), yaml.CollectionEndEvent):
            yield event

    def _mapping(self, location: SourceLocation) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for event in self._until_end():
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error("a key must be text", event, location, "Write `key: value`.")
            key = self._scalar(event, location)
            at = (*location, str(key))
            if not isinstance(key, str):
                raise self._error(f"a key must be text, not {key!r}", event, at, "Put the key in quotes.")
            if key in result:
                raise self._error(f"the key {key!r} is given twice", event, at, "Keep one of the two.")
            result[key] = self._value(next(self._events), at)
            self._mark(event, at)
        return result

    def _scalar(self, event: yaml.ScalarEvent, location: SourceLocation) -> Plain:
        # The first of the two flags says that the scalar is neither quoted nor a block.
        if not event.implicit[0]:
            return str(event.value)
        try:
            return plain_value(event.value)
        except ValueError:
            raise self._error("the number is too large", event, location, "Put it in quotes if it is text.") from None

    def _mark(self, event: yaml.Event, location: SourceLocation) -> None:
        if start := event.start_mark:
            self._document.marks[location] = Mark(self._document.path, start.line + 1, start.column + 1)

    def _error(self, message: str, event: yaml.Event, location: SourceLocation, remedy: str) -> TaskError:
        self._mark(event, location)
        return self._document.error(message, location, remedy=remedy)


def _syntax_error(path: Path, text: str, error: yaml.MarkedYAMLError) -> TaskError:
    problem = error.problem or "this is not YAML"
    # An end that came too early is of no use to the reader; what was not closed is.
    ended = problem == "found unexpected end of stream"
    mark = (error.context_mark if ended else None) or error.problem_mark or error.context_mark
    lines = text.splitlines()
    source = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in source[: len(source) - len(source.lstrip())]:
        problem, remedy = "a tab indents this line", "Indent with spaces."
    else:
        remedy = _REMEDIES.get(problem, "Check indentation, quotes and colons here.")
    line = mark.line + 1 if mark else None
    column = mark.column + 1 if mark else None
    return TaskError(problem, path=str(path), line=line, column=column, remedy=remedy)
