"""The `sql` environment: an action is a statement; what counts are the rows of the last query."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from loopwright.candidate import Candidate
from loopwright.environments._actions import action_of, cut
from loopwright.environments._dialogue import Dialogue, Silent
from loopwright.environments._dump import load_dump, load_script
from loopwright.environments._fields import Fields, read_fields
from loopwright.environments._row_reward import Rows, score_rows
from loopwright.environments._scores import Rule, Scores
from loopwright.environments._types import EnvironmentSetup, Observation
from loopwright.errors import TaskError
from loopwright.sandbox import Sandbox
from loopwright.task import Instance
from loopwright.verify import Verdict

_SHOWN, _SHOWN_ROWS = 2000, 50
_FILE = "database.sqlite"
_GRACE = 5.0
_KEPT = 4096


class SqlFields(Fields):
    """Public fields of an instance."""

    kind: Literal["sql"] = "sql"
    """What prompts go by."""
    dump: str | None = None
    """A dump of MySQL databases, which is converted to SQLite."""
    database: str = ""
    """Which database of the dump."""
    script: str = ""
    """SQLite statements that make the database, instead of a dump or after it."""
    tables: Mapping[str, Sequence[str]] = {}
    """Table to its columns, where the model is to be told."""
    timeout: float = 10.0
    """Seconds for one statement."""
    rows: int = 20_000
    """Rows of a query at most; the rest is left out."""
    scoring: Rule = "exact"
    """The rule that decides; the record holds the scores by both."""
    legacy: bool = False
    """Whether an action that only begins with `submit` submits, and gold queries that MySQL refuses expect no rows, as
    published."""


class SqlHidden(Fields):
    """Hidden fields of an instance."""

    gold: str
    """The query whose rows are the right answer; it runs on a database of its own."""
    refused: bool = False
    """Whether MySQL refuses the gold query, so that the published code expects no rows."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a statement came to."""

    rows: Rows | None
    """None for an error and for statements without rows."""
    text: str
    failed: bool = False


_GOLDS: OrderedDict[tuple[str, str], _Answer] = OrderedDict()
"""Answers of gold queries by database and query: a fresh database always gives the same."""


