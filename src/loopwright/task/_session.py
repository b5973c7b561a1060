"""The sections about what goes across episodes: a session, its monitor, and what is done about drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, StrictBool, model_validator

from loopwright.task._section import Section


class MemoryOptions(Section):
    """What the proposer sees of the session so far: its latest turns. A turn is one iteration of an episode.

    Where there are too many, the older half is forgotten at once, so that prompts begin alike in between and a
    provider's prompt cache is of use.
    """

    turns: int = Field(default=40, ge=0)
    """At most so many."""
    tokens: int = Field(default=3000, ge=0)
    """At most so many tokens of them and of everything that mitigations add, counted as three bytes each."""


class SessionOptions(Section):
    """Episodes of one variant in sequence, by the same agents; every repeat is a session of its own."""

    memory: MemoryOptions = MemoryOptions()
    """What the proposer sees of earlier episodes: goals, answers, what visible checks said; nothing hidden."""


class ConsolidationOptions(Section):
    """A summary takes the place of all but the latest turns, every so often or when C_sem or C_path alarms."""

    every: int = Field(default=50, gt=0)
    """Turns between two."""
    reviewed: int = Field(default=100, gt=0)
    """Latest turns that the summarizer reads."""
    reads: int = Field(default=6000, gt=0)
    """At most so many tokens of them."""
    raw: int = Field(default=20, ge=0)
    """Latest turns that stay as they are."""
    tokens: int = Field(default=400, gt=0)
    """Length of the summary, at most."""
    agent: str = "summarizer"
    """Card of the summarizer; its model is `models.summarizer`, else that of the task."""
    probes: int = Field(default=20, ge=0)
    """Instances of the baseline answered before and after, to undo what harms; 0 for no guard."""
    forget: StrictBool = True
    """Whether the probes are answered without any memory too, and all is forgotten where that is better."""


class RoutingOptions(Section):
    """Several proposers: each episode goes to one, by success and stability; one that drifts is reset and probed."""

    models: tuple[str, ...] = ()
    """`provider/model`, each with the task's proposer."""
    agents: tuple[str, ...] = ()
    """Names of proposers, each with its own model or the task's."""
    kind: str | None = None
    """Field of the records, or name under `vars`, that tells their kind: success is counted by kind."""
    weight: float = Field(default=0.5, ge=0)
    """Nats that one standard deviation of the stability index is worth."""
    costs: Mapping[str, float] = {}
    """Nats that choosing a model or agent costs."""
    probes: int = Field(default=20, gt=0)
    """Instances of the baseline that one in quarantine answers in a round; two good rounds let it back in."""
    stop: StrictBool = False
    """Whether the run stops where a person must look: one was reset twice within 200 interactions."""

    @property
    def choices(self) -> tuple[str, ...]:
        """Those that are chosen from."""
        return (*self.models, *self.agents)

    @model_validator(mode="after")
    def _there_is_a_choice(self) -> Self:
        if len(set(self.choices)) < 2 or len(set(self.choices)) < len(self.choices):
            msg = "name two different ones or more, under `models` and `agents` together"
            raise ValueError(msg)
        if strange := sorted(set(self.costs) - set(self.choices)):
            msg = f"costs: {strange[0]!r} is not among them"
            raise ValueError(msg)
        return self


class AnchoringOptions(Section):
    """Answers of the baseline that passed are shown as examples, more of them the further the index has fallen."""

    most: int = Field(default=5, gt=0)
    """Examples at full drift."""
    tokens: int = Field(default=600, gt=0)
    """At most so many tokens of them."""
    probes: int = Field(default=20, ge=0)
    """Instances of the baseline answered with and without, to undo what harms; 0 for no guard."""


class MitigationOptions(Section):
    """What is done about drift; each is off unless it is named, and needs a session."""

    consolidation: ConsolidationOptions | None = None
    """A summary in place of old turns."""
    routing: RoutingOptions | None = None
    """Work goes to whichever is stable."""
    anchoring: AnchoringOptions | None = None
    """Examples from the baseline."""

    @property
    def named(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class DriftOptions(Section):
    """A drift monitor over every session; without a section `session`, over the episodes of each variant."""

    baseline: str | None = None
    """A file from `loopwright drift baseline freeze`, by its path in the project."""
    first: int | None = Field(default=None, ge=200)
    """Or so many of the session's own first interactions."""
    every: int = Field(default=1, gt=0)
    """Interactions between two looks of the monitor."""
    alpha: float = Field(default=0.035, gt=0, lt=0.5)
    """With `first`: chance that a session without drift ever alarms."""
    horizon: int = Field(default=3000, ge=100)
    """With `first`: interactions of such a session."""
    embedding: str = Field(default="hash", pattern=r"^(hash|wordllama|none|[a-z0-9][a-z0-9._-]*/.+)$")
    """With `first`: how outputs are compared: `hash`, `wordllama`, `PROVIDER/MODEL` or `none`."""
    detector: str = "windows"
    """How each dimension is watched: `windows`, `cusum`, `adwin`, `e-process`, or your own, `module:Name`."""
    fail: StrictBool = False
    """Whether an alarm of a change for the worse makes the exit code 1."""
    mitigations: MitigationOptions = MitigationOptions()
    """What is done about drift."""

    @model_validator(mode="after")
    def _there_is_one_baseline(self) -> Self:
        if (self.baseline is None) == (self.first is None):
            msg = "name a baseline: either `baseline`, a file, or `first`, a number of interactions"
            raise ValueError(msg)
        return self
