"""Puts included files, data files and environment variables into a task file's data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright._yaml import Document, Location, load_yaml, read_text
from loopwright.errors import TaskError
from loopwright.task._data import read_data
from loopwright.task._variables import LITERAL_KEYS, put_in

_KEY = "file"
_SECTIONS = frozenset({"agents", "budget", "environment", "loop", "matrix", "models", "sandbox"})
"""Keys whose value is a mapping, so that `{file: NAME}` there includes YAML; everywhere else it includes text."""


def resolved(document: Document, project: Path) -> Document:
    """The document with everything put in that it refers to; what came from other files is marked as theirs.

    Raises:
        TaskError: A file is missing, broken, outside the project or includes itself; a variable is not set.
    """
    resolver = _Resolver(document, project.resolve())
    data = {key: resolver.top(key, value) for key, value in document.data.items()}
    return Document(document.path, data, document.marks)


@dataclass(frozen=True, slots=True)
class _Resolver:
    document: Document
    project: Path

    def top(self, key: str, value: Any) -> Any:
        """Resolves the value of a top-level key."""
        here = self.document.path
        if key == "data" and isinstance(value, dict):
            return read_data(value, self.document, lambda name: self._inside(name, here, ("data", _KEY)))
        chain: tuple[Path, ...] = (here,)
        while key in _SECTIONS and isinstance(value, dict) and set(value) == {_KEY}:
            value, chain = self._section(value[_KEY], chain, (key,))
        return self._value(value, (key,), chain[-1])

    def _section(self, name: Any, chain: tuple[Path, ...], location: Location) -> tuple[Any, tuple[Path, ...]]:
        """Reads a section from a YAML file."""
        at = (*location, _KEY)
        path = self._inside(name, chain[-1], at)
        if path.resolve() in {file.resolve() for file in chain}:
            round_trip = " -> ".join(str(file) for file in (*chain, path))
            raise self.document.error(f"`file: {name}` includes itself: {round_trip}", at, remedy="Break the circle.")
        try:
            included = load_yaml(path)
        except TaskError as error:
            raise self._retold(error, name, path, at) from None
        self.document.marks.update({(*location, *place): mark for place, mark in included.marks.items()})
        return included.data, (*chain, path)

    def _value(self, value: Any, location: Location, file: Path) -> Any:
        if isinstance(value, dict):
            if set(value) == {_KEY}:
                return self._text(value[_KEY], location, file)
            return {key: self._value(item, (*location, key), file) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, (*location, index), file) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value and location[0] not in LITERAL_KEYS:
            return put_in(value, self.document, location)
        return value

    def _text(self, name: Any, location: Location, file: Path) -> str:
        at = (*location, _KEY)
        path = self._inside(name, file, at)
        try:
            return read_text(path)
        except TaskError as error:
            raise self._retold(error, name, path, at) from None

    def _inside(self, name: Any, file: Path, location: Location) -> Path:
        """The path that a file names, which must lie in the project, links followed."""
        if not isinstance(name, str) or not name:
            raise self.document.error("`file:` takes a path", location, remedy="Write the path of a file as text.")
        path = file.parent / name
        if "\0" in name or not path.resolve().is_relative_to(self.project):
            raise self.document.error(
                f"`file: {name}` leaves the project", location, remedy=f"Put the file into {self.project}."
            )
        return path

    def _retold(self, error: TaskError, name: str, path: Path, location: Location) -> TaskError:
        """An error of an included file: at its own line where it has one, else at the line that includes it."""
        if error.line is not None:
            return error
        message = str(error.args[0]).removeprefix(f"{path}: ")
        return self.document.error(f"`file: {name}`: {message}", location, remedy=error.remedy)
