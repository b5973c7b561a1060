"""The shared record: what is done with a database of runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from loopwright.errors import FolderTaken, StoreError, UserError
from loopwright.files import read_regular, write_whole
from loopwright.store._lock import is_written, lock, refreshing, unlock
from loopwright.store._mark import SharedMark, read_mark, write_mark
from loopwright.store._read import EVENTS, LOCK, MANIFEST, read_run
from loopwright.store._writer import note_writer
from loopwright.store.shared import _artifacts as artifacts
from loopwright.store.shared import _runs
from loopwright.store.shared._connection import ANSWER, Connection, as_store_error, checked_url, connect, place_of
from loopwright.store.shared._following import Following, note
from loopwright.store.shared._glance import described
from loopwright.store.shared._lines import Position, whole
from loopwright.store.shared._place import ArtifactPlace, checked_place
from loopwright.store.shared._pull import NOTHING, Copied, compare, local_position, pull, same_manifest
from loopwright.store.shared._replica import PostgresReplica, Taken
from loopwright.store.shared._runs import RunRow, SharedRun
from loopwright.store.shared._schema import Settings, has_schema, migrate, read_settings, set_setting

_log = logging.getLogger(__name__)
_NOTICED = 1.0
"""Seconds in which a server notices that a driver on a machine that it reaches is dead."""
PATIENCE = 300.0
"""Seconds that the database may be away while a run works."""


class SharedStore:
    """A database of runs. Its connections are opened where they are needed, and closed."""

    def __init__(
        self,
        url: str,
        *,
        patience: float = PATIENCE,
        answer: float = ANSWER,
        tell: Callable[[str], None] = _log.warning,
    ) -> None:
        """Connects to nothing yet.

        Args:
            url: `postgresql://USER:PASSWORD@HOST/DATABASE`. It is a secret, and written nowhere.
            patience: Seconds that the database may be away while a run works.
            answer: Seconds in which the server answers, besides the time for bytes; after that the connection is lost.
            tell: Called with what the user should know while a run works, from another thread.

        Raises:
            UserError: It is not such a URL.
        """
        self._url = checked_url(url)
        self._patience, self._answer, self._tell = patience, answer, tell

    def init(self, place: str | None = None, inline: int | None = None) -> Settings:
        """Makes the schema, or brings it up to date, and sets where large artifacts go.

        Args:
            place: An absolute folder that all machines share, or `s3://BUCKET/PREFIX`; empty for the database; None to
                leave it as it is.
            inline: Bytes of an artifact that stays in the database all the same, at most; None to leave it as it is.

        Raises:
            UserError: The place is neither folder nor bucket, or artifacts lie in another one.
            StoreError: The database or the place cannot be written.
        """
        place = checked_place(place) if place else place
        with self._connected() as connection:
            migrate(connection)
            now = read_settings(connection)
            if place is not None and now.place not in ("", place):
                _refuse_to_leave(now.place, connection)
            if place:
                ArtifactPlace(place, now.id).mark()
            if place is not None:
                set_setting(connection, "place", place)
            if inline is not None:
                set_setting(connection, "inline", str(inline))
            return read_settings(connection)

    def runs(self) -> list[SharedRun]:
        """The runs of the database, the newest last.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._connected() as connection:
            read_settings(connection)
            busy = _runs.writers(connection)
            found = [described(connection, row, busy) for row in _runs.rows(connection)]
        return sorted(found, key=lambda run: run.created)

    def ids(self) -> dict[str, str]:
        """Id to time of creation, by the manifest, of all runs.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._connected() as connection:
            if not has_schema(connection):
                return {}
            read_settings(connection)
            return {row.id: row.created for row in _runs.rows(connection)}

    def pull(self, run: str, folder: Path) -> None:
        """Brings a run into its folder, or what is new of it, unless a process of this machine is writing it there.

        Raises:
            MissingContent: There is no such run.
            FolderTaken: The folder holds a run that is not shared.
            StoreError: What the database holds is damaged, or other than what the folder holds.
        """
        with self._connected() as connection:
            settings, busy = read_settings(connection), _runs.writers(connection)
            row = _runs.find(connection, run)
            self._pulled(connection, settings, row, folder)
            with _written(folder):
                note(folder, busy.get(row.key))

    @contextmanager
    def following(self) -> Iterator[Following]:
        """A connection for a reader who looks often.

        Raises:
            StoreError: The database cannot be read.
        """
        with self._connected() as connection:
            settings = read_settings(connection)
            yield Following(
                connection, lambda row, folder, copied: self._pulled(connection, settings, row, folder, copied)
            )

    def copy_out(self, run: str, folder: Path) -> None:
        """Copies a run into a folder of its own, which has nothing more to do with the database.

        Raises:
            MissingContent: There is no such run.
            FolderTaken: The folder is not empty.
            StoreError: What the database holds is damaged.
        """
        if folder.exists() and any(folder.iterdir()):
            raise FolderTaken(f"{folder} is not empty", remedy="Name another folder.")
        with self._connected() as connection, _written(folder):
            settings = read_settings(connection)
            row = _runs.find(connection, run)
            folder.mkdir(parents=True, exist_ok=True)
            self._fill(connection, settings, row, folder)

    def copy_in(self, folder: Path) -> str:
        """Copies the run of a folder into the database, or the rest of it; gives its id. The folder stays as it is.

        Raises:
            RunInUse: A process writes the run.
            StoreError: There is another run of that id, or the record is damaged.
        """
        record = read_run(folder)
        for _ in record.events:
            pass
        run = record.manifest.id
        with _written(folder):
            manifest = read_regular(folder / MANIFEST, within=folder)
            held = lock(folder / LOCK)
            try:
                with self._connecting() as connection:
                    _make(connection)
                    settings = read_settings(connection)
                    known = _runs.rows(connection, run)
                    row = known[0] if known else _runs.enter(connection, run, manifest)
                    same_manifest(folder, _runs.manifest_of(connection, row), row)
                    row = _claim(connection, row)
                    end = local_position(folder)
                    compare(connection, row, folder, end)
                    sent = whole(folder / EVENTS, min(row.lines, end.lines))
                    replica = self._replica(connection, settings, row, folder, sent)
                replica.grown(max(end.lines, sent.lines), max(end.offset, sent.offset))
                replica.close()
            finally:
                unlock(held)
        return run

    def begin(self, folder: Path, run: str, manifest: bytes) -> PostgresReplica:
        """See `Share`."""
        with self._connecting() as connection, _written(folder):
            _make(connection)
            settings = read_settings(connection)
            row = _runs.enter(connection, run, manifest)
            return self._take(connection, settings, row, folder)

    def join(self, folder: Path, run: str) -> PostgresReplica:
        """See `Share`."""
        with self._connecting() as connection, _written(folder):
            settings = read_settings(connection)
            _refuse_other_mark(folder, settings, connection)
            row = _runs.find(connection, run)
            same_manifest(folder, _runs.manifest_of(connection, row), row)
            return self._take(connection, settings, row, folder)

    def _take(self, connection: Connection, settings: Settings, row: RunRow, folder: Path) -> PostgresReplica:
        """Takes a run, and brings into the folder what it lacks."""
        row = _claim(connection, row)
        note_writer(folder, None)
        artifacts.fetch(connection, row, folder, _place(settings))
        sent = pull(connection, row, folder)
        replica = self._replica(connection, settings, row, folder, sent)
        write_mark(folder, SharedMark(store=settings.id, server=place_of(connection), epoch=replica.epoch))
        return replica

    def _replica(
        self, connection: Connection, settings: Settings, row: RunRow, folder: Path, sent: Position
    ) -> PostgresReplica:
        """What sends the folder from now on. Before this the run was left as it is: whoever was cut off may return."""
        row = replace(row, epoch=_runs.take(connection, row))
        return PostgresReplica(
            Taken(row, connection, sent),
            folder,
            lambda: connect(self._url, self._answer),
            place=_place(settings),
            inline=settings.inline,
            patience=self._patience,
            tell=self._tell,
        )

    def _pulled(
        self, connection: Connection, settings: Settings, row: RunRow, folder: Path, copied: Copied = NOTHING
    ) -> Copied:
        with _written(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with refreshing(folder):
                if is_written(folder / LOCK):
                    return copied
                if (folder / MANIFEST).exists() and read_mark(folder) is None:
                    raise FolderTaken(
                        f"{folder} holds a run that is not shared, and the database has one of the same name",
                        remedy=f"Name the folder by its path to read it: ./{folder}. For the run of the database name "
                        "another folder with --runs.",
                    )
                _refuse_other_mark(folder, settings, connection)
                if read_mark(folder) is None:
                    write_mark(folder, SharedMark(store=settings.id, server=place_of(connection), epoch=0))
                return self._fill(connection, settings, row, folder, copied.still(folder, row))

    def _fill(
        self, connection: Connection, settings: Settings, row: RunRow, folder: Path, copied: Copied = NOTHING
    ) -> Copied:
        manifest = _runs.manifest_of(connection, row)
        if (folder / MANIFEST).exists():
            same_manifest(folder, manifest, row)
        artifacts.fetch(connection, row, folder, _place(settings), copied.artifacts)
        end = pull(connection, row, folder, copied.end)
        (folder / EVENTS).touch()
        if not (folder / MANIFEST).exists():
            # Last, since this file makes the folder a run.
            write_whole(folder / MANIFEST, manifest, within=folder)
        return Copied(end, row.artifacts)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection for the time of the context."""
        with self._connecting() as connection:
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def _connecting(self) -> Iterator[Connection]:
        """A connection, which is closed if the context fails."""
        connection: Connection | None = None
        try:
            connection = connect(self._url, self._answer)
            yield connection
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            raise as_store_error(error) from None
        except BaseException:
            if connection is not None:
                connection.close()
            raise


