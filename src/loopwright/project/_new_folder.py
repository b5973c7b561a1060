"""Folders that are there only when they are complete."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from loopwright.errors import UserError


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Makes a folder that is there only when it is complete.

    Args:
        target: The folder to be made. It must not be there, or be empty.

    Yields:
        The folder to write into, which becomes `target` at the end; after an error it is removed.

    Raises:
        UserError: The target is taken, or no folder can be there.
        OSError: The disk is full, or may not be written.
    """
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UserError(f"{target} is taken", remedy="Name a folder that is not there, or take its content away.")
    with contextlib.ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            made = stack.enter_context(tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-"))
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            raise UserError(f"{target} cannot be made: {error.strerror}", remedy="Name another folder.") from None
        work = Path(made) / "new"
        work.mkdir()
        yield work
        if target.exists():
            target.rmdir()
        work.rename(target)


def moved_files(files: Iterable[Path], work: Path, target: Path) -> tuple[Path, ...]:
    """Where files of a folder that was made by `new_folder` are afterwards.

    Raises:
        UserError: One of them was written elsewhere.
    """
    found = tuple(files)
    if outside := next((path for path in found if not path.is_relative_to(work)), None):
        raise UserError(f"{outside} was written outside of the folder", remedy="Write into the folder that is given.")
    return tuple(target / path.relative_to(work) for path in found)
