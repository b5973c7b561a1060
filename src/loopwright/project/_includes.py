"""Included files: `{file: NAME}` in YAML stands for the text of that file, which must lie in the project.

`{file: FOLDER/}` stands for all files of a folder: path to text.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopwright.errors import TaskError
from loopwright.files import read_regular, real_path
from loopwright.project._parquet import GEOPARQUET, read_geoparquet
from loopwright.project._yaml import MAX_BYTES, Document, SourceLocation, read_text

FILE = "file"
TABLES = (".csv", ".geojson", ".jsonl")
MAX_TABLE_BYTES = 64_000_000
"""Of a file that is a table by its name; other texts have 1 MB, as they go to models."""
MAX_FILES = 10_000
"""Of a folder."""
_BINARY = "data:application/octet-stream;base64,"
"""What stands before the bytes of a file that is no text, in base64."""

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
        if "\0" in name or not real_path(path).is_relative_to(real_path(self.root)):
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

    def _included(self, name: Any, location: SourceLocation, file: Path) -> str | dict[str, str]:
        path = self.path(name, location, file)
        if str(name).endswith("/"):
            return self._folder(name, path, location)
        try:
            if path.suffix.lower() == GEOPARQUET:
                return read_geoparquet(path, MAX_TABLE_BYTES)
            return read_text(path, MAX_TABLE_BYTES if path.suffix.lower() in TABLES else MAX_BYTES)
        except TaskError as error:
            raise self.retold(error, name, path, location) from None

    def _folder(self, name: str, folder: Path, location: SourceLocation) -> dict[str, str]:
        """The files of a folder, by path; links that lead out of the root are refused."""
        if not folder.is_dir():
            raise self.document.error(f"`file: {name}`: there is no such folder", location, remedy="Check the path.")
        texts: dict[str, str] = {}
        left = MAX_TABLE_BYTES
        for path in sorted(folder.rglob("*")):
            if path.is_dir():
                continue
            below = path.relative_to(folder).as_posix()
            if not real_path(path).is_relative_to(real_path(self.root)):
                raise self.document.error(
                    f"`file: {name}`: {below} leaves the project", location, remedy="Put a file in place of the link."
                )
            try:
                data = read_regular(path)
            except (OSError, ValueError) as error:
                raise self.document.error(f"`file: {name}`: {below}: {error}", location) from None
            left -= len(data)
            if left < 0 or len(texts) == MAX_FILES:
                most = f"more than {MAX_FILES:,} files or {MAX_TABLE_BYTES:,} bytes"
                raise self.document.error(f"`file: {name}`: the folder has {most}", location, remedy="Make it smaller.")
            texts[below] = _text(data)
        return texts


def bytes_of(text: str) -> bytes:
    """The bytes of a file of an included folder.

    Raises:
        ValueError: What should be base64 is none.
    """
    return b64decode(text.removeprefix(_BINARY), validate=True) if text.startswith(_BINARY) else text.encode()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _BINARY + b64encode(data).decode()
