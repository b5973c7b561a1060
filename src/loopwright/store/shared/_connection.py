"""Connections to the database, bounded in time, whose errors never tell the URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from loopwright.errors import MissingExtra, StoreError, StoreUnavailable, UserError
from loopwright.secrets import register, register_url, scrub
from loopwright.text import printable_line

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.rows import TupleRow
except ImportError as error:
    raise MissingExtra(
        "runs in Postgres need the extra `postgres`", remedy="Run: pip install 'loopwright[postgres]'"
    ) from error

if TYPE_CHECKING:
    from psycopg.abc import PQGen

_FORM = "Write postgresql://USER:PASSWORD@HOST/DATABASE, best in LOOPWRIGHT_STORE; encode special characters as %40."
ANSWER = 30.0
"""Seconds in which the server answers, besides the time for bytes."""
_SLOWEST = 1_000_000
"""Bytes a second that a connection carries at least."""
_CONNECT = 10
_GONE = 30
"""Seconds after which both sides notice that the other one is gone."""
_SESSION = {
    # Nothing that others made in the database takes the place of what statements name.
    "search_path": "pg_catalog",
    "bytea_output": "hex",
    # The client reads times in no other style.
    "DateStyle": "ISO, MDY",
    "lock_timeout": "20s",
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    # A server that cannot reach a driver any more lets its lock go.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": f"{_GONE}s",
}
PERMANENT_AT_CONNECT = ("42", "53100", "54")
"""How codes of errors begin that do not pass by waiting, even of a server that is being set up or restored."""
PERMANENT = (*PERMANENT_AT_CONNECT, "22", "23", "28", "3D", "3F", "0A", "XX")
"""How codes of errors begin that do not pass by waiting, of a server that took lines before."""


class Connection(psycopg.Connection[TupleRow]):
    """A connection that gives up if the server does not answer."""

    answer = ANSWER
    """Seconds in which the server answers, besides the time for bytes."""
    carried = 0
    """Bytes of the statement under way, which take their time."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Waits for the server."""
        return super().wait(gen, interval, timeout or self.answer + self.carried / _SLOWEST)


def checked_url(url: str) -> str:
    """The URL, with its passwords registered as secrets.

    Raises:
        UserError: It is not that of a Postgres server.
    """
    try:
        parts = urlsplit(url)
        ours = parts.scheme in ("postgresql", "postgres") and parts.netloc.count("@") <= 1 and (parts.port or 1) > 0
        named = conninfo_to_dict(url) if ours else {}
    except (ValueError, psycopg.Error):
        ours, named = False, {}
    if not ours:
        register(url)
        register_url(url)
        raise UserError("the URL of the store is not that of a Postgres database", remedy=_FORM)
    for name in ("password", "sslpassword"):
        register(str(named.get(name) or ""), "the password of the store")
    register(os.environ.get("PGPASSWORD", ""), "PGPASSWORD")
    return url


def connect(url: str, answer: float = ANSWER) -> Connection:
    """Connects.

    Args:
        url: Of the database.
        answer: Seconds in which the server answers, besides the time for bytes.

    Raises:
        psycopg.Error: The server cannot be reached or refuses.
        StoreError: The database cannot hold all characters.
    """
    connection = Connection.connect(
        url,
        autocommit=True,
        client_encoding="utf8",
        connect_timeout=_CONNECT,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=4,
        tcp_user_timeout=_GONE * 1000,
        application_name="loopwright",
    )
    connection.answer = answer
    try:
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            # It may hold bytes that are no text.
            raise StoreError(
                f"the database is encoded in {printable_line(str(encoding))[:40]}",
                remedy="Make one for runs: CREATE DATABASE ... ENCODING 'UTF8'.",
            )
        for name, value in _SESSION.items():
            connection.execute(
                "SELECT set_config(%s, %s, false) FROM pg_catalog.pg_settings WHERE name = %s", (name, value, name)
            )
        # What is stricter, such as `remote_apply`, stays.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def place_of(connection: Connection) -> str:
    """Host and database of a connection, for people: neither user nor password."""
    info = connection.info
    host = info.host if info.host.startswith("/") else f"{info.host}:{info.port}"
    return scrub(f"database {info.dbname} at {host}")


def reason(error: psycopg.Error) -> str:
    """What the server or its client says, in one line without secrets."""
    words = scrub(error.diag.message_primary or str(error).strip() or type(error).__name__).splitlines()
    return printable_line(" ".join(line.strip() for line in words))[:600]


def as_store_error(error: psycopg.Error) -> StoreError:
    """What a user reads of an error of the server."""
    code, why = error.sqlstate or "", reason(error)
    if code == "53100":
        return StoreError(
            f"the disk of the database is full: {why}",
            remedy="Make room there, then: loopwright resume RUN --store URL. The run's folder holds all of it.",
        )
    if code == "42501":
        return StoreError(f"the database user may not do this: {why}", remedy="Ask for rights on schema loopwright.")
    away = isinstance(error, psycopg.OperationalError) and not code.startswith(PERMANENT)
    return (StoreUnavailable if away else StoreError)(
        f"the database of the store refused or failed: {why}",
        remedy="Check the URL (postgresql://USER:PASSWORD@HOST/DATABASE, LOOPWRIGHT_STORE) and that the server is up.",
    )
