"""The strategy `discover`: goes on from the best descendants, and from what was tried little."""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.discovery._archive import Archive
from loopwright.loop import Brief, Decision, SearchStrategy
from loopwright.task import LoopOptions
from loopwright.types import Attempt, ValueOptions

_SHOWN = 8
"""Ancestors that a proposer sees."""


class Discovery:
    """The search of one episode."""

    def __init__(self, options: LoopOptions, seed: int | None) -> None:
        self._value = options.value or ValueOptions(direction="maximize")
        self._archive = Archive(self._value)

    def take(self, attempt: Attempt) -> None:
        """Takes in the next attempt."""
        self._archive.add(attempt)

    def pick(self, in_flight: Sequence[int]) -> Decision:
        """Goes on from the candidate that PUCT picks; afresh where each one's lineage is being expanded."""
        state = self._archive.select(in_flight)
        if state is None:
            why = "every lineage is under way" if self._archive.states else "no candidate is valid yet"
            return Decision("restart", "puct", why)
        known = "its own" if state.best_child is None else "its best child's"
        measured = self._value.describe(self._value.rank(state.promise))
        why = f"{known} {measured}, {state.visits} candidates made from it"
        return Decision("backtrack", "puct", why, state.iteration)

    def brief(self, iteration: int, target: int | None) -> Brief:
        """Shows the ancestors of what a candidate is made from."""
        shown = [one for one, _ in zip(self._archive.lineage(target), range(_SHOWN), strict=False)]
        return Brief(attempts=shown[::-1])


DISCOVER = SearchStrategy("discover", Discovery)
"""Goes on from the best descendants, and from what was tried little."""
