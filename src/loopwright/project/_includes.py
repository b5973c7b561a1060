"""Included files: `{file: NAME}` in YAML stands for the text of that file, which must lie in the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright.errors import TaskError
from loopwright.project._yaml import MAX_BYTES, Document, SourceLocation, read_text

FILE = "file"
TABLES = (".csv", ".geojson", ".jsonl")
MAX_TABLE_BYTES = 64_000_000
"""Of a file that is a table by its name; other texts have 1 MB, as they go to models."""

Put = Callable[[str, SourceLocation], Any]
"""What becomes of a text at a location."""


def as_it_is(text: str, location: SourceLocation) -> Any:
    """Leaves a text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Includes:
    """Puts included texts into the data of a document."""

    document: Document
    root: Path
    """The folder that no include may leave, links followed."""

    def put_in(self, value: Any, location: SourceLocation, file: Path, text: Put = as_it_is) -> Any:
        """Returns a value with every include in it replaced.

        Args:
            value: Plain data.
            location: Where it stands in the document.
            file: The file that it stands in; paths are relative to its folder.
            text: What becomes of the texts that are no includes.

        Raises:
            TaskError: A file is missing, too large, not text, or outside the root.
        """
        if isinstance(value, dict):
            if set(value) == {FILE}:
                return self._included(value[FILE], (*location, FILE), file)
            return {key: self.put_in(item, (*location, key), file, text) for key, item in value.items()}
        if isinstance(value, list):
            return [self.put_in(item, (*location, index), file, text) for index, item in enumerate(value)]
        return text(value, location) if isinstance(value, str) else value

    def path(self, name: Any, location: SourceLocation, file: Path) -> Path:
        """The path that a file names.

        Raises:
            TaskError: It is no path, or leaves the root.
        """
        if not isinstance(name, str) or not name:
            raise self.document.error("`file:` takes a path", location, remedy="Write the path of a file as text.")
        path = file.parent / name
        if "\0" in name or not path.resolve().is_relative_to(self.root.resolve()):
            raise self.document.error(
                f"`file: {name}` leaves the project", location, remedy=f"Put the file into {self.root}."
            )
        return path

    def retold(self, error: TaskError, name: str, path: Path, location: SourceLocation) -> TaskError:
        """An error of an included file: at its own line where it has one, else at the line that includes it."""
        if error.line is not None:
            return error
        message = str(error.args[0]).removeprefix(f"{path}: ")
        return self.document.error(f"`file: {name}`: {message}", location, remedy=error.remedy)

    def _included(self, name: Any, location: SourceLocation, file: Path) -> str:
        path = self.path(name, location, file)
        try:
            return read_text(path, MAX_TABLE_BYTES if path.suffix.lower() in TABLES else MAX_BYTES)
        except TaskError as error:
            raise self.retold(error, name, path, location) from None
