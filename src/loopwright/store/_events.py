"""Events: the lines of the record.

An event is an envelope with a typed payload. A line of a newer schema version is refused, one of an older version
is migrated when it is read.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from loopwright.errors import EpisodeSkipped
from loopwright.store._call_events import CallFinished, CallIntended
from loopwright.store._payload import Amount, Count, EventPayload, Opaque, check_spent
from loopwright.store._person_events import PersonAnswered, PersonAsked
from loopwright.store._session_events import BaselineFrozen, Mitigated, Routed
from loopwright.store._steering import RunSteered
from loopwright.types import (
    ArmUse,
    Candidate,
    ControlState,
    Critique,
    DriftAlarm,
    Failure,
    Idea,
    Message,
    Observation,
    Seed,
    Threshold,
    Usage,
    Value,
    ValueOptions,
    Verdict,
)

SCHEMA_VERSION = 2
"""Of the lines that are written. Raise it for a change that older versions cannot read."""


class RunStarted(EventPayload):
    """The run and everything that fixes its results."""

    type: Literal["run_started"] = "run_started"
    loopwright: str
    tasks: Mapping[str, str]
    """Task name to sha256 of its canonical form, data included."""
    variants: tuple[str, ...]
    episodes: Count
    """How many episodes are planned."""


class RunFinished(EventPayload):
    """The run ended; without this event it was interrupted."""

    type: Literal["run_finished"] = "run_finished"
    reason: Literal["completed", "interrupted", "budget", "failed"]


class RunResumed(EventPayload):
    """Another process goes on with an interrupted run."""

    type: Literal["run_resumed"] = "run_resumed"
    loopwright: str
    changed: Mapping[str, str] = {}
    """What the run rests on that is different now, such as `prompts/proposer.md`, to its new fingerprint."""
    repaired: str = ""
    """What was repaired in the record, as a crash leaves a torn line."""
    budget: Mapping[str, Amount] = Field(default={}, exclude_if=operator.not_)
    """Caps of the whole run that hold from now on, in place of what they were."""
    repeat_in_doubt: bool = False
    """Whether leave was given to repeat calls whose outcome a crash hid, where that is not safe."""


class EpisodeStarted(EventPayload):
    """One attempt at one instance begins."""

    type: Literal["episode_started"] = "episode_started"
    task: str
    instance: str
    variant: str
    """What differs between the configurations of the run: strategy and models."""
    strategy: str
    models: Mapping[str, str]
    """Role to `provider/model`."""
    repeat: Count
    seed: Seed | None = None
    goal: str
    value: ValueOptions | None = Field(default=None, exclude_if=lambda value: value is None)
    """What is maximised or minimised beside the score."""
    threshold: Threshold | None = Field(default=None, exclude_if=lambda threshold: threshold is None)
    """What is good enough, although not every check passes."""
    in_flight: int | None = Field(default=None, exclude_if=lambda size: size is None)
    """Candidates of a search that are in flight together: what is decided after one is of the one so many later."""


class SandboxOpened(EventPayload):
    """A sandbox is ready, with the proof of its hardening."""

    type: Literal["sandbox_opened"] = "sandbox_opened"
    sandbox: str
    purpose: Literal["environment", "verifier", "candidate"]
    provider: str
    image: str
    controls: tuple[ControlState, ...]
    seconds: Amount
    pooled: bool = False
    """Whether it was warm when it was asked for."""
    reason: str = ""
    """Why this provider was taken."""
    host: str = Field(default="", exclude_if=operator.not_)
    """The machine that it is on; empty for that of the run."""


class EpisodePrepared(EventPayload):
    """What the proposer worked out before the loop."""

    type: Literal["episode_prepared"] = "episode_prepared"
    fields: Mapping[str, Opaque]
    """Public fields beside those of the instance."""


class IdeaChosen(EventPayload):
    """What the next candidate of a search is to carry out."""

    type: Literal["idea_chosen"] = "idea_chosen"
    idea: Idea
    ideas: tuple[str, ...] = ()
    """Those that were proposed now, the most promising first; none where the idea is one of an earlier iteration's."""
    kept: int = Field(default=0, ge=0)
    """So many of those rank high enough to be tried; the others are tried by chance alone."""


class Proposed(EventPayload):
    """The proposer's candidate, or why there is none."""

    type: Literal["proposed"] = "proposed"
    parent: int | None = None
    candidate: Candidate | None = None
    digest: str = ""
    problem: str = ""
    made_by: ArmUse | None = Field(default=None, exclude_if=lambda use: use is None)
    """Who made it, where a search chooses among several, and what the calls took; also where there is no candidate."""
    message: Message | None = Field(default=None, exclude_if=lambda message: message is None)
    """The reply that called a tool, where the candidate is the call: the next request tells it again."""
    masked: tuple[str, ...] = Field((), exclude_if=operator.not_)
    """Names of the secrets in this candidate."""
    seal: str = Field("", exclude_if=operator.not_)
    """As the seal of a reply."""


class Observed(EventPayload):
    """What the environment answered to the candidate."""

    type: Literal["observed"] = "observed"
    observation: Observation
    seconds: Amount = 0.0


class Judged(EventPayload):
    """A verdict that the loop may act on."""

    type: Literal["judged"] = "judged"
    verdict: Verdict
    score: float
    passed: bool
    best: bool
    """Whether the candidate is the best so far."""
    confirmed_seconds: Amount = 0.0
    """Time that running the visible checks once more took."""


class Critiqued(EventPayload):
    """What the critic said."""

    type: Literal["critiqued"] = "critiqued"
    critic: str
    feedback: str
    decision: Literal["continue", "backtrack", "restart", "stop"]
    backtrack_to: int | None = None

    @property
    def critique(self) -> Critique:
        """The critique itself."""
        return Critique(feedback=self.feedback, decision=self.decision, backtrack_to=self.backtrack_to)


