"""What a search chooses: where each candidate is made from, and what its proposer sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from loopwright.loop._decision import Decision
from loopwright.types import Attempt, Candidate, Idea


@dataclass(frozen=True, slots=True)
class Brief:
    """What the proposer of a candidate is shown beside the attempt that it goes on from."""

    attempts: Sequence[int] = ()
    """Iterations, oldest first."""
    considered: Sequence[int] = ()
    """Iterations whose ideas and outcomes are shown to whoever proposes ideas and ranks them, oldest first."""
    candidate: Candidate | None = None
    """The candidate itself, which nobody is asked for; None for what the proposer makes."""
    arm: str = ""
    """Who makes the candidate; empty for the proposer."""
    idea: Idea | None = None
    """The idea to carry out; None asks for new ones, where the task names somebody for ideas."""


class Search(Protocol):
    """Chooses what candidates are made from; each episode has one of its own.

    What it says may depend on what it took in and on its arguments only, or a resumed episode goes another way.
    """

    def take(self, attempt: Attempt) -> None:
        """Takes in the next attempt, in the order of the iterations; one without a candidate, too."""
        ...

    def pick(self, in_flight: Sequence[int]) -> Decision:
        """Says what the next candidate is made from.

        Args:
            in_flight: What the candidates under way are made from.
        """
        ...

    def brief(self, iteration: int, target: int | None) -> Brief:
        """Says what the proposer of a candidate is shown, when it is begun."""
        ...

    def refuse(self, iteration: int, candidate: Candidate) -> str:
        """Says why a candidate is not executed; empty where it is. It may go by what was known when it was begun."""
        ...
