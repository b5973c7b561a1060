"""Keeps working copies as the database has their runs, and tells beside each who writes it elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from loopwright.store._lock import is_written, refreshing_if_free
from loopwright.store._mark import read_mark
from loopwright.store._read import LOCK
from loopwright.store._writer import Writer, note_writer
from loopwright.store.shared import _runs
from loopwright.store.shared._connection import Connection
from loopwright.store.shared._pull import NOTHING, Copied
from loopwright.store.shared._runs import RunRow

_AGAIN = 30.0
"""Seconds after which a folder is refreshed again that could not be."""


class Following:
    """Refreshes working copies over one connection, each from where it was seen to be as the database has it."""

    def __init__(self, connection: Connection, pull: Callable[[RunRow, Path, Copied], Copied]) -> None:
        """Takes a connection, and what brings a run into a folder."""
        self._connection, self._pull = connection, pull
        self._copied: dict[str, Copied] = {}
        self._failed: dict[str, float] = {}
        self._noted: set[str] = set()
        """Runs beside whose copies stands who writes them, or may stand."""

    def refresh(self, runs: Path, run: str | None, newest: int) -> dict[str, Exception]:
        """Brings what is new into the folders; gives the runs whose folders could not be refreshed, and why.

        Args:
            runs: The folder that holds the working copies.
            run: The run to refresh; None for the newest ones.
            newest: How many these are, at most.

        Raises:
            StoreError: The database cannot be read.
        """
        failures: dict[str, Exception] = {}
        # In this order: of a run whose writer is gone, all that it wrote is brought.
        busy = _runs.writers(self._connection)
        rows = sorted(_runs.rows(self._connection, run), key=lambda row: row.created)
        for row in rows[-newest:]:
            if time.monotonic() - self._failed.get(row.id, -_AGAIN) < _AGAIN:
                continue
            try:
                self._refresh(row, runs / row.id, busy.get(row.key))
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:
                self._failed[row.id] = time.monotonic()
                failures[row.id] = error
        return failures

    def _refresh(self, row: RunRow, folder: Path, writer: Writer | None) -> None:
        copied = self._copied.get(row.id, NOTHING)
        first = row.id not in self._copied
        if first or (copied.end.lines, copied.artifacts) != (row.lines, row.artifacts):
            self._copied[row.id] = self._pull(row, folder, copied)
        if writer or first or row.id in self._noted:
            self._noted.add(row.id)
            if note(folder, writer) and writer is None:
                self._noted.discard(row.id)


def note(folder: Path, writer: Writer | None) -> bool:
    """Writes beside a working copy who writes its run; not where a process of this machine writes that folder.

    Returns:
        Whether that is settled: False where another process brings the run into the folder, or there is no folder.

    Raises:
        StoreError: The folder cannot be written.
        OSError: The folder cannot be written.
    """
    if not folder.is_dir():
        return False
    with refreshing_if_free(folder) as free:
        if not free:
            return False
        if is_written(folder / LOCK):
            writer = None
        if read_mark(folder) is not None:
            note_writer(folder, writer)
        return True