class SqlEnvironment:
    """Runs one statement after the other on a copy of a database in a sandbox, and the gold query on another copy.

    `submit` ends the episode with the rows of the last statement, `skip` gives up.
    """

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._fields = SqlFields()
        self._hidden: SqlHidden | None = None
        self._base = b""
        self._session: _Session | None = None
        self._last = _Answer(None, "")
        self._steps = 0
        self._skipped = False
        self._verdicts: dict[str, Verdict] = {}

    @staticmethod
    def check(instance: Instance) -> None:
        """Looks at an instance without starting anything.

        Raises:
            TaskError: What `reset` would raise.
        """
        _base_of(read_fields(SqlFields, instance.public, "environment"))
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
        self._base = _base_of(self._fields)
        self._session = await _Session.open(self._setup, self._base)
        self._last = _Answer(None, "")
        self._steps, self._skipped, self._verdicts = 0, False, {}
        return Observation(text="SQLite; SHOW TABLES and DESCRIBE are understood.")

    async def step(self, action: Candidate) -> Observation:
        """Runs a statement.

        Raises:
            SandboxError: The sandbox was lost.
        """
        session = self._started()
        statement = action_of(action.text)
        self._steps += 1
        if statement == "skip":
            self._skipped = True
            return Observation(text="skipped", done=True)
        if statement.startswith("submit") if self._fields.legacy else statement == "submit":
            return Observation(text=self._last.text, done=True)
        self._last = await session.execute(statement, self._fields)
        return Observation(text=self._last.text)

    async def submit(self, answer: Candidate) -> Verdict:
        """Scores the rows of the last statement; the best that this action was given before, if it was.

        Raises:
            TaskError: There is no gold query.
            SandboxError: A sandbox failed.
        """
        if not self._steps and answer.text:
            await self.step(answer)
        verdict = (await self.scores()).verdict(self._fields.scoring)
        known = self._verdicts.get(answer.digest)
        self._verdicts[answer.digest] = known if known and known.score >= verdict.score else verdict
        return self._verdicts[answer.digest]

    async def scores(self) -> Scores:
        """The last rows by both rules.

        Raises:
            TaskError: There is no gold query.
            SandboxError: A sandbox failed.
        """
        self._started()
        if self._hidden is None:
            raise TaskError("environment.hidden.gold: the task has no gold query")
        if self._skipped:
            return Scores(intercode=0, exact=0, parts={"skipped": True})
        gold = await self._gold(self._hidden.gold)
        failed = gold.failed or (self._fields.legacy and self._hidden.refused)
        scores = score_rows(self._last.rows, gold.rows, self._hidden.gold, gold_failed=failed)
        return scores.model_copy(update={"legacy": self._fields.legacy, "parts": {**scores.parts, "dialect": "sqlite"}})

    async def _gold(self, query: str) -> _Answer:
        key = (sha256(self._base).hexdigest(), query)
        if key not in _GOLDS:
            session = await _Session.open(self._setup, self._base)
            try:
                _GOLDS[key] = await session.execute(query, self._fields)
            finally:
                await session.close()
            while len(_GOLDS) > _KEPT:
                _GOLDS.popitem(last=False)
        return _GOLDS[key]

    async def snapshot(self) -> str:
        """Stores the database and returns its reference."""
        return self._setup.put(await self._started().read())

    async def restore(self, snapshot: str) -> None:
        """Goes on with a stored database, in a new session."""
        old, self._session = self._session, await _Session.open(self._setup, self._setup.get(snapshot))
        if old is not None:
            await old.close()

    async def close(self) -> None:
        """Ends the session; harmless when called twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _started(self) -> _Session:
        if self._session is None:
            raise RuntimeError("reset() comes before anything else")
        return self._session


class _Session:
    """A database in a sandbox, and the program that executes statements on it."""

    def __init__(self, sandbox: Sandbox, dialogue: Dialogue) -> None:
        self._sandbox = sandbox
        self._dialogue = dialogue

    @classmethod
    async def open(cls, setup: EnvironmentSetup, database: bytes) -> _Session:
        """Opens a sandbox with a copy of the database."""
        sandbox = await setup.provider.open(setup.spec)
        try:
            await sandbox.write(_FILE, database, mode=0o600)
            return cls(sandbox, await Dialogue.start(sandbox, "database", [f"{sandbox.workdir}/{_FILE}"]))
        except BaseException:
            await sandbox.close()
            raise

    async def execute(self, statement: str, fields: SqlFields) -> _Answer:
        """Executes a statement; what goes wrong with it is an answer."""
        question = {"sql": statement, "rows": fields.rows, "seconds": fields.timeout}
        try:
            answer = await self._dialogue.ask(question, timeout=fields.timeout + _GRACE)
        except Silent as silence:
            # A statement that no progress handler can stop; the database stays, the session begins anew.
            self._dialogue = await Dialogue.start(self._sandbox, "database", [f"{self._sandbox.workdir}/{_FILE}"])
            return _Answer(None, f"Error executing query: the statement timed out ({silence})", failed=True)
        if "error" in answer:
            return _Answer(None, f"Error executing query: {answer['error']}", failed=True)
        if answer["rows"] is None:
            return _Answer(None, f"(no rows; {max(0, answer['changed'])} changed)")
        rows = [tuple(_value(value) for value in row) for row in answer["rows"]]
        return _Answer(rows, _shown(rows, more=answer["more"]))

    async def read(self) -> bytes:
        """The database's file as it is."""
        return await self._sandbox.read(_FILE, limit=256 * 1024 * 1024)

    async def close(self) -> None:
        """Ends the sandbox."""
        await self._sandbox.close()


def _base_of(fields: SqlFields) -> bytes:
    if fields.dump is None:
        return load_script(fields.script)
    databases = load_dump(fields.dump)
    if fields.database not in databases:
        known = ", ".join(sorted(databases))
        raise TaskError(f"environment.database: the dump has no {fields.database!r}", remedy=f"It has: {known}.")
    return load_script(fields.script, databases[fields.database]) if fields.script else databases[fields.database]


def _value(value: Any) -> Any:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def _shown(rows: Rows, *, more: bool) -> str:
    text = cut(str(list(rows[:_SHOWN_ROWS])), _SHOWN)
    left = len(rows) - _SHOWN_ROWS
    return f"{text}\n[{'more than ' if more else ''}{left} further rows]" if left > 0 else text
