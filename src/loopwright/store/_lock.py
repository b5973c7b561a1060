"""One writer per run, across processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field

from loopwright.errors import RunInUse, StoreError
from loopwright.files import open_descriptor, read_regular

REFRESHING = "refresh.lock"
"""Held while a shared run is brought into its folder."""


class _Holder(BaseModel):
    """Who holds a run, as the lock file says."""

    pid: int = Field(gt=0, lt=2**31)
    host: str
    since: str = ""


def lock(path: Path) -> int:
    """Takes the lock file and writes into it who holds it. `unlock` frees it, as does any death.

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
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = _Holder(pid=os.getpid(), host=socket.gethostname(), since=since).model_dump_json().encode()
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder, 0)
    except OSError:
        pass  # A full disk: the lock holds all the same, only its holder stays unnamed.
    return descriptor


def unlock(descriptor: int) -> None:
    """Frees a lock file, which names nobody then: its process may live on."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


@contextmanager
def refreshing(folder: Path) -> Iterator[None]:
    """Waits until no other process brings a shared run into the folder, and keeps others from it.

    Raises:
        StoreError: The folder cannot be written.
    """
    descriptor = _opened(folder / REFRESHING)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def refreshing_if_free(folder: Path) -> Iterator[bool]:
    """Like `refreshing`, without waiting: gives False where another process brings a shared run into the folder.

    Raises:
        StoreError: The folder cannot be written.
    """
    descriptor = _opened(folder / REFRESHING)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return open_descriptor(path, os.O_RDWR | os.O_CREAT, path.parent)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}", remedy="Make the folder writable, or name another with --runs."
        ) from error


def is_written(path: Path) -> bool:
    """Whether a process holds the lock file; only for whoever is `refreshing`, as writers of shared runs are first."""
    try:
        descriptor = open_descriptor(path, os.O_RDONLY, path.parent)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def writer(path: Path) -> int | None:
    """The process of this machine that wrote its name into a lock file and lives; None if there is none.

    The lock itself is not touched: to try it could keep a writer that begins at this moment from having it.
    """
    try:
        holder = _Holder.model_validate_json(read_regular(path, 4096, path.parent))
    except (OSError, ValueError):
        return None
    return holder.pid if holder.host == socket.gethostname() and Path(f"/proc/{holder.pid}").exists() else None


def _describe(written: bytes) -> str:
    try:
        holder = _Holder.model_validate_json(written)
    except ValueError:
        return "another process"
    return f"process {holder.pid} on {holder.host} since {holder.since}"
