"""Artifacts between a run's folder and the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loopwright.errors import RunInUse, StoreError
from loopwright.files import LARGEST, write_whole
from loopwright.store._artifacts import Artifacts
from loopwright.store._read import ARTIFACTS
from loopwright.store.shared._connection import Connection

if TYPE_CHECKING:
    from loopwright.store.shared._place import ArtifactPlace
    from loopwright.store.shared._runs import RunRow

_PART = 8 * 1024 * 1024
_SEND = """
WITH mine AS (
    UPDATE loopwright.runs SET artifacts = artifacts + 1 WHERE key = %(key)s AND epoch = %(epoch)s
    RETURNING key, artifacts - 1 AS number
), sent AS (
    INSERT INTO loopwright.artifacts (run, ref, number, size, data)
    SELECT key, %(ref)s, number, %(size)s, %(data)s FROM mine ON CONFLICT DO NOTHING
)
SELECT count(*) FROM mine
"""


def local_refs(folder: Path) -> set[str]:
    """References of the artifacts that a run's folder holds."""
    found = (path.parent.name + path.name for path in (folder / ARTIFACTS).glob("??/*"))
    return {ref for ref in found if len(ref) == 64 and set(ref) <= set("0123456789abcdef")}


def known_refs(connection: Connection, key: int) -> set[str]:
    """References of the artifacts that the database has of a run."""
    found = connection.execute("SELECT ref::bytea FROM loopwright.artifacts WHERE run = %s AND ref IS NOT NULL", (key,))
    return {bytes(ref).hex() for (ref,) in found.fetchall()}


def send(
    connection: Connection, key: int, epoch: int, ref: str, data: bytes, place: ArtifactPlace | None, inline: int
) -> None:
    """Stores an artifact in the database, or where the database says that large ones lie.

    Raises:
        RunInUse: Another process took the run; nothing was stored of it in the database.
        StoreError: The place cannot be written.
        psycopg.Error: The database fails.
    """
    outside = place is not None and len(data) > inline
    if place is not None and outside:
        place.put(ref, data)
    connection.carried = 0 if outside else len(data)
    try:
        values = {"key": key, "epoch": epoch, "ref": bytes.fromhex(ref), "size": len(data)}
        sent = connection.execute(_SEND, {**values, "data": None if outside else data}, binary=True).fetchone()
    finally:
        connection.carried = 0
    if sent != (1,):
        raise RunInUse("another process took the run over")


def fetch(connection: Connection, row: RunRow, folder: Path, place: ArtifactPlace | None, first: int = 0) -> None:
    """Brings the artifacts of a run into its folder that are missing there.

    Args:
        connection: To the database.
        row: The run.
        folder: Its folder.
        place: Where large artifacts lie; None for the database.
        first: Number of the first one that is looked for.

    Raises:
        StoreError: One is not what its reference says, or cannot be read or stored.
    """
    for ref, size, inside in _listed(connection, row, first):
        if not Artifacts(folder / ARTIFACTS).path(ref).exists():
            data = _fetched(connection, row.key, ref, size, place if not inside else None)
            if hashlib.sha256(data).hexdigest() != ref:
                raise StoreError(
                    f"the bytes that the database has for artifact {ref} of {row.id} are others than were stored",
                    remedy="Somebody changed them; restore the run from a folder that has it: loopwright store copy "
                    "FOLDER into another database.",
                )
            write_whole(Artifacts(folder / ARTIFACTS).path(ref), data, within=folder)


def _listed(connection: Connection, row: RunRow, first: int) -> Iterable[tuple[str, int, bool]]:
    found = connection.execute(
        "SELECT ref::bytea, coalesce(size::bigint, -1), data IS NOT NULL FROM loopwright.artifacts"
        " WHERE run = %s AND number >= %s AND ref IS NOT NULL ORDER BY number",
        (row.key, first),
    )
    return [(bytes(ref).hex(), int(size), bool(inside)) for ref, size, inside in found.fetchall()]


def _fetched(connection: Connection, key: int, ref: str, size: int, place: ArtifactPlace | None) -> bytes:
    if not 0 <= size <= LARGEST:
        raise StoreError(f"artifact {ref} has {size} bytes by the database; at most {LARGEST} are read")
    if place is not None:
        return place.get(ref, size)
    return b"".join(_parts(connection, key, ref, size))


def _parts(connection: Connection, key: int, ref: str, size: int) -> Iterator[bytes]:
    for start in range(0, size, _PART):
        [part] = connection.execute(
            "SELECT substring(data::bytea FROM %s FOR %s) FROM loopwright.artifacts WHERE run = %s AND ref = %s",
            (start + 1, min(_PART, size - start), key, bytes.fromhex(ref)),
            binary=True,
        ).fetchone() or (None,)
        if part is None:
            raise StoreError(
                f"artifact {ref} lies neither in the database nor in a place that the database names",
                remedy="Name the place again: loopwright store init --artifacts PLACE --store URL.",
            )
        yield bytes(part)
