"""Executes SQL statements on an SQLite database.

It speaks some of MySQL: SHOW TABLES, DESCRIBE, and functions that its users expect.
"""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path

from loopwright.environments._guest.dialogue import LARGEST, serve, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE, SAVED = Path("database.sqlite"), Path("saved.sqlite")
_COLUMNS = re.compile(
    r"(?:describe|desc|show\s+(?:full\s+)?(?:columns|fields)\s+(?:from|in))\s+[`\"]?(\w+)[`\"]?", re.I
)
_TABLES = re.compile(r"show\s+(?:full\s+)?tables", re.I)
_CREATE = re.compile(r"show\s+create\s+table\s+[`\"]?(\w+)[`\"]?", re.I)
_SHOWN = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


def main() -> None:
    """Serves statements until the pipe is closed."""
    here = sqlite3.connect(FILE, isolation_level=None)
    here.text_factory = _text
    _functions(here)
    serve(lambda asked: _obeyed(here, asked))


def _obeyed(here: sqlite3.Connection, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["order"] == "start":
        return {"version": sqlite3.sqlite_version}
    if asked["order"] == "save":
        return _saved(here)
    return _answer(here, asked["sql"], asked["rows"], asked["seconds"])


def _saved(here: sqlite3.Connection) -> dict[str, Any]:
    """Writes the database as this session sees it, whatever its journal is and whether a transaction is open."""
    try:
        SAVED.write_bytes(here.serialize())
    except (sqlite3.Error, OSError) as error:
        return {"failed": str(error)}
    return {}


def _answer(here: sqlite3.Connection, statement: str, rows: int, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    here.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        cursor = _execute(here, statement.strip().rstrip(";").strip())
        if cursor.description is None:
            return {"rows": None, "changed": cursor.rowcount}
        return _kept(cursor, rows)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        late = time.monotonic() > deadline
        return {"failed": "the statement timed out"} if late else {"error": str(error)}
    except MemoryError:
        return {"failed": "out of memory"}


def _kept(cursor: sqlite3.Cursor, most: int) -> dict[str, Any]:
    """The first rows, as many as an answer holds, and whether there were more."""
    found: list[list[Any]] = []
    size = 0
    for values in cursor:
        row = [_plain(value) for value in values]
        size += size_of(row)
        if len(found) == most or size > LARGEST:
            return {"rows": found, "more": True}
        found.append(row)
    return {"rows": found, "more": False}


def _execute(here: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
    if _TABLES.fullmatch(statement):
        return here.execute(_SHOWN)
    columns, create = _COLUMNS.fullmatch(statement), _CREATE.fullmatch(statement)
    if columns or create:
        name = (columns or create).group(1)  # type: ignore[union-attr]  # one of them matches
        (known,) = here.execute("SELECT count(*) FROM sqlite_master WHERE lower(name) = lower(?)", (name,)).fetchone()
        if not known:
            raise sqlite3.OperationalError(f"no such table: {name}")
    if columns:
        return here.execute(
            "SELECT name, type, CASE \"notnull\" WHEN 0 THEN 'YES' ELSE 'NO' END,"
            " CASE pk WHEN 0 THEN '' ELSE 'PRI' END, dflt_value, '' FROM pragma_table_info(?)",
            (columns.group(1),),
        )
    if create:
        return here.execute("SELECT name, sql FROM sqlite_master WHERE lower(name) = lower(?)", (create.group(1),))
    return here.execute(statement)


def _functions(here: sqlite3.Connection) -> None:
    def concat(*parts: Any) -> str | None:
        return None if None in parts else "".join(map(str, parts))

    def part(at: int, size: int) -> Any:
        return lambda date: int(str(date)[at : at + size]) if date is not None else None

    for name, count, function in (
        ("concat", -1, concat),
        ("if", 3, lambda test, yes, no: yes if test else no),
        ("char_length", 1, lambda text: None if text is None else len(str(text))),
        ("year", 1, part(0, 4)),
        ("month", 1, part(5, 2)),
        ("day", 1, part(8, 2)),
    ):
        here.create_function(name, count, function, deterministic=True)


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _plain(value: Any) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else value
