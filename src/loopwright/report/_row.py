"""One episode in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from loopwright.report._climb import Climb
from loopwright.stats import Transition
from loopwright.types import Check, Failure, Threshold, Usage, ValueOptions

Status = Literal["scored", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode in numbers."""

    episode: str
    task: str
    instance: str
    variant: str
    repeat: int
    status: Status
    """`failed` and `unfinished` episodes are no scores and enter no rate."""
    score: float | None
    passed: bool | None
    iterations: int
    rule: str
    """The stop rule that ended the loop; empty where none did."""
    model_calls: int
    usage: Usage
    cost_usd: Decimal | None
    seconds: float
    failure: Failure | None
    judged: tuple[Transition, ...]
    """Refinements by the verdicts the loop acted on."""
    graded: tuple[Transition, ...]
    """Refinements by the grades after the loop, where every candidate got one."""
    grading_calls: int = 0
    """Model calls for its grade after the loop."""
    unreported: int = 0
    """Model calls of which the provider did not say what they used."""
    lost: int = 0
    """Replies that nobody could use; each counts what its provider reports, else all that was reserved for it."""
    cut: int = 0
    """Replies that ended at a token limit."""
    left_out: frozenset[str] = frozenset()
    """Parameters that a provider refused, so that replies were drawn without them."""
    measured: frozenset[str] = frozenset()
    """Days on which `models check` had found that out, where it did."""
    failing: tuple[Check, ...] = ()
    """Checks that the answer did not pass, the first 20, with evidence of 2,000 characters at most."""
    failing_more: int = 0
    """How many more it did not pass."""
    value: float | None = None
    """Of the answer, where the task maximises or minimises one."""
    spoiled: bool | None = None
    """Whether one more refinement spoiled the answer; None where that was not asked for, or not found out."""
    valued: ValueOptions | None = None
    """What that value is, and which are better."""
    threshold: Threshold | None = None
    """What is good enough, where that is not to pass every check."""
    images: int = 0
    """Pictures that image models made."""
    unpriced: frozenset[str] = frozenset()
    """What a price file would have to say for the cost of calls that have none."""
    masked: int = 0
    """Replies that repeated the value of a secret, in whose place `***` stands."""
    masked_names: frozenset[str] = frozenset()
    """What the user calls those secrets."""
    critiques: int = 0
    unread_critiques: int = 0
    """Those of them that rules wrote because the critic's reply could not be used."""

    invalid: tuple[str, ...] = ()
    """Why each candidate has no value, where the task wants one and none has it."""
    climb: Climb | None = None
    """How its best value grew, where the task maximises or minimises one."""

    @property
    def unit(self) -> str:
        """What the episode was an attempt at: one instance of one task."""
        return self.task if self.task == self.instance else f"{self.task}/{self.instance}"
