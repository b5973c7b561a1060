"""Sends the record of a run to the database while the run works: one thread, one connection, one lock."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from loopwright.errors import LoopwrightError, RunInUse, StoreError, StoreUnavailable
from loopwright.files import read_regular
from loopwright.store._read import ARTIFACTS, EVENTS
from loopwright.store.shared import _artifacts as artifacts
from loopwright.store.shared._connection import PERMANENT, PERMANENT_AT_CONNECT, Connection, as_store_error, reason
from loopwright.store.shared._lines import Position, batch, behind, columns_of, whole
from loopwright.store.shared._patience import Patience
from loopwright.store.shared._pull import diverged, fetched
from loopwright.store.shared._runs import RunRow, find, in_use, lock, unlock

if TYPE_CHECKING:
    from loopwright.store.shared._place import ArtifactPlace

_log = logging.getLogger(__name__)
_LINGER = 0.02
"""Seconds in which lines gather that nobody waits for."""
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""Errors that waiting may help against, unless their code says otherwise."""
_SEND = """
WITH mine AS (
    UPDATE loopwright.runs SET lines = %(end)s WHERE key = %(key)s AND epoch = %(epoch)s AND lines = %(first)s
    RETURNING key
), sent AS (
    INSERT INTO loopwright.events (run, seq, time, type, episode, line)
    SELECT mine.key, %(first)s + one.number - 1, one.time, one.type, one.episode, one.line
    FROM mine, unnest(%(times)s::timestamptz[], %(types)s::text[], %(episodes)s::text[], %(lines)s::bytea[])
        WITH ORDINALITY AS one (time, type, episode, line, number)
)
SELECT count(*) FROM mine
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that this process has taken."""

    row: RunRow
    """With the epoch that is this process's."""
    connection: Connection
    """Its session has the lock."""
    sent: Position
    """Up to where the database has the lines of the folder."""


@dataclass(order=True, slots=True)
class _Waiter:
    lines: int
    number: int
    future: Future[None] = field(compare=False)


