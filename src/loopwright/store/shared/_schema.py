"""The schema `loopwright` of the database, made by numbered migrations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loopwright.errors import StoreError
from loopwright.store.shared._connection import Connection
from loopwright.text import printable_line

LOCKS = 0x6C6F6F70
"""The class of this program's advisory locks; runs have their keys in it, and migrations 0."""
INLINE = 1024 * 1024
"""Bytes of an artifact that stays in the database, at most, if there is a place for larger ones."""

_FIRST = """
CREATE SCHEMA IF NOT EXISTS loopwright;
CREATE TABLE loopwright.settings (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO loopwright.settings VALUES ('id', gen_random_uuid()::text);
CREATE TABLE loopwright.runs (
    key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    created text NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    lines bigint NOT NULL DEFAULT 0,
    artifacts bigint NOT NULL DEFAULT 0,
    host text,
    process integer,
    since timestamptz
) WITH (fillfactor = 50);
CREATE TABLE loopwright.manifests (
    run integer PRIMARY KEY REFERENCES loopwright.runs (key) ON DELETE CASCADE,
    data bytea NOT NULL
);
CREATE TABLE loopwright.events (
    run integer NOT NULL,
    seq bigint NOT NULL,
    time timestamptz,
    type text,
    episode text,
    line bytea NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE INDEX turns ON loopwright.events (run, type, seq)
    WHERE type IN ('run_started', 'run_resumed', 'run_finished', 'episode_started', 'episode_finished');
CREATE TABLE loopwright.artifacts (
    run integer NOT NULL,
    ref bytea NOT NULL CHECK (octet_length(ref) = 32),
    number bigint NOT NULL,
    size bigint NOT NULL,
    data bytea,
    PRIMARY KEY (run, ref)
);
CREATE INDEX in_order ON loopwright.artifacts (run, number);
ALTER TABLE loopwright.artifacts ALTER COLUMN data SET STORAGE EXTERNAL;
"""
_SETTINGS = """
SELECT name::text, coalesce(left(value::text, 4000), '') FROM loopwright.settings
WHERE name IN ('id', 'place', 'inline')
"""
TABLES = ("settings", "runs", "manifests", "events", "artifacts")
_OTHERS = """
SELECT 'loopwright.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'loopwright' AND c.relname = ANY(%s) AND (c.relkind NOT IN ('r', 'p') OR c.relhasrules) LIMIT 1
"""
MIGRATIONS = (_FIRST,)
_ID = re.compile(r"[0-9a-f-]{1,64}")
_NEWER = "Use the loopwright that made the schema, or a newer one."


@dataclass(frozen=True, slots=True)
class Settings:
    """What the database says to all machines."""

    id: str
    """Of this schema, whatever way leads to the server."""
    place: str = ""
    """The folder or bucket of artifacts that are too large for the database; empty if there is none."""
    inline: int = INLINE
    """Bytes of an artifact that stays in the database, at most, if there is a place."""


def migrate(connection: Connection) -> None:
    """Brings the schema to the version of this program.

    Raises:
        StoreError: The schema is of a newer version.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCKS,))
        version = _version(connection)
        _refuse_newer(version)
        for number, statements in enumerate(MIGRATIONS[version:], version + 1):
            connection.execute(statements.encode())
            set_setting(connection, "version", str(number))


def has_schema(connection: Connection) -> bool:
    """Whether runs were kept in the database already."""
    return _version(connection) > 0


def read_settings(connection: Connection) -> Settings:
    """What the database says.

    Raises:
        StoreError: There is no schema, or one of another version.
    """
    version = _version(connection)
    _refuse_newer(version)
    if version == 0:
        raise StoreError(
            "the database holds no runs: it has no schema `loopwright`",
            remedy="Check the database in the URL, or make it ready: loopwright store init --store URL.",
        )
    if version < len(MIGRATIONS):
        raise StoreError(
            f"the schema `loopwright` of the database has version {version}; this loopwright needs {len(MIGRATIONS)}",
            remedy="Bring it up to date: loopwright store init --store URL. Older versions cannot use it then.",
        )
    found: dict[str, str] = dict(connection.execute(_SETTINGS).fetchall())
    inline, id = found.get("inline", ""), str(found.get("id", ""))
    if not _ID.fullmatch(id):
        raise StoreError(
            "the schema `loopwright` of the database does not say its id", remedy="Somebody changed the database."
        )
    return Settings(
        id=id,
        place=str(found.get("place", "")),
        inline=int(inline) if inline.isascii() and inline.isdigit() and len(inline) < 12 else INLINE,
    )


def set_setting(connection: Connection, name: str, value: str) -> None:
    """Sets what the database says to all machines."""
    connection.execute(
        "INSERT INTO loopwright.settings VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _version(connection: Connection) -> int:
    """Of the schema; 0 if there is none."""
    if connection.execute("SELECT to_regclass('loopwright.settings')").fetchone() in (None, (None,)):
        return 0
    _refuse_views(connection)
    row = connection.execute("SELECT left(value::text, 100) FROM loopwright.settings WHERE name = 'version'").fetchone()
    text = str(row[0]) if row else ""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise StoreError("the schema `loopwright` of the database does not say its version", remedy=_NEWER)
    return int(text)


def _refuse_views(connection: Connection) -> None:
    """A view could execute functions of whoever made it, with the rights of whoever reads it."""
    found = connection.execute(_OTHERS, (list(TABLES),)).fetchone()
    if found:
        raise StoreError(
            f"{printable_line(str(found[0]))} of the database is a view or has rules",
            remedy="Somebody changed the schema `loopwright`; make another database ready: loopwright store init.",
        )


def _refuse_newer(version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the schema `loopwright` of the database has version {version}; "
            f"this loopwright knows versions up to {len(MIGRATIONS)}",
            remedy=_NEWER,
        )
