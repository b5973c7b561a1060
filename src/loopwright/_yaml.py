"""YAML with places: every value knows the file, line and column it came from.

A task file may come from anybody, so the reader takes plain data only: no tags that build objects, no aliases (a few
lines of nested aliases unfold to gigabytes), no duplicate keys, at most a megabyte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from loopwright.errors import TaskError

MAX_BYTES = 1_000_000

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, both numbers from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and where each part of it stands."""

    path: Path
    data: Any
    marks: dict[Location, Mark] = field(default_factory=dict)

    def error(self, message: str, location: Location = (), *, remedy: str = "") -> TaskError:
        """Builds an error that points at a part of the document, or at the nearest part around it."""
        for length in range(len(location), -1, -1):
            mark = self.marks.get(location[:length])
            if mark:
                return TaskError(message, path=str(self.path), line=mark.line, column=mark.column, remedy=remedy)
        return TaskError(message, path=str(self.path), remedy=remedy)


def load_yaml(path: Path) -> Document:
    """Reads one YAML document.

    Raises:
        TaskError: The file is not there, too large, not UTF-8, or not plain YAML; names line and column.
    """
    text = read_text(path)
    document = Document(path, None)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, text, error) from None
    except yaml.YAMLError as error:
        raise TaskError(f"not YAML: {error}", path=str(path)) from None
    if node is None:
        raise TaskError("the file is empty", path=str(path), remedy="Start from `loopwright init` or an example.")
    seen: set[int] = set()
    return Document(path, _plain(node, (), document, seen), document.marks)


def read_text(path: Path) -> str:
    """Reads a small UTF-8 file.

    Raises:
        TaskError: The file is not there, not a regular file, too large, or not UTF-8.
    """
    if not path.exists():
        raise TaskError("there is no such file", path=str(path), remedy="Check the path; it is taken as typed.")
    if not path.is_file():
        raise TaskError("this is not a regular file", path=str(path))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise TaskError(
            f"the file has {size} bytes; at most {MAX_BYTES} are read",
            path=str(path),
            remedy="Keep large data in a JSON lines or CSV file and name it under `data:`.",
        )
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise TaskError("the file is not UTF-8", path=str(path), line=line, remedy="Save it as UTF-8.") from None


def _syntax_error(path: Path, text: str, error: yaml.MarkedYAMLError) -> TaskError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    column = mark.column + 1 if mark else None
    source = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    remedy = "Indent with spaces, not tabs." if "\t" in source else "Check indentation, quotes and colons here."
    return TaskError(error.problem or "not YAML", path=str(path), line=line, column=column, remedy=remedy)


def _plain(node: yaml.Node, location: Location, document: Document, seen: set[int]) -> Any:
    mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
    document.marks[location] = mark
    if id(node) in seen:
        raise document.error(
            "anchors and aliases are not taken", location, remedy="Write the value out where it is used."
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, document, seen)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*location, index), document, seen) for index, item in enumerate(node.value)]
    return _scalar(node, location, document)


def _mapping(node: yaml.MappingNode, location: Location, document: Document, seen: set[int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, location, document) if isinstance(key_node, yaml.ScalarNode) else None
        at = (*location, str(key))
        if not isinstance(key, str):
            document.marks[at] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            raise document.error(f"a key must be text, not {key!r}", at, remedy="Put the key in quotes.")
        if key in result:
            document.marks[at] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            raise document.error(f"the key {key!r} is given twice", at, remedy="Keep one of the two.")
        result[key] = _plain(value_node, at, document, seen)
        document.marks[at] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return result


def _scalar(node: yaml.Node, location: Location, document: Document) -> Any:
    constructor = yaml.SafeLoader("")
    try:
        value = constructor.construct_object(node)
    except (yaml.YAMLError, ValueError):
        raise document.error(f"the value {node.value!r} is not plain data", location) from None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(node.value)
