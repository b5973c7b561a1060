"""What a decision is, what it may depend on, and what a rule that stops a loop is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loopwright.agents import Critique
from loopwright.budget import Ledger
from loopwright.record import EpisodeRecord
from loopwright.task import LoopOptions
from loopwright.types import DecisionKind


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the loop goes next, by which rule, and why."""

    kind: DecisionKind
    rule: str
    why: str
    target: int | None = None
    """Iteration that the next candidate is made from, with `continue` and `backtrack`."""


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """All that a decision may depend on."""

    tree: EpisodeRecord
    """Up to the iteration that just ended."""
    options: LoopOptions
    ledger: Ledger
    critique: Critique | None = None
    """None until the critic was asked, and in strategies without one."""
    plan: tuple[str, ...] | None = None
    """Steps of the episode's plan; None in strategies without one."""
    drawn_ahead: int = 0
    """Candidates of later iterations that were drawn already: the ledger counts them."""

    @property
    def iteration(self) -> int:
        """The iteration that just ended."""
        return len(self.tree) - 1


Policy = Callable[[DecisionContext], Decision]
"""Decides where no stop rule does."""
Wanted = Callable[[DecisionContext], bool]
"""Whether a policy wants to hear the critic before it decides."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """A reason to stop a loop. Strategies list their rules; a task may name more in `loop.stop_rules`."""

    name: str
    """As it goes into the record."""
    meaning: str
    """What stopped a loop, for readers of reports."""
    reason: Callable[[DecisionContext], str | None]
    """Called after every iteration: says why the loop stops, or returns None where it goes on."""
    option: str | None = None
    """Option of `loop` that switches the rule: it is off where that is none or false. None for a rule that is on."""
    when: Callable[[LoopOptions], str] | None = None
    """When the rule stops a loop, under a task's options; None where `meaning` says it."""

    def describe(self, options: LoopOptions) -> str:
        """When the rule stops a loop under these options; empty where they switch it off."""
        if self.option and not getattr(options, self.option):
            return ""
        return self.when(options) if self.when else self.meaning

    def decide(self, context: DecisionContext) -> Decision | None:
        """Stops the loop where there is a reason; None where it goes on."""
        if self.option and not getattr(context.options, self.option):
            return None
        why = self.reason(context)
        return None if why is None else Decision("stop", self.name, why)


def first_decision(rules: Iterable[StopRule], context: DecisionContext) -> Decision | None:
    """The decision of the first rule that has one."""
    return next((decision for rule in rules if (decision := rule.decide(context))), None)
