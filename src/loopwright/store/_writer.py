"""Who works on a run: a process of this machine, or one elsewhere, of which the shared record told."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loopwright.files import read_regular, write_whole
from loopwright.store._lock import writer
from loopwright.text import printable_line

_NAME = "writer.json"
"""In a working copy: who writes the run elsewhere. Its time tells when the shared record said so last."""
_HOLDS = 60.0
"""Seconds for which it is believed."""
_AGAIN = 10.0
"""Seconds after which its time is set anew, at the earliest."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that works on a run."""

    process: int
    host: str
    """Empty for a process that writes the run's own folder."""

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}" if self.host else f"process {self.process}"


class _Noted(BaseModel):
    """A writer, as its file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: int
    host: str = Field(min_length=1, max_length=300)


def writer_of(folder: Path, lock: str) -> Writer | None:
    """Who works on the run of a folder now, as far as it is known here.

    Args:
        folder: The run's.
        lock: The name of its lock file.
    """
    if (process := writer(folder / lock)) is not None:
        return Writer(process, "")
    try:
        if abs(time.time() - (folder / _NAME).stat().st_mtime) > _HOLDS:
            return None
        noted = _Noted.model_validate_json(read_regular(folder / _NAME, 4096, folder))
    except (OSError, ValueError):
        return None
    return Writer(noted.process, printable_line(noted.host))


def note_writer(folder: Path, elsewhere: Writer | None) -> None:
    """Writes down who works on a run elsewhere; only for whoever brings the run into its folder.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / _NAME
    if elsewhere is None:
        path.unlink(missing_ok=True)
        return
    data = _Noted(process=elsewhere.process, host=elsewhere.host).model_dump_json().encode()
    with contextlib.suppress(OSError):
        if read_regular(path, 4096, folder) == data:
            if time.time() - path.stat().st_mtime > _AGAIN:
                os.utime(path, follow_symlinks=False)
            return
    write_whole(path, data, within=folder)