class Decided(EventPayload):
    """Where the loop goes."""

    type: Literal["decided"] = "decided"
    decision: Literal["continue", "backtrack", "restart", "stop"]
    rule: str
    """The stop rule or decision rule that fired."""
    why: str
    target: int | None = None
    """Iteration that the next candidate is made from; None after restart and stop."""


class Graded(EventPayload):
    """A verdict by the hidden checks; nothing in the loop acts on it."""

    type: Literal["graded"] = "graded"
    candidate_iteration: int
    verdict: Verdict
    score: float
    passed: bool
    answer: bool
    """Whether this candidate is the episode's answer."""


IDEMPOTENCE = "idempotence"
"""Node of an answer's refinement after the loop; that of its judge begins with this."""


class IdempotenceChecked(EventPayload):
    """An answer that passed was refined once more; nothing of that reaches the answer or the score."""

    type: Literal["idempotence_checked"] = "idempotence_checked"
    candidate: Candidate | None = None
    """What came of it."""
    verdict: Verdict = Verdict()
    """On that candidate, as on the answer: by the hidden checks where there are some."""
    passed: bool | None = None
    """Whether it still passes; None where that could not be found out."""
    problem: str = ""
    """Why there is no candidate, or no verdict."""
    seconds: Amount = 0.0
    """In the environment."""


def is_tried_again(status: str, error: str) -> bool:
    """Whether a resumed run works on an episode again that ended so; see `EpisodeFinished.tried_again`."""
    return status == "failed" and error != EpisodeSkipped.__name__


class EpisodeFinished(EventPayload):
    """The episode's outcome."""

    type: Literal["episode_finished"] = "episode_finished"
    status: Literal["scored", "failed"]
    """`failed` means that infrastructure failed: it is not a score."""
    score: float | None = None
    value: Value | None = Field(default=None, exclude_if=lambda value: value is None)
    """Of the answer, where the task maximises or minimises one."""
    passed: bool | None = None
    answer_iteration: int | None = None
    iterations: Count = 0
    rule: str = ""
    """The stop rule that ended the loop."""
    model_calls: Count = 0
    images: Count = Field(default=0, exclude_if=operator.not_)
    """Pictures that image models made."""
    cached_calls: Count = 0
    """Those of the calls that the response cache answered; nothing was paid for them."""
    usage: Usage = Usage()
    cost_usd: str | None = None
    """Decimal as text; None where a model, or a class of its tokens, has no price."""
    sandbox_seconds: Amount = 0.0
    """Time in which candidates and visible checks ran."""
    working_seconds: Amount = 0.0
    """Time of model calls and sandboxes, without waiting for rate limits and retries."""
    seconds: Amount = 0.0
    """Wall time of all processes that worked on the episode."""
    failure: Failure | None = None

    @model_validator(mode="after")
    def _spent_is_bounded(self) -> Self:
        check_spent(self.usage, self.cost_usd)
        return self

    @property
    def skipped(self) -> bool:
        """Whether somebody left the episode out."""
        return self.failure is not None and self.failure.error == EpisodeSkipped.__name__

    @property
    def tried_again(self) -> bool:
        """Whether a resumed run works on the episode again: infrastructure failed it, and nobody left it out."""
        return is_tried_again(self.status, self.failure.error if self.failure else "")


class Failed(EventPayload):
    """A failure, with its cause; whether it was retried is told by what follows."""

    type: Literal["failed"] = "failed"
    error: str
    """Class name in the tree of `loopwright.errors`."""
    cause: str
    message: str
    retried: bool
    attempt: Count = 0
    partial: str = ""
    """What had arrived of a model's reply; the first 20,000 characters."""
    usage: Usage | None = None
    """What the call counts, if something of a model's reply arrived: what its provider reports, else all that was
    reserved for it."""
    images: int = Field(default=0, ge=0, exclude_if=operator.not_)
    """Pictures that the call counts, in the same way."""
    cost_usd: str | None = None
    """What that costs at most, as decimal text; None without a price."""
    left_out: tuple[str, ...] = Field(default=(), exclude_if=operator.not_)
    """What the provider refuses, so that it is asked without: `tools`."""

    @model_validator(mode="after")
    def _spent_is_bounded(self) -> Self:
        check_spent(self.usage or Usage(), self.cost_usd)
        return self


Payload = Annotated[
    RunStarted
    | RunResumed
    | RunSteered
    | RunFinished
    | EpisodeStarted
    | SandboxOpened
    | EpisodePrepared
    | CallIntended
    | CallFinished
    | IdeaChosen
    | Proposed
    | Observed
    | Judged
    | PersonAsked
    | PersonAnswered
    | Critiqued
    | Decided
    | Graded
    | IdempotenceChecked
    | EpisodeFinished
    | Routed
    | BaselineFrozen
    | DriftAlarm
    | Mitigated
    | Failed,
    Field(discriminator="type"),
]


class Event(BaseModel):
    """One line of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int = Field(ge=0)
    """Position in the run, from 0 without gaps."""
    time: str
    """UTC, ISO 8601 with microseconds. May go backwards with the clock; `seq` does not."""
    episode: str | None = None
    iteration: int | None = Field(default=None, ge=0)
    node: str | None = None
    data: Payload

    @field_validator("time")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        time = datetime.fromisoformat(text)
        # Every reader can convert these into its own zone.
        if time.tzinfo is None or not 1 < time.year < 9999:
            raise ValueError("a time has a zone, and a year from 2 to 9998")
        return text
