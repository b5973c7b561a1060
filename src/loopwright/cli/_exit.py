"""Exit codes, and errors as they are told to the user."""

from __future__ import annotations

import io
import json
import os
from enum import IntEnum
from typing import IO, Any, Self

import click

from loopwright.errors import FolderTaken, Interrupted, LoopwrightError, UserError
from loopwright.text import printable_json, printable_lines


class ExitCode(IntEnum):
    """How a verb ended."""

    PASSED = 0
    BELOW = 1
    USAGE = 2
    INFRASTRUCTURE = 3
    INTERRUPTED = 130


def exit_code(error: BaseException) -> ExitCode:
    """The exit code of a failure."""
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    return ExitCode.USAGE if isinstance(error, UserError | FolderTaken) else ExitCode.INFRASTRUCTURE


def as_dict(error: LoopwrightError) -> dict[str, object]:
    """A failure as plain data, the same wherever `--json` tells one; without secrets."""
    from loopwright.secrets import scrub

    return {
        "error": type(error).__name__,
        "message": scrub(str(error.args[0])),
        "remedy": scrub(error.remedy),
        "exit_code": int(exit_code(error)),
    }


class CliError(click.ClickException):
    """A failure on its way to stderr: what, where, and what to do about it."""

    exit_code: int  # type: ignore[misc]  # click declares a class variable and reads the instance

    def __init__(self, told: dict[str, object], *, as_json: bool) -> None:
        super().__init__(str(told["message"]))
        self.told = told
        self.as_json = as_json
        self.exit_code = int(str(told["exit_code"]))

    @classmethod
    def of(cls, error: BaseException, *, as_json: bool) -> Self:
        """Tells a failure of the tree in `loopwright.errors`, or Ctrl-C."""
        known = error if isinstance(error, LoopwrightError) else Interrupted("stopped")
        return cls(as_dict(known), as_json=as_json)

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes it to stderr."""
        if self.as_json:
            click.echo(printable_json(json.dumps(self.told, ensure_ascii=False)), err=True)
            return
        # click strips colours where there is no terminal, but knows nothing of NO_COLOR.
        label = "error:" if os.environ.get("NO_COLOR") else click.style("error:", fg="red", bold=True)
        click.echo(f"{label} {_hanging(self.message)}", err=True)
        if self.told["remedy"]:
            click.echo(f"  {_hanging(str(self.told['remedy']))}", err=True)


class HarmlessError(click.ClickException):
    """A mistake in arguments as the command-line library tells it, which repeats them: made harmless for terminals."""

    exit_code: int  # type: ignore[misc]  # click declares a class variable and reads the instance

    def __init__(self, error: click.ClickException) -> None:
        super().__init__(error.message)
        self.exit_code = error.exit_code
        self._error = error

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes it to stderr."""
        told = io.StringIO()
        self._error.show(told)
        usage, mark, message = told.getvalue().partition("Error: ")
        click.echo(f"{printable_lines(usage)}{mark}{_hanging(message.rstrip())}", err=True, nl=bool(mark))


def usage_error(error: click.ClickException, *, as_json: bool) -> click.ClickException:
    """A mistake in arguments, as it is told."""
    if not as_json:
        return HarmlessError(error)
    from loopwright.secrets import scrub

    ctx = getattr(error, "ctx", None)
    told = {
        "error": click.UsageError.__name__,
        "message": scrub(error.format_message()),
        "remedy": f"Read `{ctx.command_path if ctx else 'loopwright'} --help`.",
        "exit_code": error.exit_code,
    }
    return CliError(told, as_json=True)


def _hanging(text: str) -> str:
    """Text made harmless, whose further lines are indented: none of them passes for a line of the verb's own."""
    return printable_lines(text).replace("\n", "\n  ")