class PostgresReplica:
    """See `Replica`. All that may take long is done by its thread."""

    def __init__(
        self,
        taken: Taken,
        folder: Path,
        connect: Callable[[], Connection],
        *,
        place: ArtifactPlace | None,
        inline: int,
        patience: float,
        tell: Callable[[str], None],
    ) -> None:
        """Sends nothing before the first `grown`.

        Args:
            taken: The run, taken.
            folder: The run's folder.
            connect: Connects to the database again.
            place: Where large artifacts go; None for the database.
            inline: Bytes of an artifact that goes into the database, at most, where there is a place.
            patience: Seconds that the database may be away.
            tell: Called with what the user should know, from the thread.
        """
        self._row, self._sent = taken.row, taken.sent
        self._connection: Connection | None = taken.connection
        self._folder, self._path = folder, folder / EVENTS
        self._connect, self._place, self._inline = connect, place, inline
        self._patience = Patience(patience, tell)
        self._backend = _backend(taken.connection)
        self._news = threading.Condition()
        self._grown = taken.sent
        self._refs: dict[str, None] = {}
        """References of artifacts to send."""
        self._known: set[str] = set()
        """Those that the database has."""
        self._look_for_artifacts(taken.connection)
        self._waiters: list[_Waiter] = []
        self._numbers = itertools.count()
        self._failure: StoreError | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def epoch(self) -> int:
        """How often the run had been taken, this time included."""
        return self._row.epoch

    def grown(self, lines: int, size: int) -> None:
        """See `Replica`."""
        with self._news:
            self._grown = Position(lines, size)
            self._news.notify()
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._work, name="loopwright-replica", daemon=True)
                self._thread.start()

    def keep(self, ref: str) -> None:
        """See `Replica`."""
        with self._news:
            # The same bytes are stored again at each step that changes nothing.
            if ref not in self._known:
                self._refs[ref] = None

    def committed(self, lines: int) -> Future[None]:
        """See `Replica`."""
        future: Future[None] = Future()
        with self._news:
            if self._failure is not None:
                future.set_exception(self._failure)
            elif self._sent.lines >= lines:
                future.set_result(None)
            else:
                heapq.heappush(self._waiters, _Waiter(lines, next(self._numbers), future))
                self._news.notify()
        return future

    def refuse_after_failure(self) -> None:
        """See `Replica`."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """See `Replica`."""
        with self._news:
            self._closing = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()
        if self._connection is not None:
            # The server may take a moment to end the session: whoever comes next need not wait for that.
            with contextlib.suppress(psycopg.Error):
                unlock(self._connection, self._row)
            self._connection.close()
        self.refuse_after_failure()

    def _work(self) -> None:
        """Sends until all is sent and nothing more comes."""
        try:
            while self._wait_for_news():
                self._send_or_reconnect()
        except StoreError as error:
            self._fail(error)
        except LoopwrightError as error:
            self._fail(StoreError(str(error.args[0]), remedy=error.remedy))
        except psycopg.Error as error:
            self._fail(as_store_error(error))
        except OSError as error:
            self._fail(StoreError(f"cannot read {self._folder} to send it: {error.strerror}"))
        except Exception as error:
            _log.exception("the thread that sends run %s failed", self._row.id)
            self._fail(StoreError(f"sending the run to the database failed: {type(error).__name__}"))

    def _wait_for_news(self) -> bool:
        """Waits for something to send; whether there is any, or ever will be."""
        with self._news:
            while self._sent == self._grown and not (self._refs and self._closing):
                if self._closing:
                    return False
                self._news.wait()
            if not self._waiters and not self._closing:
                self._news.wait(_LINGER)
            return True

    def _send_or_reconnect(self) -> None:
        try:
            self._send()
        except StoreUnavailable as error:
            self._wait("the place for artifacts", str(error.args[0]))
        except _PASSING as error:
            if (error.sqlstate or "").startswith(PERMANENT):
                raise
            self._reconnect(error)

    def _send(self) -> None:
        """Sends what there is: artifacts first, as lines name them."""
        assert self._connection is not None
        with self._news:
            # In this order: whatever a line up to here names was kept before.
            end, refs = self._grown, list(self._refs)
        for ref in refs:
            data = read_regular(self._folder / ARTIFACTS / ref[:2] / ref[2:], within=self._folder)
            try:
                artifacts.send(self._connection, self._row.key, self._row.epoch, ref, data, self._place, self._inline)
            except RunInUse:
                raise self._replaced(self._connection) from None
            self._patience.arrived()
            with self._news:
                del self._refs[ref]
                self._known.add(ref)
        while self._sent.lines < end.lines:
            lines = batch(self._path, self._sent, end)
            self._send_lines(self._connection, lines)
            self._advance(behind(self._sent, lines))

    def _look_for_artifacts(self, connection: Connection) -> None:
        """Finds out which artifacts of the folder the database has."""
        local, known = artifacts.local_refs(self._folder), artifacts.known_refs(connection, self._row.key)
        with self._news:
            self._known = known
            self._refs.update(dict.fromkeys(sorted(local - known)))

    def _send_lines(self, connection: Connection, lines: list[bytes]) -> None:
        beside = [columns_of(line) for line in lines]
        connection.carried = sum(map(len, lines))
        try:
            values: dict[str, Any] = {
                "key": self._row.key,
                "epoch": self._row.epoch,
                "first": self._sent.lines,
                "end": self._sent.lines + len(lines),
                "times": [one.time for one in beside],
                "types": [one.type for one in beside],
                "episodes": [one.episode for one in beside],
                "lines": lines,
            }
            sent = connection.execute(_SEND, values, binary=True).fetchone()
        finally:
            connection.carried = 0
        if sent != (1,):
            raise self._replaced(connection)

    def _replaced(self, connection: Connection) -> StoreError:
        """Why the database did not take lines of this process."""
        row = find(connection, self._row.id)
        if row.epoch != self._row.epoch:
            return in_use(connection, row, "was taken over")
        return diverged(row, self._folder, min(row.lines, self._sent.lines), max(row.lines, self._sent.lines) + 1)

    def _advance(self, sent: Position) -> None:
        self._patience.arrived()
        done = []
        with self._news:
            self._sent = sent
            while self._waiters and self._waiters[0].lines <= sent.lines:
                done.append(heapq.heappop(self._waiters).future)
        for future in done:
            future.set_result(None)

    def _fail(self, error: StoreError) -> None:
        with self._news:
            self._failure = error
            waiting, self._waiters = self._waiters, []
        for waiter in waiting:
            waiter.future.set_exception(error)

    def _reconnect(self, error: psycopg.Error) -> None:
        """Connects again, takes the lock again if nobody else did, and finds out what of the last sending arrived.

        Raises:
            RunInUse: Another process took the run.
            StoreError: The database was away for too long, or holds other lines.
        """
        while True:
            self._wait("the database of the store", reason(error))
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            try:
                self._connection = self._connect()
                if self._retaken(self._connection):
                    return
            except _PASSING as again:
                error = again
                if (error.sqlstate or "").startswith(PERMANENT_AT_CONNECT):
                    raise

    def _wait(self, what: str, why: str) -> None:
        """Waits before the next try; not for long if the run ends meanwhile."""
        pause = self._patience.pause(
            what,
            why,
            f"The folder {self._folder} holds all of the run. When it is back: loopwright resume {self._folder} "
            "--store URL.",
        )
        with self._news:
            closing = self._closing
            self._news.wait_for(lambda: self._closing != closing, timeout=pause)

    def _retaken(self, connection: Connection) -> bool:
        """Whether the run is this process's again; not yet if its own old session still has the lock."""
        free = lock(connection, self._row)
        row = find(connection, self._row.id)
        if row.epoch != self._row.epoch:
            raise in_use(connection, row, "was taken over")
        if not free:
            # The server did not notice yet that this process lost the connection.
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s",
                self._backend,
            )
            return False
        self._backend = _backend(connection)
        self._align(connection, row)
        return True

    def _align(self, connection: Connection, row: RunRow) -> None:
        """Finds out what the database has; one that came back from a backup has fewer lines and artifacts."""
        self._look_for_artifacts(connection)
        with self._news:
            grown = self._grown
        if row.lines > grown.lines:
            raise diverged(row, self._folder, grown.lines, row.lines)
        if row.lines < self._sent.lines:
            self._sent = whole(self._path, row.lines)
        while self._sent.lines < row.lines:
            theirs = next(fetched(connection, row, self._sent.lines))
            end = behind(self._sent, theirs)
            if b"".join(theirs) != _read(self._path, self._sent.offset, end.offset):
                raise diverged(row, self._folder, self._sent.lines, end.lines)
            self._advance(end)


def _read(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _backend(connection: Connection) -> tuple[Any, ...]:
    """Which process of the server serves a connection, and since when."""
    with contextlib.suppress(psycopg.Error):
        return connection.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone() or (0, None)
    return 0, None
