"""The environment contract: where candidates are executed, and the fields of instances that an environment reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.environments._scores import ScoreRule, find_score_rule
from loopwright.errors import TaskError, UnknownField
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.types import Candidate, Observation, PlainNumbers, Verdict


@runtime_checkable
class Environment(Protocol):
    """A place where one episode happens: gym-like, one instance at a time, never shared."""

    async def reset(self, instance: Instance) -> Observation:
        """Starts an episode at the instance's initial state.

        Raises:
            TaskError: The instance lacks what this environment needs.
            SandboxError: No sandbox, or it was lost.
        """
        ...

    async def step(self, action: Candidate) -> Observation:
        """Executes a candidate and runs the visible checks.

        Raises:
            SandboxError: The sandbox was lost. Whatever the candidate itself does is an observation.
        """
        ...

    async def submit(self, answer: Candidate) -> Verdict:
        """Grades an answer with the hidden checks, out of reach of anything the candidate did before.

        Raises:
            VerifierError: The grader failed; this says nothing about the answer.
            SandboxError: Its sandbox failed.
        """
        ...

    async def close(self) -> None:
        """Ends the episode's sandboxes; harmless when called twice."""
        ...


@runtime_checkable
class Snapshots(Protocol):
    """Optional: an environment whose state can be stored and gone back to."""

    async def snapshot(self) -> str:
        """Stores the present state and returns its artifact reference."""
        ...

    async def restore(self, snapshot: str) -> None:
        """Goes back to a stored state."""
        ...


@runtime_checkable
class HasMachine(Protocol):
    """Optional, of an environment: programs may run beside its actions, on the same files."""

    async def machine(self) -> tuple[Sandbox, str]:
        """The sandbox in which actions are executed, and the folder in which the first one starts.

        Raises:
            TaskError: It cannot be made ready.
            SandboxError: There is no sandbox, or it was lost.
        """
        ...


@runtime_checkable
class Workplace(Protocol):
    """A sandbox with the files of an instance, in which a program works until it is done."""

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox."""
        ...

    @property
    def folder(self) -> str:
        """Where the files are."""
        ...

    async def candidate(self) -> Candidate | None:
        """The files as they are now; None where nothing differs from how the program found them.

        Raises:
            ValueError: There is more than one should be asked to look at.
            SandboxLost: The sandbox is gone.
        """
        ...

    async def close(self) -> None:
        """Ends the sandbox; harmless when called twice."""
        ...


@runtime_checkable
class OpensWorkplaces(Protocol):
    """Optional, of an environment: programs can work on their own on the files of an instance."""

    async def workplace(self, start: Candidate | None) -> Workplace:
        """Opens a sandbox with the files of the instance, as a candidate left them; None for as they were at first.

        Raises:
            TaskError: The files do not fit, or cannot be made ready.
            SandboxError: There is no sandbox, or it was lost.
        """
        ...


@runtime_checkable
class ExecutesTogether(Protocol):
    """Optional: an environment whose `step` may be called again before an earlier call returned."""

    @property
    def places(self) -> int:
        """How many candidates are executed at the same time, at most, in all episodes of a run together."""
        ...


@runtime_checkable
class ChecksInstances(Protocol):
    """Optional, of what makes environments: it can tell before a run that an instance cannot be used."""

    def check(self, instance: Instance) -> None:
        """Checks the instance's fields, without a sandbox.

        Raises:
            TaskError: A field is missing, unknown or cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What a loop can go by where an instance has no visible check."""

    left: str = ""
    """What can still be told of a candidate, and what that leads to; empty for nothing."""
    remedy: str = ""
    """What to write so that there is a check; empty where only a verifier helps."""


@runtime_checkable
class KnowsVisibleChecks(Protocol):
    """Optional, of what makes environments: it knows before a run that an instance has no visible check."""

    def unchecked(self, instance: Instance) -> Unchecked | None:
        """What a loop can go by instead; None where there is a visible check."""
        ...


@runtime_checkable
class KnowsSolution(Protocol):
    """Optional, of what makes environments: it finds the solution that an instance has, for `validate --solutions`."""

    def solution(self, instance: Instance) -> Candidate | None:
        """A candidate that is right; None where the instance has none."""
        ...


@runtime_checkable
class TakesText(Protocol):
    """Optional, of what makes environments: a candidate is a text, and no files."""

    @property
    def text_card(self) -> str:
        """The shipped card that replies with such texts."""
        ...


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """What an environment takes from a proposer that is a card."""

    reply: Literal["files", "text"]
    """As a card names it."""
    agent: str
    """A shipped agent that answers so."""


@runtime_checkable
class ExpectsReply(Protocol):
    """Optional, of what makes environments: it says how cards must reply, so that others are refused before a run."""

    def reply_form(self, *, acts: bool) -> ReplyForm:
        """The form that it takes, and an agent that replies so.

        Args:
            acts: Whether the strategy asks for one action at a time.
        """
        ...


@runtime_checkable
class NamesScoreRules(Protocol):
    """Optional, of what makes environments: it tells before a run which score rules an instance names."""

    def score_rules(self, instance: Instance) -> Sequence[str]:
        """The names, as the instance gives them."""
        ...


@dataclass(frozen=True, slots=True)
class EnvironmentSetup:
    """What an environment is made with; an environment's class takes it as its only argument."""

    provider: SandboxProvider
    spec: SandboxSpec
    """The sandbox that the task asks for."""
    put: Callable[[bytes], str]
    """Stores bytes and returns their artifact reference: for snapshots."""
    get: Callable[[str], bytes]
    """Returns the bytes of an artifact reference."""
    score_rule: Callable[[str], ScoreRule] = find_score_rule
    """Finds a score rule by the name that the task gives."""


class Fields(PlainNumbers):
    """Base of an environment's own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoringFields(Fields):
    """Base of the public fields of an environment whose outcomes are scored by rules."""

    scoring: str | Annotated[tuple[str, ...], Field(min_length=1)] = "exact"
    """The rule that decides; of a list the first decides, and the record holds the scores by all. `exact` is always
    recorded."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The names in `scoring`, the one that decides first."""
        return (self.scoring,) if isinstance(self.scoring, str) else self.scoring


class ScoredFields(ScoringFields):
    """The same where there is published code to compare with."""

    legacy: bool = False
    """Whether the defects of the published code are kept."""


_Model = TypeVar("_Model", bound=BaseModel)


def read_fields(model: type[_Model], values: Mapping[str, Any], section: str) -> _Model:
    """Reads a section of an instance.

    Raises:
        TaskError: A field is unknown, missing or cannot be used.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join([section, *map(str, problem["loc"])])
        remedy = f"Fields: {', '.join(model.model_fields)}."
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            message = f"{place}: the environment has no such field"
            hidden = section.endswith(".hidden")
            raise UnknownField(message, field=str(problem["loc"][0]), hidden=hidden, remedy=remedy) from None
        raise TaskError(f"{place}: {problem['msg']}", remedy=remedy) from None
