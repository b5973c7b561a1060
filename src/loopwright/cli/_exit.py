"""Exit codes, and errors as they are told to the user."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import IO, Any, Self

import click

from loopwright.errors import Interrupted, LoopwrightError, UserError


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
    return ExitCode.USAGE if isinstance(error, UserError) else ExitCode.INFRASTRUCTURE


class Told(click.ClickException):
    """A failure on its way to stderr: what, where, and what to do about it."""

    exit_code: int  # type: ignore[misc]  # click declares a class variable and reads the instance

    def __init__(self, message: str, *, code: ExitCode, remedy: str = "", error: str = "", as_json: bool) -> None:
        super().__init__(message)
        self.exit_code = int(code)
        self.remedy = remedy
        self.error = error
        self.as_json = as_json

    @classmethod
    def of(cls, error: BaseException, *, as_json: bool) -> Self:
        """Tells a failure of the tree in `loopwright.errors`, or Ctrl-C."""
        if not isinstance(error, LoopwrightError):
            return cls("stopped", code=exit_code(error), error="Interrupted", as_json=as_json)
        return cls(
            str(error.args[0]),
            code=exit_code(error),
            remedy=error.remedy,
            error=type(error).__name__,
            as_json=as_json,
        )

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes it to stderr."""
        if self.as_json:
            told = {"error": self.error, "message": self.message, "remedy": self.remedy, "exit_code": self.exit_code}
            click.echo(json.dumps(told, ensure_ascii=False), err=True)
            return
        click.echo(f"{click.style('error:', fg='red', bold=True)} {self.message}", err=True)
        if self.remedy:
            click.echo(f"  {self.remedy}", err=True)
