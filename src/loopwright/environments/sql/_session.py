"""A database in a sandbox of its own, and the program in it that executes statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from loopwright.environments._dialogue import Dialogue, Silent
from loopwright.environments._types import EnvironmentSetup
from loopwright.environments.sql._outcome import Rows
from loopwright.errors import SandboxLost
from loopwright.sandbox import Sandbox
from loopwright.text import cut_middle

_SHOWN, _SHOWN_ROWS = 2000, 50
_GRACE = 5.0
_PATIENCE = 150.0
"""Seconds that a server may take to start, to recover or to be packed."""
_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement came to."""

    rows: Rows | None
    """None for an error and for statements without rows."""
    text: str
    failed: bool = False
    unanswered: bool = False
    """Whether it failed for want of time or memory, or of a server, and not by what it says."""
    more: bool = False
    """Whether there were further rows, which were left out."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of `_guest` that serves a database."""

    name: str
    file: str
    """The database as it is given to it, in its working folder."""
    saved: str
    """The database as it saves it, in the same form."""


SQLITE = Program("database", "database.sqlite", "saved.sqlite")
MARIADB = Program("mariadb", "database.tar.gz", "saved.tar.gz")


class Session:
    """A database in a sandbox, and the program that executes statements on it."""

    def __init__(self, sandbox: Sandbox, program: Program, database: str) -> None:
        self._sandbox = sandbox
        self._program = program
        self._database = database
        self._dialogue: Dialogue | None = None
        self.version = ""
        """The engine's version."""

    @classmethod
    async def open(cls, setup: EnvironmentSetup, program: Program, base: bytes, database: str) -> Session:
        """Opens a sandbox with a copy of a database.

        Raises:
            SandboxError: There is no sandbox, or the database cannot be served in it.
        """
        sandbox = await setup.provider.open(setup.spec)
        try:
            await sandbox.write(program.file, base, mode=0o600)
            session = cls(sandbox, program, database)
            if failure := await session._begin():
                raise SandboxLost(f"the database cannot be served: {failure}")
            return session
        except BaseException:
            await sandbox.close()
            raise

    async def execute(self, statement: str, *, rows: int, seconds: float) -> Answer:
        """Executes a statement; what goes wrong with it is an answer.

        Args:
            statement: One statement.
            rows: How many rows to keep at most.
            seconds: How long it may take.

        Raises:
            SandboxLost: The sandbox is gone.
        """
        if self._dialogue is None and (failure := await self._begin()):
            return replace(_error(failure), unanswered=True)
        assert self._dialogue is not None
        question = {"order": "run", "sql": statement, "rows": rows, "seconds": seconds}
        try:
            answer = await self._dialogue.ask(question, timeout=seconds + _GRACE)
        except Silent as silence:
            # A statement that nothing inside can stop; the database stays, the session begins anew.
            self._dialogue = None
            return replace(_error(f"the statement was not executed to its end: {silence}"), unanswered=True)
        if said := answer.get("error") or answer.get("failed"):
            return replace(_error(said), unanswered="error" not in answer)
        if answer["rows"] is None:
            return Answer(None, f"(no rows; {max(0, answer['changed'])} changed)")
        found = [tuple(_value(value) for value in row) for row in answer["rows"]]
        return Answer(found, _shown(found, more=answer["more"]), more=answer["more"])

    async def save(self) -> bytes:
        """The database as it is; the session goes on.

        Raises:
            SandboxLost: The sandbox is gone, or the database cannot be read any more.
        """
        if self._dialogue is None and (failure := await self._begin()):
            raise SandboxLost(f"the database cannot be saved: {failure}")
        assert self._dialogue is not None
        try:
            answer = await self._dialogue.ask({"order": "save"}, timeout=_PATIENCE)
        except Silent as silence:
            answer = {"failed": str(silence)}
        if answer.get("failed"):
            raise SandboxLost(f"the database cannot be saved: {answer['failed']}")
        return await self._sandbox.read(self._program.saved, limit=_LARGEST)

    async def close(self) -> None:
        """Ends the sandbox."""
        await self._sandbox.close()

    async def _begin(self) -> str:
        """Starts the program; says what is wrong where it cannot serve the database."""
        dialogue = await Dialogue.start(self._sandbox, self._program.name)
        try:
            answer = await dialogue.ask({"order": "start", "database": self._database}, timeout=_PATIENCE)
        except Silent as silence:
            return str(silence)
        if "failed" in answer:
            return str(answer["failed"])
        self._dialogue, self.version = dialogue, answer["version"]
        return ""


def _error(message: object) -> Answer:
    return Answer(None, f"Error executing query: {message}", failed=True)


def _time(text: str) -> timedelta:
    hours, minutes, seconds = text.removeprefix("-").split(":")
    amount = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return -amount if text.startswith("-") else amount


_TYPES: Mapping[str, Callable[[str], Any]] = {
    "bytes": bytes.fromhex,
    "decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": _time,
}


def _value(value: Any) -> Any:
    """A value as the published clients gave it; a date that no calendar has is left a text."""
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    try:
        return _TYPES[kind](text)
    except ValueError:
        return text


def _shown(rows: Rows, *, more: bool) -> str:
    text = cut_middle(str(list(rows[:_SHOWN_ROWS])), _SHOWN)
    left = len(rows) - _SHOWN_ROWS
    if left <= 0:
        return f"{text}\n[and further rows, which were left out]" if more else text
    return f"{text}\n[{'more than ' if more else ''}{left} further rows]"
