"""Brings the lines of a run from the database into its folder, after a look whether both tell the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loopwright.errors import StoreError
from loopwright.files import read_regular, write_whole
from loopwright.store._codec import BadLine, decode
from loopwright.store._read import EVENTS, MANIFEST
from loopwright.store._scan import LONGEST
from loopwright.store.shared._connection import Connection
from loopwright.store.shared._lines import BATCH, START, Position, append_lines, behind, cut, read_lines, whole
from loopwright.store.shared._runs import RunRow

_COMPARED = 1000
"""Lines whose bytes are compared by one hash."""
_SOME = """
SELECT seq, CASE WHEN octet_length(line) <= %(longest)s THEN line END FROM (
    SELECT seq, line, sum(octet_length(line)) OVER (ORDER BY seq) AS total FROM (
        SELECT seq::bigint AS seq, line::bytea AS line FROM loopwright.events
        WHERE run = %(key)s AND seq >= %(first)s AND seq < %(end)s
        ORDER BY seq LIMIT 1000
    ) AS next
) AS sized WHERE total <= %(most)s OR seq = %(first)s ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a folder has, as was seen by a look into the database."""

    end: Position = START
    """Up to here its lines are those of the database."""
    artifacts: int = 0
    """It has those before this number."""

    def still(self, folder: Path, row: RunRow) -> Copied:
        """This, unless the database or the folder has less now, so that all is to be looked at again."""
        path = folder / EVENTS
        shorter = not path.exists() or path.stat().st_size < self.end.offset
        return Copied() if shorter or row.lines < self.end.lines or row.artifacts < self.artifacts else self


NOTHING = Copied()


def local_position(folder: Path, begin: Position = START) -> Position:
    """The place behind the last whole line of a folder; at the start if there is no file.

    Args:
        folder: The run's folder.
        begin: A place before it, from which the lines are counted.

    Raises:
        OSError: The file cannot be read.
    """
    return whole(folder / EVENTS, begin=begin) if (folder / EVENTS).exists() else Position()


def pull(connection: Connection, row: RunRow, folder: Path, begin: Position = START) -> Position:
    """Brings the lines that are missing into the folder; gives the place up to which the database has them.

    Lines of the folder that the database does not have stay.

    Args:
        connection: To the database.
        row: The run.
        folder: Its folder.
        begin: Up to here both are known to be alike.

    Raises:
        StoreError: A line of the database is none of the run, or the folder has others.
        OSError: The folder cannot be written.
    """
    mine = local_position(folder, begin)
    compare(connection, row, folder, mine, begin)
    if mine.lines >= row.lines:
        return whole(folder / EVENTS, row.lines, begin=begin) if row.lines else Position()
    _set_torn_aside(folder, mine)
    for lines in fetched(connection, row, mine.lines):
        append_lines(folder / EVENTS, lines)
        mine = behind(mine, lines)
    return mine


def fetched(connection: Connection, row: RunRow, first: int) -> Iterator[list[bytes]]:
    """The lines of the database from a number on, some at a time, each looked at.

    Raises:
        StoreError: One is none of the run, or is missing.
    """
    while first < row.lines:
        found = connection.execute(
            _SOME, {"key": row.key, "first": first, "end": row.lines, "most": BATCH, "longest": LONGEST}, binary=True
        ).fetchall()
        lines = [_checked(row, first + number, seq, line) for number, (seq, line) in enumerate(found)]
        if not lines:
            raise _changed(row, first, "it is not there")
        yield lines
        first += len(lines)


def compare(connection: Connection, row: RunRow, folder: Path, mine: Position, begin: Position = START) -> None:
    """Looks whether folder and database are alike from a place on, as far as both go.

    Raises:
        StoreError: They do not.
    """
    common = min(mine.lines, row.lines)
    lines = read_lines(folder / EVENTS, begin, Position(common, 0)) if common else iter(())
    for first in range(begin.lines, common, _COMPARED):
        end = min(first + _COMPARED, common)
        own = hashlib.sha256()
        for _ in range(end - first):
            own.update(next(lines))
        [theirs] = connection.execute(
            "SELECT sha256(string_agg(line::bytea, ''::bytea ORDER BY seq)) FROM loopwright.events"
            " WHERE run = %s AND seq >= %s AND seq < %s",
            (row.key, first, end),
        ).fetchone() or (None,)
        if theirs is None or bytes(theirs) != own.digest():
            raise diverged(row, folder, first, end)


def diverged(row: RunRow, folder: Path, first: int, end: int) -> StoreError:
    """Folder and database tell different things."""
    return StoreError(
        f"the run {row.id} went on in two ways: {folder} and the database differ in events {first} to {end - 1}",
        remedy=f"Nothing was changed. To go on with what the database has, move the folder away ({folder}) and give "
        "the same command again; to go on with what the folder has, remove its shared.json and resume it without "
        "--store.",
    )


def same_manifest(folder: Path, manifest: bytes, row: RunRow) -> None:
    """Looks whether the folder's `run.json` is that of the database.

    Raises:
        StoreError: It is another one.
        OSError: It cannot be read.
    """
    if read_regular(folder / MANIFEST, within=folder) != manifest:
        raise StoreError(
            f"{folder} and the database hold different runs of the name {row.id}: their run.json differ",
            remedy="Name the folder by its path to read it alone, or another --runs for the run of the database.",
        )


def _set_torn_aside(folder: Path, mine: Position) -> None:
    path = folder / EVENTS
    if path.exists() and path.stat().st_size > mine.offset:
        with path.open("rb") as file:
            file.seek(mine.offset)
            write_whole(path.with_suffix(".torn"), file.read(LONGEST), within=folder)
        cut(path, mine)


def _checked(row: RunRow, number: int, seq: int, line: bytes | None) -> bytes:
    if seq != number:
        raise _changed(row, number, f"event {seq} stands in its place")
    if line is None:
        raise _changed(row, number, f"it has more than {LONGEST} bytes")
    if line.find(b"\n") != len(line) - 1:
        raise _changed(row, number, "it is not one line")
    try:
        body = decode(bytes(line[:-1]), row.id)
    except BadLine as error:
        raise _changed(row, number, str(error)) from None
    if body["seq"] != number:
        raise _changed(row, number, f"it says that it is event {body['seq']}")
    return bytes(line)


def _changed(row: RunRow, number: int, why: str) -> StoreError:
    return StoreError(
        f"line {number + 1} of the run {row.id} in the database is damaged: {why}",
        remedy="Somebody changed the database. A folder that has the run is sound: loopwright store copy FOLDER brings "
        "it into another database.",
    )
