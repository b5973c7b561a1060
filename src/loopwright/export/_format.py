"""What a format is: it writes a run in the way of another tool."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from loopwright.errors import UserError
from loopwright.export._source import RunSource

_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a user may say about an export."""

    test_share: float = 0.0
    """Share of the instances, in [0, 1), whose rows go to `test.jsonl`. An instance is always on the same side."""
    license: str = ""
    """Licence of tasks and replies, for the card of a data set."""
    content: bool = False
    """Whether spans (`otel`) hold prompts, replies and actions; what the other formats hold is their own."""

    def __post_init__(self) -> None:
        if not 0 <= self.test_share < 1:
            raise UserError(f"the share for tests is {self.test_share:g}", remedy="Give a number from 0 to below 1.")

    def refuse_rows(self, name: str) -> None:
        """Refuses what only data sets of rows can have.

        Raises:
            UserError: One of them is given.
        """
        if self.test_share or self.license:
            given = "a share for tests" if self.test_share else "a licence"
            raise UserError(f"{name} is no data set of rows, and {given} is given", remedy="Leave it out.")


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export came to."""

    files: tuple[Path, ...]
    entries: int
    """Rows, trajectories or samples."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why something was left out, to how many times that was so."""


def file_name(number: int, name: str) -> str:
    """A file's name, without ending, that every system takes: in the order of the numbers, told by a name."""
    return f"{number:05d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:80]}"


def json_bytes(data: object, *, indent: int | None = None) -> bytes:
    """Plain data as JSON that strict readers take: half a character is told as an escape, and no number is infinite."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text).encode()


def timestamp(text: str) -> str:
    """A time of a record, or the beginning of 1970 for what is none: somebody else may have written the record."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return "1970-01-01T00:00:00+00:00"
    return text if datetime.fromisoformat(text).tzinfo else f"{text}+00:00"


class ExportFormat(Protocol):
    """Writes a run in the format of another tool."""

    @property
    def about(self) -> str:
        """What it writes, in a sentence or two."""
        ...

    def write(self, run: RunSource, output: Path, options: ExportOptions) -> ExportResult:
        """Writes a run into a folder, which is there and empty.

        Raises:
            StoreError: The record is damaged.
            UserError: The options do not fit the format.
        """
        ...
