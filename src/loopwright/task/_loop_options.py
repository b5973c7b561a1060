"""The section `loop`: the strategy, and when it stops."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from loopwright.task._section import Section
from loopwright.types import Threshold, ValueOptions, ValueThreshold, Verdict, good_enough


class PilotOptions(Section):
    """What refining did in an earlier run, as its report tells."""

    accuracy: float = Field(ge=0, le=1)
    """Share of answers that are right before an iteration."""
    correction: float = Field(ge=0, le=1)
    """Share of wrong answers that an iteration makes right."""
    injection: float = Field(ge=0, le=1)
    """Share of right answers that an iteration makes wrong."""


class IdeaOptions(Section):
    """How many ideas are asked for in a search, and how many of them are tried."""

    each: int = Field(default=4, gt=0, le=50)
    """Ideas that are asked for at a time."""
    kept: int = Field(default=2, gt=0, le=50)
    """Of those the reviewer's best so many are tried before there are new ones; without a reviewer all."""
    audit: float = Field(default=0.2, ge=0, le=1)
    """Chance that a candidate tries one of the others, to learn what the reviewer's ranks are worth."""


class ArmOptions(Section):
    """One of several ways in which a search makes its candidates."""

    agent: str | None = None
    """As `agents.proposer`, which it is by default."""
    model: str | None = None
    """`provider/model` that the agent asks; by default that of the proposer."""
    operation: Literal["any", "edit", "rewrite", "combine"] = "any"
    """What `coder` is told to do: change lines of the program, write another one, or combine it with another."""

    @property
    def name(self) -> str:
        """How events and reports call it."""
        parts = (self.agent, self.model, "" if self.operation == "any" else self.operation)
        return " ".join(part for part in parts if part) or "proposer"


class LoopOptions(Section):
    """The strategy and when it stops."""

    strategy: str = "refine"
    """A built-in name, an entry point, or `package.module:Class`."""
    max_iterations: int = Field(default=6, gt=0)
    """Stop after this many iterations."""
    width: int = Field(default=4, gt=0, le=1000)
    """Candidates that `best_of_n` and `discover` ask for at the same time, where the model takes so many at once."""
    stop_rules: tuple[str, ...] = ()
    """Rules beside the strategy's own: a built-in name, an entry point, or `package.module:name`."""
    value: ValueOptions | None = None
    """What is maximised or minimised beside the score: the loop then goes on after a full pass. None for nothing."""
    threshold: Threshold | None = None
    """A candidate is good enough, passes and stops the loop: `0.8` for its score, `{check: NAME, score: 0.8}`, or
    `{value: 12}`."""
    plateau: int | None = Field(default=None, gt=0)
    """Stop after this many iterations without a better candidate."""
    ideas: IdeaOptions = Field(default=IdeaOptions(), exclude_if=lambda ideas: ideas == IdeaOptions())
    """With `agents.idea`: how many ideas are asked for and tried."""
    arms: tuple[ArmOptions, ...] = Field(default=(), exclude_if=lambda arms: not arms)
    """Who makes candidates of a search, chosen for each candidate by gain and cost; none for the proposer alone."""
    parents: Literal["puct", "reward"] = Field(default="puct", exclude_if=lambda parents: parents == "puct")
    """How `discover` chooses what a candidate is made from: `puct`, or `reward` to draw it in proportion to rewards."""
    islands: int = Field(default=1, gt=0, le=100, exclude_if=lambda islands: islands == 1)
    """Archives of `discover` that take turns; more than one keeps several ways up alive for longer."""
    migration: int = Field(default=20, gt=0, exclude_if=lambda migration: migration == 20)
    """After so many candidates for each island, the best candidate of each goes to the next one as well."""
    learning_curve: StrictBool = False
    """Stop when a power law fitted to the best scores so far has nearly reached its limit; never before the sixth."""
    pilot: PilotOptions | None = None
    """Stop after the first iteration where one more is not expected to help, by the rates of an earlier run."""
    repetition: int | None = Field(default=3, gt=1)
    """Stop when the same candidate was proposed, or the same checks failed the same way, this often in a row."""
    confirm: StrictBool = True
    """Whether a full pass is checked once more before it stops the loop."""
    idempotence: StrictBool = False
    """Whether an answer that passed is refined once more after the loop, to learn how often that spoils it."""
    grade: Literal["answer", "all"] = "answer"
    """Which candidates the hidden checks grade after the loop: the answer, or all, to see what refining did."""
    ask_person: tuple[Literal["decision", "action"], ...] = Field(default=(), exclude_if=lambda asked: not asked)
    """Ask a person after each candidate where the loop goes (`decision`), or before each whether it may be executed
    (`action`), or both."""
    tools: Literal["auto", "never"] = Field(default="auto", exclude_if=lambda tools: tools == "auto")
    """Strategies that act: `auto` lets models that can call tools act by them, `never` asks every model in text."""

    @field_validator("arms")
    @classmethod
    def _arms_differ(cls, arms: tuple[ArmOptions, ...]) -> tuple[ArmOptions, ...]:
        if len(arms) == 1 or len({arm.name for arm in arms}) < len(arms):
            raise ValueError("name two different ones or more")
        return arms

    @model_validator(mode="after")
    def _value_is_named(self) -> Self:
        if isinstance(self.threshold, ValueThreshold) and self.value is None:
            raise ValueError("threshold.value needs a section `value` that says which values are better")
        return self

    def good_enough(self, verdict: Verdict) -> bool:
        """Whether a verdict reaches the threshold; never without one."""
        return good_enough(verdict, self.threshold, self.value)
