"""Puts included files, data files and environment variables into a task file's data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright.errors import TaskError
from loopwright.files import real_path
from loopwright.project import FILE, Document, Includes, SourceLocation, load_document
from loopwright.task._data import read_data
from loopwright.task._variables import LITERAL_KEYS, put_in

_SECTIONS = frozenset({"agents", "budget", "drift", "environment", "loop", "matrix", "models", "sandbox", "session"})
"""Keys whose value is a mapping, so that `{file: NAME}` there includes YAML; everywhere else it includes text."""


def resolved(document: Document, project: Path) -> Document:
    """The document with everything put in that it refers to; what came from other files is marked as theirs.

    Raises:
        TaskError: A file is missing, broken, outside the project or includes itself; a variable is not set.
    """
    resolver = _Resolver(document, Includes(document, project))
    data = {key: resolver.top(key, value) for key, value in document.data.items()}
    return Document(document.path, data, document.marks)


@dataclass(frozen=True, slots=True)
class _Resolver:
    document: Document
    includes: Includes

    def top(self, key: str, value: Any) -> Any:
        """Resolves the value of a top-level key."""
        here = self.document.path
        if key == "data" and isinstance(value, dict):
            at = ("data", FILE)
            return read_data(value, self.document, lambda name: self.includes.path(name, at, here))
        chain: tuple[Path, ...] = (here,)
        while key in _SECTIONS and isinstance(value, dict) and set(value) == {FILE}:
            value, chain = self._section(value[FILE], chain, (key,))
        return self.includes.put_in(value, (key,), chain[-1], self._text)

    def _section(self, name: Any, chain: tuple[Path, ...], location: SourceLocation) -> tuple[Any, tuple[Path, ...]]:
        """Reads a section from a YAML file."""
        at = (*location, FILE)
        path = self.includes.path(name, at, chain[-1])
        if real_path(path) in set(map(real_path, chain)):
            round_trip = " -> ".join(str(file) for file in (*chain, path))
            raise self.document.error(f"`file: {name}` includes itself: {round_trip}", at, remedy="Break the circle.")
        try:
            included = load_document(path)
        except TaskError as error:
            raise self.includes.retold(error, name, path, at) from None
        self.document.marks.update({(*location, *place): mark for place, mark in included.marks.items()})
        return included.data, (*chain, path)

    def _text(self, text: str, location: SourceLocation) -> Any:
        return text if location[0] in LITERAL_KEYS or "${" not in text else put_in(text, self.document, location)
