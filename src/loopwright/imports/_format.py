"""What an import is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable


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
