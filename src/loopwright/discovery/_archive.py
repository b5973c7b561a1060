"""The archive of a search: which candidate the next one is made from, by PUCT over best descendants."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from loopwright.discovery._problem import construction_of
from loopwright.loop import SAMPLING_RULES, Decision, DecisionContext, RefinementStrategy
from loopwright.types import Attempt, ValueOptions

EXPLORATION = 1.0
"""The factor c of PUCT."""
CHILDREN_KEPT = 2
"""Children of one parent that may become parents themselves."""


@dataclass(slots=True)
class State:
    """A valid candidate that others may be made from."""

    iteration: int
    parent: int | None
    reward: float
    """Higher is better, whatever the direction of the value is."""
    best_child: float | None = None
    visits: int = 0
    """Candidates that were made from it or from its descendants, failed ones too."""

    @property
    def promise(self) -> float:
        """The best reward of a direct child; before there is one, its own."""
        return self.reward if self.best_child is None else self.best_child


@dataclass(slots=True)
class Archive:
    """What a search has found so far."""

    value: ValueOptions
    states: dict[int, State] = field(default_factory=dict)
    expansions: int = 0
    _children: dict[int, list[int]] = field(default_factory=dict)
    """Children that are states, by parent, the best first."""
    _seen: set[str] = field(default_factory=set)
    """Constructions that were found before."""

    def add(self, attempt: Attempt) -> None:
        """Takes in the next attempt of the search."""
        parent = attempt.parent
        self._visit(parent)
        reward = self._reward(attempt)
        if reward is None:
            return
        if parent in self.states:
            above = self.states[parent]
            above.best_child = reward if above.best_child is None else max(above.best_child, reward)
        assert attempt.candidate is not None
        found = construction_of(attempt) or attempt.candidate.digest
        if found in self._seen:
            return
        self._seen.add(found)
        self.states[attempt.iteration] = State(attempt.iteration, parent, reward)
        if parent is not None:
            self._keep_best(parent, attempt.iteration)

    def select(self, blocked: Iterable[int] = ()) -> State | None:
        """The state with the highest score by PUCT; None where there is none.

        The score of a state s is Q(s) + c * scale * P(s) * sqrt(1 + T) / (1 + n(s)). Q is the best reward of a direct
        child, before there is one the reward itself; scale is the range of rewards; P falls linearly with the rank of
        the reward and sums to one; T counts all expansions, n those of s and its descendants (TTT-Discover,
        arXiv 2601.16175, section on state reuse).

        Args:
            blocked: Iterations that are being expanded: they, their ancestors and descendants are left out.
        """
        if not self.states:
            return None
        ranked = sorted(self.states.values(), key=lambda one: (-one.reward, one.iteration))
        count = len(ranked)
        scale = max(ranked[0].reward - ranked[-1].reward, 1e-6)
        factor = EXPLORATION * scale * math.sqrt(1 + self.expansions)
        weight = count * (count + 1) / 2
        left_out = self._lineages(blocked)
        scored = (
            (state.promise + factor * (count - rank) / weight / (1 + state.visits), -rank, state)
            for rank, state in enumerate(ranked)
            if state.iteration not in left_out
        )
        return max(scored, default=(0.0, 0, None))[2]

    def _visit(self, parent: int | None) -> None:
        if parent is None:
            return
        self.expansions += 1
        at: int | None = parent
        while at is not None and at in self.states:
            self.states[at].visits += 1
            at = self.states[at].parent

    def _reward(self, attempt: Attempt) -> float | None:
        if attempt.candidate is None or not attempt.verdict.passed or attempt.verdict.value is None:
            return None
        return self.value.rank(attempt.verdict.value)

    def _keep_best(self, parent: int, child: int) -> None:
        kept = self._children.setdefault(parent, [])
        kept.append(child)
        kept.sort(key=lambda one: (-self.states[one].reward, one))
        for dropped in kept[CHILDREN_KEPT:]:
            if dropped not in self._children:
                del self.states[dropped]
                kept.remove(dropped)

    def _lineages(self, blocked: Iterable[int]) -> set[int]:
        found: set[int] = set()
        for iteration in blocked:
            found |= self._ancestors(iteration)
            found |= {one for one in self.states if iteration in self._ancestors(one)}
        return found

    def _ancestors(self, iteration: int) -> set[int]:
        """The iteration and those that it was made from."""
        found: set[int] = set()
        at: int | None = iteration
        while at is not None and at in self.states:
            found.add(at)
            at = self.states[at].parent
        return found


def next_parent(context: DecisionContext) -> Decision:
    """Goes on from the candidate that PUCT picks; afresh where no candidate is valid yet."""
    value = context.options.value or ValueOptions(direction="maximize")
    archive = Archive(value)
    for attempt in context.tree:
        archive.add(attempt)
    state = archive.select()
    if state is None:
        return Decision("restart", "puct", "no candidate is valid yet")
    known = "its own" if state.best_child is None else "its best child's"
    why = f"{known} {value.describe(value.rank(state.promise))}, {state.visits} candidates made from it"
    return Decision("continue" if state.iteration == context.iteration else "backtrack", "puct", why, state.iteration)


DISCOVER = RefinementStrategy("discover", next_parent, SAMPLING_RULES)
"""Goes on from the best descendants, and from what was tried little."""
