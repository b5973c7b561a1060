"""The `sql` environment: an action is a statement; what counts are the rows of the last query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

from pydantic import Field

from loopwright.environments._scores import NothingToScore
from loopwright.environments._stateful import GoldCache, StatefulEnvironment
from loopwright.environments._types import EnvironmentSetup, Fields, ScoredFields, read_fields
from loopwright.environments.sql._engines import PROGRAMS, Engine, mariadb_base, sqlite_base, statements_of
from loopwright.environments.sql._outcome import QueryOutcome
from loopwright.environments.sql._session import Answer, Session
from loopwright.errors import SandboxLost, TaskError, VerifierError
from loopwright.task import Instance
from loopwright.types import Observation


class SqlFields(ScoredFields):
    """Public fields of an instance."""

    kind: Literal["sql"] = "sql"
    """What prompts go by."""
    engine: Engine = "sqlite"
    """What executes statements: SQLite, which is always there, or a MariaDB server, which sandboxes must have."""
    dump: str | None = None
    """A dump of MySQL databases; for SQLite it is converted."""
    database: str = ""
    """Which database of the dump."""
    script: str = ""
    """The engine's statements that make the database, instead of a dump or after it."""
    tables: Mapping[str, Sequence[str]] = {}
    """Table to its columns, where the model is to be told."""
    timeout: float = Field(default=10.0, gt=0, le=604_800)
    """Seconds for one statement."""
    rows: int = Field(default=20_000, gt=0)
    """Rows of a query at most; the rest is left out."""


class SqlHidden(Fields):
    """Hidden fields of an instance."""

    gold: str
    """The query whose rows are the right answer; it runs on a database of its own."""
    refused: bool = False
    """Whether MySQL refuses the gold query, so that the published code expects no rows."""


_GOLDS: GoldCache[tuple[str, str, int], Answer] = GoldCache(4096)
"""Answers of gold queries by database, query and number of rows: a fresh database always gives the same."""


class SqlEnvironment(StatefulEnvironment[Session]):
    """Runs one statement after the other on a copy of a database in a sandbox, and the gold query on another copy.

    `submit` ends the episode with the rows of the last statement, `skip` gives up.
    """

    _language = "sql"

    def __init__(self, setup: EnvironmentSetup) -> None:
        super().__init__(setup)
        self._fields: SqlFields = SqlFields()
        self._hidden: SqlHidden | None = None
        self._base = b""
        self._last = Answer(None, "")

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: What `reset` would raise.
        """
        fields = read_fields(SqlFields, instance.public, "environment")
        make = sqlite_base if fields.engine == "sqlite" else statements_of
        make(fields.dump, fields.database, fields.script)
        read_fields(SqlHidden, instance.hidden, "environment.hidden")

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode on a fresh copy of the database.

        Raises:
            TaskError: A field is unknown or cannot be used.
            SandboxError: There is no sandbox.
        """
        await self.close()
        self._fields = read_fields(SqlFields, instance.public, "environment")
        self._hidden = read_fields(SqlHidden, instance.hidden, "environment.hidden") if instance.hidden else None
        self._base = await self._made()
        self._session = await self._opened(self._base)
        self._last = Answer(None, "")
        self._begin()
        if self._fields.engine == "mariadb":
            return Observation(text=f"MariaDB {self._session.version}")
        return Observation(text="SQLite; SHOW TABLES and DESCRIBE are understood.")

    async def _act(self, session: Session, command: str) -> Observation:
        if self._submits(command):
            return Observation(text=self._last.text, done=True)
        self._last = await self._executed(session, command)
        return Observation(text=self._last.text)

    async def _outcome(self) -> QueryOutcome:
        session = self._started()
        if self._hidden is None:
            raise TaskError("environment.hidden.gold: the task has no gold query")
        if self._skipped:
            raise NothingToScore(skipped=True)
        query, fields = self._hidden.gold, self._fields
        gold = await self._gold(query)
        if gold.more and not fields.legacy:
            raise VerifierError(
                f"the gold query gives more rows than are compared ({fields.rows:,}, or 7 MiB of them): no answer "
                "can match it",
                remedy="Raise `environment.rows`, or let the gold query give fewer rows.",
            )
        failed = gold.failed or (fields.legacy and self._hidden.refused)
        whole = not (self._last.more or gold.more)
        return QueryOutcome(self._last.rows, gold.rows, query, failed, fields.engine, session.version, whole)

    async def _gold(self, query: str) -> Answer:
        key = (sha256(self._base).hexdigest(), query, self._fields.rows)
        if key not in _GOLDS:
            session = await self._opened(self._base)
            try:
                answer = await self._executed(session, query)
            finally:
                await session.close()
            if answer.unanswered:
                raise SandboxLost(f"the gold query was not executed: {answer.text}")
            _GOLDS[key] = answer
        return _GOLDS[key]

    async def snapshot(self) -> str:
        """Stores the database and returns its reference; what a transaction left open is not in it on MariaDB.

        Raises:
            SandboxLost: The sandbox is gone, or the database cannot be read any more.
        """
        return self._setup.put(await self._started().save())

    async def restore(self, snapshot: str) -> None:
        """Goes on with a stored database, in a new session."""
        old, self._session = self._session, await self._opened(self._setup.get(snapshot))
        if old is not None:
            await old.close()

    async def _made(self) -> bytes:
        fields = self._fields
        if fields.engine == "sqlite":
            return sqlite_base(fields.dump, fields.database, fields.script)
        statements = statements_of(fields.dump, fields.database, fields.script)
        return await mariadb_base(self._setup, fields.database or "task", statements)

    async def _opened(self, base: bytes) -> Session:
        program = PROGRAMS[self._fields.engine]
        return await Session.open(self._setup, program, base, self._fields.database or "task")

    async def _executed(self, session: Session, statement: str) -> Answer:
        return await session.execute(statement, rows=self._fields.rows, seconds=self._fields.timeout)
