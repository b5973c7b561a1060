"""One writer per run, across processes."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from loopwright.errors import RunInUse, StoreError
from loopwright.files import open_descriptor, read_regular


def lock(path: Path) -> int:
    """Takes the lock file and writes into it who holds it. Closing the descriptor frees it, as does any death.

    Raises:
        RunInUse: Another process, or another store in this one, holds it.
        StoreError: The file cannot be opened for writing.
    """
    try:
        descriptor = open_descriptor(path, os.O_RDWR | os.O_CREAT, path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot write {path.name} in the run folder {path.parent}: {error.strerror}",
            remedy="Make the folder writable, or copy the run to a place that is.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 4096, 0)
        os.close(descriptor)
        raise RunInUse(
            f"the run {path.parent} is being written by {_describe(holder)}",
            remedy="Wait for that process to end, or stop it, and try again. Reading the run is possible meanwhile.",
        ) from None
    holder = json.dumps(
        {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    ).encode()
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder, 0)
    except OSError:
        pass  # A full disk: the lock holds all the same, only its holder stays unnamed.
    return descriptor


def writer(path: Path) -> int | None:
    """The process of this machine that wrote its name into a lock file and lives; None if there is none.

    The lock itself is not touched: to try it could keep a writer that begins at this moment from having it.
    """
    try:
        known = json.loads(read_regular(path, 4096, path.parent))
        pid, host = int(known["pid"]), known["host"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if host == socket.gethostname() and Path(f"/proc/{pid}").exists() else None


def _describe(holder: bytes) -> str:
    try:
        known = json.loads(holder)
        return f"process {known['pid']} on {known['host']} since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
