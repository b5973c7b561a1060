"""LangGraph checkpoints of a run."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from loopwright.errors import MissingExtra, StoreError
from loopwright.files import open_descriptor
from loopwright.secrets import register_url, scrub, scrub_bytes
from loopwright.store._onlookers import OnlookersSaver

_ROW = {"thread_id", "checkpoint_ns", "checkpoint_id"}
_TABLES = {
    "checkpoints": _ROW | {"parent_checkpoint_id", "type", "checkpoint", "metadata"},
    "writes": _ROW | {"task_id", "idx", "channel", "type", "value"},
}
"""What the saver of LangGraph keeps, by table."""


class StrictSerializer:
    """A serializer that rebuilds plain data only, whatever the environment says, and writes no secret."""

    def __init__(self) -> None:
        self._plain = JsonPlusSerializer(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """A value's kind and its bytes."""
        kind, data = self._plain.dumps_typed(obj)
        return kind, scrub_bytes(data)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value."""
        return self._plain.loads_typed(data)


@asynccontextmanager
async def sqlite_saver(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Opens checkpoints in an SQLite file.

    The journal is the truth, so commits do not wait for the disk (`synchronous=NORMAL`): a power failure may
    lose the last checkpoints, never damage the file.

    Raises:
        StoreError: The file, or one that SQLite keeps beside it, is a link or no regular file.
    """
    for part in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        try:
            os.close(open_descriptor(part, os.O_RDONLY, part.parent))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(part, str(error.strerror)) from None
    async with aiosqlite.connect(path) as connection:
        saver = AsyncSqliteSaver(connection, serde=StrictSerializer())
        try:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=NORMAL")
            await connection.execute("PRAGMA busy_timeout=5000")
            await saver.setup()
            await _look_at_tables(connection)
        except (sqlite3.Error, ValueError) as error:
            raise (_locked(path) if _is_lock(error) else _unusable(path, str(error))) from None
        yield OnlookersSaver(saver)


async def _look_at_tables(connection: aiosqlite.Connection) -> None:
    """Looks whether a file that somebody may have sent has the tables of checkpoints, and nothing that acts.

    Raises:
        ValueError: It does not.
        sqlite3.Error: The file cannot be read.
    """
    async with connection.execute("SELECT type FROM sqlite_master WHERE type NOT IN ('table', 'index')") as found:
        if (other := await found.fetchone()) is not None:
            raise ValueError(f"it holds a {other[0]}")
    for table, columns in _TABLES.items():
        async with connection.execute("SELECT name FROM pragma_table_info(?)", (table,)) as found:
            there = {str(name) for (name,) in await found.fetchall()}
        if not columns <= there:
            raise ValueError(f"its table {table} has no column {min(columns - there)}")


def _unusable(path: Path, why: str) -> StoreError:
    return StoreError(f"cannot keep checkpoints in {path}: {why}", remedy="Take it away, and resume the run.")


def _is_lock(error: Exception) -> bool:
    # The low byte of an extended code is the code.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _locked(path: Path) -> StoreError:
    return StoreError(
        f"cannot keep checkpoints in {path}: another program has it open and locks it",
        remedy="End that program, and resume the run.",
    )


@asynccontextmanager
async def postgres_saver(url: str, run: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Opens checkpoints on a Postgres server, in a schema of the run, so that runs never meet.

    Raises:
        MissingExtra: The `postgres` extra is not installed.
        StoreError: The server cannot be reached or refuses.
    """
    try:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg import AsyncConnection, Error
        from psycopg.rows import dict_row
        from psycopg.sql import SQL, Identifier
        from psycopg_pool import AsyncConnectionPool
    except ImportError as error:
        raise MissingExtra(
            "checkpoints in Postgres need the extra `postgres`", remedy="pip install 'loopwright[postgres]'"
        ) from error
    register_url(url)
    schema = Identifier(_schema_name(run))

    async def use_schema(connection: AsyncConnection[Any]) -> None:
        await connection.execute(SQL("SET search_path TO {}").format(schema))

    try:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    except Error as error:
        raise _unreachable(error) from None
    async with AsyncConnectionPool[AsyncConnection[dict[str, Any]]](
        url,
        min_size=1,
        max_size=8,
        open=False,
        configure=use_schema,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
    ) as pool:
        saver = AsyncPostgresSaver(pool, serde=StrictSerializer())
        try:
            await saver.setup()
        except Error as error:
            raise _unreachable(error) from None
        yield OnlookersSaver(saver)


def _unreachable(error: Exception) -> StoreError:
    return StoreError(
        f"cannot use Postgres for checkpoints: {scrub(str(error)).strip()}",
        remedy="Check the URL (postgresql://USER:PASSWORD@HOST/DATABASE), that the server is up, and that the user may "
        "make a schema in the database.",
    )


def _schema_name(run: str) -> str:
    """The run's schema. Postgres cuts names after 63 bytes, which could make one of two."""
    name = f"loopwright_{run}"
    return name if len(name.encode()) <= 63 else f"loopwright_{hashlib.sha256(run.encode()).hexdigest()[:48]}"
