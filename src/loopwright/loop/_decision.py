"""What a loop is allowed to do, and what a decision is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loopwright.agents import Critique
from loopwright.budget import Ledger
from loopwright.loop._tree import AttemptTree
from loopwright.task import LoopOptions

DecisionKind = Literal["continue", "backtrack", "restart", "stop"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the loop goes next, by which rule, and why."""

    kind: DecisionKind
    rule: str
    why: str
    target: int | None = None
    """Iteration that the next candidate is made from, with `continue` and `backtrack`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a decision may depend on."""

    tree: AttemptTree
    options: LoopOptions
    ledger: Ledger
    critique: Critique | None = None
    """None until the critic was asked, and in strategies without one."""

    @property
    def iteration(self) -> int:
        """The iteration that just ended."""
        return len(self.tree) - 1
