"""Makes the databases that episodes of the `sql` environment begin with."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

from loopwright.environments._dialogue import Dialogue, Silent
from loopwright.environments._types import EnvironmentSetup
from loopwright.environments.sql._dump import load_dump, load_script, read_dump, split_script
from loopwright.environments.sql._session import MARIADB, SQLITE, Program
from loopwright.errors import SandboxLost, SandboxUnavailable, TaskError
from loopwright.files import read_regular, write_whole
from loopwright.sandbox import Sandbox

Engine = Literal["sqlite", "mariadb"]
PROGRAMS: Mapping[Engine, Program] = MappingProxyType({"sqlite": SQLITE, "mariadb": MARIADB})
"""Engine to the program that serves its databases."""
_Database = TypeVar("_Database")
_PATIENCE = 300.0
_LARGEST = 256 * 1024 * 1024
_CHECKSUM = 32
"""Bytes before a packed data folder in the cache."""
_VERSIONS: dict[Hashable, str] = {}
"""Provider, image and environment to what the server there says of itself."""
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_REMEDY = (
    "For bubblewrap install it on this machine (on Debian `apt-get install mariadb-server-core`). For Docker build an "
    "image (`loopwright env build sql-mariadb`) and use the environment `sql-mariadb`. Or leave out the engine."
)


def sqlite_base(dump: str | None, database: str, script: str) -> bytes:
    """The SQLite file of a database of a dump, of a script, or of both.

    Raises:
        TaskError: The dump has no such database, or a statement cannot be converted or executed.
    """
    if dump is None:
        return load_script(script)
    base = _chosen(load_dump(dump), database)
    return load_script(script, base) if script else base


def statements_of(dump: str | None, database: str, script: str) -> Sequence[str]:
    """The statements that make a database on a server.

    Raises:
        TaskError: The dump cannot be read or has no such database.
    """
    made = _chosen(read_dump(dump), database) if dump is not None else ()
    return [*made, *split_script(script)]


async def mariadb_base(setup: EnvironmentSetup, database: str, statements: Sequence[str]) -> bytes:
    """The packed data folder of a server that has a database and nothing else, made once for a server's version.

    It is made in a sandbox and kept in the user's cache folder.

    Raises:
        TaskError: A statement fails.
        SandboxUnavailable: Sandboxes have no server.
        SandboxError: There is no sandbox, or the server does not start in it.
    """
    lock = _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with lock:
        version = await _version(setup)
        program = (files("loopwright.environments") / "_guest" / "mariadb.py").read_text("utf-8")
        key = sha256(json.dumps([program, version, database, list(statements)]).encode()).hexdigest()
        kept = _cache() / f"{key}.base"
        # What cannot be read or kept is made again: a cache that is damaged, full or read-only fails no episode.
        if found := _kept(kept):
            return found
        base = await _made(setup, database, statements)
        with suppress(OSError):
            write_whole(kept, sha256(base).digest() + base)
    return base


def _kept(path: Path) -> bytes | None:
    """The packed data folder in a file of the cache; None if the file is missing, or its checksum is wrong."""
    try:
        data = read_regular(path, _LARGEST + _CHECKSUM)
    except OSError:
        return None
    base = data[_CHECKSUM:]
    return base if base and sha256(base).digest() == data[:_CHECKSUM] else None


async def _version(setup: EnvironmentSetup) -> str:
    where = setup.provider.name, setup.spec.image, tuple(setup.spec.env.items())
    if where not in _VERSIONS:
        sandbox = await setup.provider.open(setup.spec)
        try:
            said = (await _ask(sandbox, {"order": "version"}))["version"]
        finally:
            await sandbox.close()
        if not said:
            raise SandboxUnavailable(f"engine mariadb: sandboxes of {sandbox.image} have no mariadbd", remedy=_REMEDY)
        _VERSIONS[where] = said
    return _VERSIONS[where]


async def _made(setup: EnvironmentSetup, database: str, statements: Sequence[str]) -> bytes:
    sandbox = await setup.provider.open(setup.spec)
    try:
        answer = await _ask(sandbox, {"order": "make", "database": database, "statements": list(statements)})
        if "failed" in answer:
            raise SandboxLost(f"no database can be made: {answer['failed']}")
        if "refused" in answer:
            raise TaskError(f"environment: MariaDB cannot make the database: {answer['refused']}")
        return await sandbox.read(MARIADB.saved, limit=_LARGEST)
    finally:
        await sandbox.close()


async def _ask(sandbox: Sandbox, question: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return await (await Dialogue.start(sandbox, MARIADB.name)).ask(question, timeout=_PATIENCE)
    except Silent as silence:
        raise SandboxLost(f"the program that makes databases says nothing: {silence}") from None


def _chosen(databases: Mapping[str, _Database], database: str) -> _Database:
    if database not in databases:
        known = ", ".join(sorted(databases))
        raise TaskError(f"environment.database: the dump has no {database!r}", remedy=f"It has: {known}.")
    return databases[database]


def _cache() -> Path:
    if set_by_user := os.environ.get("LOOPWRIGHT_CACHE"):
        return Path(set_by_user).expanduser() / "sql"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "loopwright" / "sql"
