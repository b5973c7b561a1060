"""Rows of runs: finding, entering and taking them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

from loopwright.errors import MissingContent, RunInUse, StoreError
from loopwright.files import LARGEST
from loopwright.store._read import parse_manifest
from loopwright.store._writer import Writer
from loopwright.store.shared._connection import Connection
from loopwright.store.shared._schema import LOCKS
from loopwright.text import printable_line

# Columns may be others than the schema made: the server turns them into what is asked for here, or says why it cannot.
_ROWS = """
SELECT key::integer, id::text, coalesce(epoch::bigint, 0), greatest(lines::bigint, 0), greatest(artifacts::bigint, 0),
    coalesce(left(created::text, 64), '')
FROM loopwright.runs
WHERE (%s::text IS NULL OR id::text = %s) AND key IS NOT NULL AND octet_length(id::text) <= 200 ORDER BY key::integer
"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the database has it."""

    key: int
    id: str
    epoch: int
    """How often it was taken."""
    lines: int
    artifacts: int
    """The number that the next artifact gets."""
    created: str
    """By its manifest, ISO 8601."""


@dataclass(frozen=True, slots=True)
class SharedRun:
    """A run of the database, as a list shows it."""

    id: str
    created: str
    """By its manifest, ISO 8601."""
    planned: int
    """Episodes that were planned."""
    done: int
    """Episodes that ended, with a score or without one."""
    finished: str
    """How the run ended; empty if it is under way or was cut off."""
    lines: int
    """Events."""
    writer: str
    """Who writes it now: process and host; empty for nobody."""


def find(connection: Connection, run: str) -> RunRow:
    """The row of a run.

    Raises:
        MissingContent: There is none.
    """
    found = rows(connection, run)
    if not found:
        raise MissingContent(
            f"the database has no run {run!r}",
            remedy=f"See `loopwright store list`. A folder is brought there by: loopwright store copy {run}.",
        )
    return found[0]


def rows(connection: Connection, run: str | None = None) -> list[RunRow]:
    """The rows of all runs, or of one."""
    return [RunRow(*row) for row in connection.execute(_ROWS, (run, run)).fetchall() if is_name(row[1])]


def is_name(run: str) -> bool:
    """Whether a run's id can be the name of its folder, and leads nowhere else."""
    return (
        0 < len(run.encode("utf-8", "replace")) <= 200
        and not run.startswith(".")
        and "/" not in run
        and printable_line(run) == run
    )


def manifest_of(connection: Connection, row: RunRow) -> bytes:
    """The bytes of `run.json`.

    Raises:
        StoreError: They are not there, too many, or of another run.
    """
    found = connection.execute(
        "SELECT data::bytea FROM loopwright.manifests WHERE run = %s AND octet_length(data::bytea) <= %s",
        (row.key, LARGEST),
    ).fetchone()
    try:
        if found and parse_manifest(bytes(found[0])).id == row.id:
            return bytes(found[0])
    except (ValueError, RecursionError):
        pass
    raise StoreError(
        f"the database holds no manifest of the run {row.id}",
        remedy="Somebody changed the database; restore the run from a folder: loopwright store copy FOLDER.",
    )


def enter(connection: Connection, run: str, manifest: bytes) -> RunRow:
    """Enters a new run.

    Raises:
        StoreError: There is one of that id, or the id cannot be that of a shared run.
    """
    if not is_name(run):
        raise StoreError(
            f"a shared run cannot be named {run!r}",
            remedy="Name a folder of at most 200 printable characters, without a dot in front.",
        )
    with connection.transaction():
        made = connection.execute(
            "INSERT INTO loopwright.runs (id, created) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING key",
            (run, parse_manifest(manifest).created),
        ).fetchone()
        if made is None:
            raise StoreError(
                f"the database holds a run {run!r} already",
                remedy=f"Name another folder with --out, or go on with that run: loopwright resume {run} --store URL.",
            )
        connection.execute("INSERT INTO loopwright.manifests VALUES (%s, %s)", (made[0], manifest))
    return find(connection, run)


def lock(connection: Connection, row: RunRow) -> bool:
    """Takes the lock of a run, which the server frees when the connection ends; whether nobody has it."""
    [taken] = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, row.key)).fetchone() or (False,)
    return bool(taken)


def unlock(connection: Connection, row: RunRow) -> None:
    """Lets the lock of a run go."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, row.key))


def take(connection: Connection, row: RunRow) -> int:
    """Writes down that this process writes the run, whose lock it has; gives the epoch that its writes bear."""
    [epoch] = connection.execute(
        "UPDATE loopwright.runs SET epoch = epoch + 1, host = %s, process = %s, since = now() WHERE key = %s"
        " RETURNING epoch",
        (socket.gethostname(), os.getpid(), row.key),
    ).fetchone() or (0,)
    return int(epoch)


def in_use(connection: Connection, row: RunRow, why: str = "is being written") -> RunInUse:
    """Who took a run last, as an error."""
    found: Any = connection.execute(
        "SELECT left(host::text, 300), process, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        " FROM loopwright.runs WHERE key = %s",
        (row.key,),
    ).fetchone() or ("?", "?", "?")
    host, process, since = (printable_line(str(part))[:200] for part in found)
    return RunInUse(
        f"the shared run {row.id} {why} by process {process} on {host} since {since} (clock of the database)",
        remedy="Wait for that process to end, or stop it, and try again. A process that was cut off is noticed by "
        "the database after half a minute. Reading the run is possible meanwhile.",
    )


def writers(connection: Connection) -> dict[int, Writer]:
    """Key of each run that a process writes now, and which process."""
    found = connection.execute(
        "SELECT key::integer, coalesce(process::bigint, 0), left(host::text, 300) FROM loopwright.runs WHERE key IN ("
        "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        (LOCKS,),
    )
    return {
        int(key): Writer(process or 0, printable_line(host or "?")[:300]) for key, process, host in found.fetchall()
    }
