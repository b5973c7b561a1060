"""What environments share whose actions change a state: skipping, submitting, and the best verdict of each answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from loopwright.environments._actions import action_of, submission
from loopwright.environments._scores import Outcome, Scores, score_outcome
from loopwright.environments._types import EnvironmentSetup, ReplyForm, ScoredFields, read_fields
from loopwright.task import Instance
from loopwright.types import Candidate, Observation, Verdict


class _Closes(Protocol):
    async def close(self) -> None: ...


_Session = TypeVar("_Session", bound=_Closes)
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class StatefulEnvironment(ABC, Generic[_Session]):
    """One episode in a session whose state the actions change; `submit` grades the state as it is then.

    `reset` of a subclass closes the old session, opens `_session` and calls `_begin`.
    """

    text_card = "actor"

    @staticmethod
    def reply_form(*, acts: bool) -> ReplyForm:
        """See `ExpectsReply`."""
        return ReplyForm("text", "actor")

    _language: ClassVar[str] = ""
    """Of code blocks that name none."""
    _fields: ScoredFields
    """The instance's public fields."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self._setup = setup
        self._session: _Session | None = None
        self._begin()

    async def step(self, action: Candidate) -> Observation:
        """Executes an action; `skip` gives up.

        Raises:
            SandboxError: The sandbox was lost.
        """
        session, command = self._started(), self._read(action.text)
        self._steps += 1
        if command == "skip":
            self._skip()
            return Observation(text="skipped", done=True)
        return await self._act(session, command)

    async def submit(self, answer: Candidate) -> Verdict:
        """Scores the present state; returns the best verdict that this answer was given in the episode.

        An answer that comes before any step is executed first.

        Raises:
            TaskError: The task has nothing to compare with.
            VerifierError: The tests cannot be run.
            SandboxError: A sandbox failed.
        """
        if not self._steps and answer.text:
            await self.step(answer)
        verdict = (await self.scores()).verdict(self._fields.rules[0])
        known = self._verdicts.get(answer.digest)
        self._verdicts[answer.digest] = known if known and known.score >= verdict.score else verdict
        return self._verdicts[answer.digest]

    async def scores(self) -> Scores:
        """The present state by every rule that the task names, and by `exact`.

        Raises:
            TaskError: The task has nothing to compare with.
            VerifierError: The tests cannot be run, or a rule fails.
            SandboxError: A sandbox failed.
        """
        return await score_outcome(
            self._outcome(), self._fields.rules, self._setup.score_rule, legacy=self._fields.legacy
        )

    @abstractmethod
    async def _outcome(self) -> Outcome:
        """What the episode came to.

        Raises:
            NothingToScore: Whatever came of it is no answer.
            TaskError: The task has nothing to compare with.
            SandboxError: A sandbox failed.
        """

    async def close(self) -> None:
        """Ends the session; harmless when called twice."""
        session, self._session = self._session, None
        if session is not None:
            await self._end(session)

    @staticmethod
    def score_rules(instance: Instance) -> Sequence[str]:
        """Names of the score rules that an instance wants.

        Raises:
            TaskError: They are no names.
        """
        fields = {"scoring": instance.public["scoring"]} if "scoring" in instance.public else {}
        return read_fields(ScoredFields, fields, "environment").rules

    @abstractmethod
    async def _act(self, session: _Session, command: str) -> Observation:
        """Executes a command other than `skip`."""

    def _read(self, reply: str) -> str:
        """The command in a reply."""
        return action_of(reply, self._language)

    def _submits(self, command: str) -> bool:
        """Whether a command ends the episode; published code looks at how it begins."""
        return command.startswith("submit") if self._fields.legacy else submission(command) == ""

    def _skip(self) -> None:
        self._skipped = True

    async def _end(self, session: _Session) -> None:
        await session.close()

    def _begin(self) -> None:
        self._steps = 0
        self._skipped = False
        self._verdicts: dict[str, Verdict] = {}

    def _started(self) -> _Session:
        if self._session is None:
            raise RuntimeError("reset() comes before anything else")
        return self._session


class GoldCache(dict[_Key, _Value]):
    """What gold answers came to, so that they are not executed again; the oldest entries go first."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self._kept = kept

    def __setitem__(self, key: _Key, value: _Value) -> None:
        super().__setitem__(key, value)
        while len(self) > self._kept:
            del self[next(iter(self))]
