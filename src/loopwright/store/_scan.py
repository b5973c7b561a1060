"""Reading the file of a run, `events.jsonl`: its lines in order, those of an episode, and where episodes turn."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import to_json as fast_json

from loopwright.errors import StoreError
from loopwright.files import open_regular
from loopwright.store._codec import BadLine, UnreadLine, decode, holds_halves, plain
from loopwright.store._events import SCHEMA_VERSION
from loopwright.store._migrate import migrate
from loopwright.store._texts import Texts

_LINE_END = re.compile(rb',"crc":"[0-9a-f]{8}"}')
_START = b'"data":{"type":"episode_started"'
_TURNS = (_START, b'"data":{"type":"episode_finished"', b'"data":{"type":"run_')
LONGEST = 64 * 1024 * 1024
"""Bytes of a line that are read, at most: large results are artifacts."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the journal and where it lies."""

    offset: int
    length: int
    body: dict[str, Any]
    """In the present schema, without its version."""


def scan(path: Path, run: str, texts: Texts | None = None, *, offset: int = 0, first: int = 0) -> Iterator[Line | str]:
    """Yields the lines of a journal in order; last a sentence about a torn tail, where there is one.

    Args:
        path: The file.
        run: The id of its run.
        texts: Takes in what later lines may refer to; it knows the lines before the first one.
        offset: Where the first line lies that is read.
        first: The number of that line.

    Only the last line can be torn: a process or machine that dies leaves a prefix of what it wrote. Anything
    else that does not match its checksum was changed afterwards.

    Raises:
        StoreError: A line is damaged, missing, foreign or of a newer version; file and line are named.
    """
    texts = texts or Texts()
    with _open_for_reading(path) as file:
        file.seek(offset)
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), first):
            try:
                if len(raw) > LONGEST:
                    raise _damaged(path, number, f"it has more than {LONGEST} bytes")
                if not raw.endswith(b"\n"):
                    raise BadLine("it has no end")
                body = decode(raw[:-1], run)
            except BadLine as error:
                if isinstance(error, UnreadLine) or file.read(1) or not _may_be_torn(raw, number, run):
                    raise _damaged(path, number, str(error)) from None
                yield f"{path.name} line {number + 1} was torn: {error}; its {len(raw)} bytes were set aside"
                return
            if body["v"] > SCHEMA_VERSION:
                raise StoreError(
                    f"{path} line {number + 1} has schema version {body['v']}; "
                    f"this loopwright knows versions up to {SCHEMA_VERSION}",
                    remedy="Use the loopwright that wrote the run, or a newer one.",
                )
            if body["seq"] != number:
                raise _damaged(path, number, f"it is event {body['seq']} where {number} belongs")
            texts.halves = texts.halves or holds_halves(raw)
            restored = _restored(body, texts, path, number)
            texts.grow(len(raw))
            yield Line(offset, len(raw), restored)
            offset += len(raw)


def starts(path: Path, run: str) -> tuple[dict[str, int], int]:
    """Episode to the number of the event that began it for the last time, and how many lines there are.

    Lines of other events are not looked at.

    Raises:
        StoreError: The file cannot be read.
    """
    found: dict[str, int] = {}
    number = -1
    with _open_for_reading(path) as file:
        for number, raw in enumerate(_lines(file)):
            if _START in raw:
                # A damaged line is told by whoever reads all of them.
                with contextlib.suppress(BadLine):
                    found[decode(raw[:-1], run).get("episode", "")] = number
    return found, number + 1


def lines_of(path: Path, run: str, episode: str) -> Iterator[Line]:
    """Yields the lines of one episode; those of others are not looked at.

    Raises:
        StoreError: The file cannot be read, or rests on texts that are not there.
    """
    named, texts, offset, grown = b'"episode":' + fast_json(episode), Texts(), 0, 0
    with _open_for_reading(path) as file:
        for number, raw in enumerate(_lines(file)):
            if named in raw:
                # A damaged line is told by whoever reads all of them.
                with contextlib.suppress(BadLine):
                    body = decode(raw[:-1], run)
                    if body.get("episode") == episode and body["v"] <= SCHEMA_VERSION:
                        texts.grow(offset - grown)
                        grown = offset
                        texts.halves = texts.halves or holds_halves(raw)
                        restored = _restored(body, texts, path, number)
                        yield Line(offset, len(raw), plain(restored) if texts.halves else restored)
            offset += len(raw)


class TurningPoints:
    """Reads the lines in which a run or an episode begins or ends, without their long texts, while the run goes on."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run, self._offset = path, run, 0

    def look(self) -> Iterator[dict[str, Any]]:
        """Yields those that came since the last look.

        Raises:
            StoreError: The file cannot be read.
        """
        with _open_for_reading(self._path) as file:
            file.seek(self._offset)
            for raw in iter(lambda: file.readline(LONGEST + 1), b""):
                if not raw.endswith(b"\n"):
                    return
                self._offset += len(raw)
                # In a text, quotation marks have a backslash before them.
                if any(turn in raw for turn in _TURNS):
                    # A damaged line is told by whoever reads all of them.
                    with contextlib.suppress(BadLine):
                        yield decode(raw[:-1], self._run)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file up to one that is too long, that one included: a file with holes has terabytes of it."""
    while raw := file.readline(LONGEST + 1):
        yield raw
        if len(raw) > LONGEST:
            return


def _restored(body: dict[str, Any], texts: Texts, path: Path, number: int) -> dict[str, Any]:
    # Lines of version 1 hold every text in full.
    if body["v"] > 1:
        try:
            body = texts.restore(body)
        except BadLine as error:
            raise _damaged(path, number, str(error)) from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            # The checksum proves nothing of a line that somebody made up.
            raise _damaged(path, number, "it is not built as events are") from None
    return migrate(body)


def _open_for_reading(path: Path) -> BinaryIO:
    try:
        return open_regular(path, path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror}",
            remedy="Name the folder of a run, the one that holds run.json and events.jsonl.",
        ) from error


def _may_be_torn(raw: bytes, number: int, run: str) -> bool:
    """Whether the bytes can be the beginning of a line, or a line that reached the disk in part."""
    start = b'{"v":'
    if number == 0 and (raw.endswith(b"\n") or not (raw.startswith(start) or start.startswith(raw))):
        return False
    # A whole line with more behind it lost its newline after it was written.
    return not any(_is_line(raw[: end.end()], run) for end in _LINE_END.finditer(raw[:-1]))


def _is_line(raw: bytes, run: str) -> bool:
    try:
        decode(raw, run)
    except UnreadLine:
        return True
    except BadLine:
        return False
    return True


def _damaged(path: Path, number: int, why: str) -> StoreError:
    if number == 0:
        return StoreError(
            f"{path} line 1 is not an event of this run: {why}",
            remedy="The file belongs to another run or program, or was changed; restore it from a backup.",
        )
    return StoreError(
        f"{path} line {number + 1} is damaged: {why}",
        remedy=f"Restore the file from a backup. The {number} lines before it are sound.",
    )
