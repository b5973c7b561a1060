"""The mark of a folder that is a working copy: the run itself is in a shared record."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.errors import StoreError
from loopwright.files import read_regular, write_whole

MARK = "shared.json"


class SharedMark(BaseModel):
    """Where the run is shared. It holds neither user nor password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = Field(max_length=100)
    """The id of the shared record, whatever way leads to it."""
    server: str = Field(max_length=1000)
    """Host and database, for people to read."""
    epoch: int = Field(ge=0)
    """How often the run had been taken when this folder last was written; 0 in a folder that was only read."""


def read_mark(folder: Path) -> SharedMark | None:
    """The mark of a folder; None if the folder holds a run of its own.

    Raises:
        StoreError: What is there is no mark.
    """
    try:
        return SharedMark.model_validate_json(read_regular(folder / MARK, 10_000, folder))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise StoreError(
            f"{folder / MARK} does not say where the run is shared",
            remedy="Take the run from the database into another folder: loopwright resume ID --store URL --runs OTHER.",
        ) from None


def is_working_copy(folder: Path) -> bool:
    """Whether the run of a folder is shared, so that others may go on with it.

    Raises:
        StoreError: What is there does not say where.
    """
    return read_mark(folder) is not None


def write_mark(folder: Path, mark: SharedMark) -> None:
    """Writes the mark.

    Raises:
        OSError: The disk is full or read-only.
    """
    write_whole(folder / MARK, mark.model_dump_json().encode() + b"\n", within=folder)


def refuse_shared(folder: Path, run: str) -> None:
    """Refuses to write a run whose record is shared by its folder alone.

    Raises:
        StoreError: It is shared.
    """
    if mark := read_mark(folder):
        raise StoreError(
            f"the run in {folder} is shared in {mark.server}, where others may go on with it",
            remedy=f"Name the database: loopwright resume {run} --store URL (or LOOPWRIGHT_STORE). For a folder that "
            f"goes its own way: loopwright store copy {run} --out FOLDER --store URL.",
        )
