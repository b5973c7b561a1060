"""MySQL dumps: their statements by database, and as SQLite databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from loopwright.errors import TaskError
from loopwright.files import read_regular

_COMMENT = re.compile(r"/\*.*?\*/|^--[^\n]*$", re.DOTALL | re.MULTILINE)
_PLAIN_COMMENT = re.compile(r"/\*(?![!M]).*?\*/|^--[^\n]*$", re.DOTALL | re.MULTILINE)
"""A comment that servers do not execute."""
_FOREIGN_COLLATION = re.compile(r"\butf8mb4_0900_\w+")
_CREATE_DATABASE = re.compile(r"(?:create|drop)\s+(?:database|schema)\b", re.IGNORECASE)
_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_USE = re.compile(r"use\s+`?(\w+)`?", re.IGNORECASE)
_KEY = re.compile(r"^\s*(?:unique\s+|fulltext\s+|spatial\s+)?key\s|^\s*(?:constraint|foreign\s+key)\b", re.IGNORECASE)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


@lru_cache(maxsize=4)
def load_dump(path: str) -> Mapping[str, bytes]:
    """Reads a dump of MySQL databases.

    Texts compare without regard to case, as they do under the dumps' collations; secondary keys and foreign keys are
    left out.

    Returns:
        Database to its SQLite file.

    Raises:
        TaskError: The file cannot be read, or holds a statement that cannot be converted.
    """
    text = _text(path)
    made: dict[str, sqlite3.Connection] = {}
    here: sqlite3.Connection | None = None
    for statement in _statements(text):
        if used := _USE.fullmatch(statement):
            here = made.setdefault(used[1], sqlite3.connect(":memory:"))
        elif here is not None and (converted := convert(statement)):
            try:
                here.execute(converted)
            except sqlite3.Error as error:
                raise TaskError(f"environment.dump: {path}: {error}: {converted[:120]}") from None
    try:
        return {name: _serialized(connection) for name, connection in made.items()}
    finally:
        for connection in made.values():
            connection.close()


@lru_cache(maxsize=4)
def read_dump(path: str) -> Mapping[str, Sequence[str]]:
    """Reads a dump of MySQL databases for a MariaDB server.

    What stands before the first database, such as users and their rights, is left out; a collation that is MySQL's
    alone becomes the nearest of MariaDB's.

    Returns:
        Database to the statements that make it, without comments but those that servers execute.

    Raises:
        TaskError: The file cannot be read.
    """
    found: dict[str, list[str]] = {}
    here: list[str] | None = None
    for statement in _statements(_text(path), _PLAIN_COMMENT, _FOREIGN_COLLATION):
        if used := _USE.fullmatch(statement):
            here = found.setdefault(used[1], [])
        elif here is not None and not _CREATE_DATABASE.match(statement):
            here.append(statement)
    return found


def split_script(script: str) -> Sequence[str]:
    """The statements of a script."""
    return list(_statements(script, _PLAIN_COMMENT))


def load_script(script: str, database: bytes = b"") -> bytes:
    """Makes an SQLite file with statements, from nothing or from another.

    Raises:
        TaskError: A statement fails.
    """
    here = sqlite3.connect(":memory:")
    try:
        if database:
            here.deserialize(database)
        here.executescript(script)
        return here.serialize()
    except sqlite3.Error as error:
        raise TaskError(f"environment.script: {error}") from None
    finally:
        here.close()


def _text(path: str) -> str:
    try:
        return read_regular(Path(path)).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"environment.dump: {path}: {error}") from None


def _serialized(connection: sqlite3.Connection) -> bytes:
    connection.commit()
    return connection.serialize()


def convert(statement: str) -> str:
    """One statement in SQLite's words; empty for one that means nothing there."""
    head = statement.split(None, 1)[0].lower()
    if head == "insert":
        return _STRING.sub(lambda match: _unescaped(match[0]), statement)
    if head == "create" and re.match(r"create\s+table", statement, re.IGNORECASE):
        return _table(statement)
    return re.sub(r"\bif exists\b", "IF EXISTS", statement) if head == "drop" and " table " in statement.lower() else ""


def _table(statement: str) -> str:
    opening, closing = statement.index("("), statement.rindex(")")
    lines = [line.strip().rstrip(",") for line in statement[opening + 1 : closing].strip().splitlines()]
    kept = [_column(line) for line in lines if line and not _KEY.match(line)]
    return f"{statement[:opening]}({', '.join(kept)})"


def _column(line: str) -> str:
    if line.lower().startswith("primary key"):
        return re.sub(r"`\(\d+\)", "`", line)  # a key on the beginning of a text
    line = re.sub(r"\s+(?:character set|charset|collate)\s+\w+", "", line, flags=re.IGNORECASE)
    line = re.sub(r"\s+(?:auto_increment|unsigned|zerofill)\b|\s+on update \w+(?:\(\))?", "", line, flags=re.IGNORECASE)
    line = re.sub(r"\s+comment\s+'(?:[^']|'')*'", "", line, flags=re.IGNORECASE)
    if line.startswith("`") and re.match(r"`[^`]+`\s+(?:\w*text|\w*char|enum|set)\b", line, re.IGNORECASE):
        line = re.sub(r"^(`[^`]+`\s+)(?:enum|set)\s*\([^)]*\)", r"\1text", line, flags=re.IGNORECASE)
        line += " COLLATE NOCASE"
    return line


def _unescaped(literal: str) -> str:
    def one(match: re.Match[str]) -> str:
        return _ESCAPES.get(match[1], match[1]).replace("'", "''")

    inside = re.sub(r"\\(.)", one, literal[1:-1], flags=re.DOTALL)
    return f"'{inside}'"


def _statements(
    text: str, comment: re.Pattern[str] = _COMMENT, collation: re.Pattern[str] | None = None
) -> Iterator[str]:
    """Statements without comments; semicolons in strings end none."""
    kept: list[str] = []
    plain = _STRING.sub(lambda match: kept.append(match[0]) or f"\0{len(kept) - 1}\0", text)  # type: ignore[func-returns-value]  # append gives None
    plain = comment.sub("", plain)
    if collation:
        plain = collation.sub("utf8mb4_general_ci", plain)
    for statement in plain.split(";"):
        whole = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], statement).strip()
        if whole:
            yield whole
