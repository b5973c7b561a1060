"""Output: text, JSON and tables that fit any width, with or without a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopwright.errors import UserError
from loopwright.text import printable_json, printable_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_NARROW = 60
"""Columns below which a table becomes one block of lines per row."""
_PIPE_WIDTH = 140
"""Columns where there is no terminal and COLUMNS is not set."""


def console() -> Console:
    """A console on stdout that is wide where nobody's eyes limit it."""
    import os

    from rich.console import Console

    here = Console(highlight=False)
    return here if here.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=_PIPE_WIDTH)


def write(what: RenderableType) -> None:
    """Writes text, as it is, or anything that rich renders, to stdout."""
    if isinstance(what, str):
        click.echo(printable_lines(what))
    else:
        console().print(what)


def write_json(value: Any) -> None:
    """Writes a value to stdout as one JSON document.

    A number that JSON cannot write, such as the unknown error of a single instance, becomes null.
    """
    from pydantic_core import to_jsonable_python

    plain = to_jsonable_python(value, inf_nan_mode="null", fallback=str)
    click.echo(printable_json(json.dumps(plain, ensure_ascii=False, indent=2)).encode())


def load_env(path: Path) -> None:
    """Loads an `.env` file, and tells what of it was left out.

    Raises:
        UserError: The file cannot be used.
    """
    from loopwright.secrets import load_env_file

    if left_out := load_env_file(path):
        names = ", ".join(left_out)
        what = "where code, keys or traffic go, or what they cost"
        tell(f"note: {path} may not set {names}: an `.env` file decides nothing on {what}")


def tell(text: str) -> None:
    """Writes text to stderr, made harmless for terminals: all that a verb says beside its result."""
    click.echo(printable_lines(text), err=True)


def write_file(path: Path, content: str | bytes) -> None:
    """Writes a file that the user named, and its folder.

    Raises:
        UserError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", remedy="Name another place for it.") from None


def write_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = (), spare: Sequence[str] = ()
) -> None:
    """Writes a table to stdout; where it does not fit, fewer columns, or one block of lines per row.

    Args:
        columns: Headings.
        rows: Cells as plain text.
        right: Headings of the columns that are set right.
        spare: Headings of the columns that may be left out, the least important first.
    """
    from loopwright.report import fit_table

    here = console()
    safe = [[printable_lines(cell) for cell in row] for row in rows]
    one_line = [[" ".join(cell.split("\n")) for cell in row] for row in safe]
    fitted = None if here.width < _NARROW else fit_table(columns, one_line, here.width, right=right, spare=spare)
    if fitted is None:
        for row in safe:
            write("\n".join(f"{name}: {cell}" for name, cell in zip(columns, row, strict=True) if cell) + "\n")
        return
    with here.capture() as captured:
        here.print(fitted.table)
    # Programs and logs that read tables do not want the blanks that fill the last column.
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
    if fitted.left_out:
        write(f"no room for: {', '.join(fitted.left_out)}")
