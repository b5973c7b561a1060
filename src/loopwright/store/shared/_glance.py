"""How far the runs of the database are, told by it without their long lines."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from loopwright.store._codec import BadLine, decode
from loopwright.store._writer import Writer
from loopwright.store.shared._connection import Connection
from loopwright.store.shared._runs import RunRow, SharedRun
from loopwright.text import printable_line

_DONE = """
SELECT count(*) FROM (
    SELECT DISTINCT ON (episode) type FROM loopwright.events
    WHERE run = %s AND type IN ('episode_started', 'episode_finished') ORDER BY episode, seq DESC
) AS last WHERE type = 'episode_finished'
"""
_TURN = """
SELECT line::bytea FROM loopwright.events
WHERE run = %s AND type = ANY(%s) AND octet_length(line::bytea) < 1000000 ORDER BY seq DESC LIMIT 1
"""


def described(connection: Connection, row: RunRow, busy: Mapping[int, Writer]) -> SharedRun:
    """A run, as a list shows it.

    Args:
        connection: To the database.
        row: The run.
        busy: Keys of the runs that a process writes now, and which process.
    """
    [done] = connection.execute(_DONE, (row.key,)).fetchone() or (0,)
    planned = _told(connection, row, ["run_started"], "episodes")
    turns = ["run_started", "run_resumed", "run_finished"]
    return SharedRun(
        id=row.id,
        created=printable_line(row.created)[:40],
        planned=int(planned) if planned.isascii() and planned.isdigit() and len(planned) < 10 else 0,
        done=int(done),
        finished=_told(connection, row, turns, "reason"),
        lines=row.lines,
        writer=str(busy.get(row.key, "")),
    )


def _told(connection: Connection, row: RunRow, types: list[str], name: str) -> str:
    """A value of the latest event of some types; empty for none."""
    found = connection.execute(_TURN, (row.key, types)).fetchone()
    # The columns beside a line, and the line itself, may have been made up.
    with suppress(BadLine, LookupError, TypeError, AttributeError):
        return printable_line(str(decode(bytes(found[0])[:-1], row.id)["data"].get(name, "")))[:100] if found else ""
    return ""
