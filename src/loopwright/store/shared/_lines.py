"""The lines of `events.jsonl` as bytes: where they lie, and what of them the database keeps beside them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loopwright.files import open_descriptor, open_regular
from loopwright.store._scan import LONGEST
from loopwright.text import encodable

BATCH = 8 * 1024 * 1024
"""Bytes of lines that are sent or fetched together, but for a single longer line."""
_CHUNK = 1 << 20
_USUAL = re.compile(
    rb'\{"v":\d+,"seq":\d+,"time":"([^"\\]{0,64})"(?:,"episode":("(?:[^"\\]|\\.)*"))?(?:,"iteration":\d+)?'
    rb'(?:,"node":"(?:[^"\\]|\\.)*")?,"data":\{"type":"([a-z_]{1,64})"'
)
"""How lines begin that this program writes."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two lines of the file."""

    lines: int = 0
    """How many lie before it."""
    offset: int = 0
    """Bytes before it."""


START = Position()


@dataclass(frozen=True, slots=True)
class Columns:
    """What the database keeps of a line beside its bytes, for readers to filter by."""

    time: datetime | None
    type: str | None
    episode: str | None


def columns_of(line: bytes) -> Columns:
    """Time, type and episode of a line; None for what it does not say as events do."""
    if usual := _USUAL.match(line):
        time, episode, kind = usual.groups()
        return Columns(_time(time.decode("ascii", "replace")), kind.decode(), _text(json.loads(episode or b"null")))
    try:
        body: Any = json.loads(line)
        data = body.get("data")
        kind = data.get("type") if isinstance(data, dict) else None
        return Columns(_time(body.get("time")), _text(kind), _text(body.get("episode")))
    except (ValueError, AttributeError, RecursionError):
        return Columns(None, None, None)


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _text(value: object) -> str | None:
    return encodable(value).replace("\0", "\\0") if isinstance(value, str) else None


def whole(path: Path, until: int | None = None, *, begin: Position = START) -> Position:
    """The place behind the last whole line, or behind so many lines.

    Args:
        path: The file.
        until: How many lines lie before the place; None for all of them.
        begin: A place before it, from which the lines are counted.

    Raises:
        OSError: The file cannot be read.
    """
    lines, offset, position = begin.lines, begin.offset, begin.offset
    with open_regular(path, path.parent) as file:
        file.seek(begin.offset)
        while chunk := file.read(_CHUNK):
            count = chunk.count(b"\n")
            if until is not None and lines + count >= until:
                at = -1
                for _ in range(until - lines):
                    at = chunk.index(b"\n", at + 1)
                return Position(until, position + at + 1 if until > lines else offset)
            if count:
                lines, offset = lines + count, position + chunk.rindex(b"\n") + 1
            position += len(chunk)
            if position - offset > LONGEST:
                break  # no line is so long, and a file with holes has terabytes of it
    return Position(lines, offset)


def read_lines(path: Path, begin: Position, end: Position) -> Iterator[bytes]:
    """The whole lines between two places.

    Raises:
        OSError: The file cannot be read.
    """
    with open_regular(path, path.parent) as file:
        file.seek(begin.offset)
        for _ in range(end.lines - begin.lines):
            yield file.readline()


def batch(path: Path, begin: Position, end: Position) -> list[bytes]:
    """The next lines between two places, about `BATCH` bytes of them, and at least one.

    Raises:
        OSError: The file cannot be read.
    """
    found: list[bytes] = []
    size = 0
    for line in read_lines(path, begin, end):
        if found and size + len(line) > BATCH:
            break
        found.append(line)
        size += len(line)
    return found


def behind(begin: Position, lines: list[bytes]) -> Position:
    """The place behind some lines."""
    return Position(begin.lines + len(lines), begin.offset + sum(map(len, lines)))


def append_lines(path: Path, lines: list[bytes]) -> None:
    """Appends lines to the file.

    Raises:
        OSError: The disk is full or read-only.
    """
    descriptor = open_descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(lines)


def cut(path: Path, end: Position) -> None:
    """Takes what lies behind a place off the file: a line that a crash tore.

    Raises:
        OSError: The disk is read-only.
    """
    if path.exists() and path.stat().st_size > end.offset:
        descriptor = open_descriptor(path, os.O_WRONLY, path.parent)
        try:
            os.ftruncate(descriptor, end.offset)
        finally:
            os.close(descriptor)