def _make(connection: Connection) -> None:
    """Makes the schema if there is none."""
    if not has_schema(connection):
        migrate(connection)


def _refuse_to_leave(place: str, connection: Connection) -> None:
    """Looks whether a place can be given up: the database does not say of each artifact where it lies."""
    outside = "SELECT EXISTS (SELECT FROM loopwright.artifacts WHERE data IS NULL)"
    if connection.execute(outside).fetchone() == (True,):
        raise UserError(
            f"artifacts of runs lie in {place}: with another place they could not be read any more",
            remedy="Leave the place. To change it, make another database ready with the new one and copy the runs: "
            "loopwright store copy RUN --out FOLDER, then loopwright store copy FOLDER --store OTHER.",
        )
    if _runs.writers(connection):
        raise UserError(
            f"runs are being written, and their drivers put artifacts into {place}", remedy="Wait until they end."
        )


def _place(settings: Settings) -> ArtifactPlace | None:
    return ArtifactPlace(settings.place, settings.id) if settings.place else None


def _refuse_other_mark(folder: Path, settings: Settings, connection: Connection) -> None:
    mark = read_mark(folder)
    if mark is not None and mark.store != settings.id:
        raise StoreError(
            f"the run in {folder} is shared in another database: {mark.server}, not in {place_of(connection)}",
            remedy="Name the URL of that database, or another folder with --runs.",
        )


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the shared run cannot be brought into {folder}: {error.strerror}",
            remedy="Free disk space, or name a folder that is writable with --runs.",
        ) from error


def _claim(connection: Connection, row: RunRow) -> RunRow:
    """The run, with its lock.

    Raises:
        RunInUse: Another process has it.
    """
    until = time.monotonic() + _NOTICED
    while not _runs.lock(connection, row):
        if time.monotonic() > until:
            raise _runs.in_use(connection, row)
        time.sleep(0.05)
    return _runs.find(connection, row.id)
