"""What an import is, and what imports write alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from loopwright.text import printable_line

_PAGE = "README.md"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import came to."""

    files: tuple[Path, ...]
    instances: int
    not_carried: Mapping[str, int] = field(default_factory=dict)
    """What could not be carried over, to the number of instances that it concerns."""


class ImportFormat(Protocol):
    """Reads tasks of another tool."""

    @property
    def about(self) -> str:
        """What it reads, in a sentence."""
        ...

    def write(self, source: Path, output: Path) -> ImportResult:
        """Writes a task folder into a folder that is there and empty.

        Raises:
            TaskError: The source cannot be read; file and line are named.
        """
        ...


@runtime_checkable
class MapsColumns(Protocol):
    """Optional: a format of tables, whose columns have names of their user's."""

    def with_columns(self, columns: Mapping[str, str]) -> ImportFormat:
        """The same format for a table with these columns.

        Args:
            columns: What a column is, such as `goal`, to its name.

        Raises:
            UserError: A column cannot be named.
        """
        ...


class TakenNames:
    """Names in a folder that are taken, also where a file system does not tell capitals apart."""

    def __init__(self) -> None:
        """Takes what every import writes, and the folders of a project."""
        self._taken = {_PAGE.lower(), "agents", "environments", "prompts"}

    def take(self, *names: str) -> bool:
        """Takes names; False, and none is taken, where one of them is."""
        wanted = {name.casefold() for name in names}
        if wanted & self._taken:
            return False
        self._taken |= wanted
        return True


def write_page(output: Path, title: str, text: str, lost: Mapping[str, int], more: str = "") -> Path:
    """Writes the page that says what was made and what was not carried over.

    Args:
        output: The folder.
        title: What it is headed by.
        text: What stands before what was lost, with its line breaks.
        lost: What could not be carried over, to its number.
        more: What follows.
    """
    left = [f"- {printable_line(what)}: {number}" for what, number in sorted(lost.items())] or ["- nothing was lost"]
    path = output / _PAGE
    parts = [f"# {printable_line(title)}", text.rstrip("\n"), "## Not carried over", "\n".join(left) + more]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path
