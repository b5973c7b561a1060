"""The archive of a search: which candidate the next one is made from, by PUCT or in proportion to rewards."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from loopwright.discovery._problem import again_of, construction_of, measured_of
from loopwright.types import Attempt, ValueOptions

EXPLORATION = 1.0
"""The factor c of PUCT."""
EXPANSION = 8
"""Candidates that count as one expansion: a parent is not given up for one child that is worse."""
MEASUREMENTS = 3
"""How often a noisy candidate is measured before others are made from it."""
CHILDREN_KEPT = 2
"""Children of one parent that may become parents themselves."""
MOST_STATES = 1000
"""Candidates that may become parents; the worst make room, so that a choice takes the same time in a long search."""


@dataclass(slots=True)
class State:
    """A valid candidate that others may be made from."""

    iteration: int
    parent: int | None
    reward: float
    """Higher is better, whatever the direction of the value is."""
    found: str
    """What tells its construction from others."""
    measured: int = MEASUREMENTS
    """How often its program was measured; fewer than `MEASUREMENTS` only where that is noisy."""
    best_child: float | None = None
    depth: int = 0
    """Candidates between it and one that was made afresh."""
    jump: int = -1
    """An ancestor further up, so that any is found in few steps (Myers 1983); of one made afresh, itself."""
    visits: int = 0
    """Candidates that were made from it or from its descendants, failed ones too; of one that may become a parent."""

    @property
    def promise(self) -> float:
        """The best reward of a direct child; before there is one, its own."""
        return self.reward if self.best_child is None else self.best_child


@dataclass(slots=True)
class Archive:
    """What a search has found so far."""

    value: ValueOptions
    exploration: float = EXPLORATION
    most: int = MOST_STATES
    states: dict[int, State] = field(default_factory=dict)
    """Those that may become parents."""
    expansions: int = 0
    """Candidates that were made from another one."""
    _valid: dict[int, State] = field(default_factory=dict)
    """Also those that may not: they are ancestors of others."""
    _ranked: list[tuple[float, int]] = field(default_factory=list)
    """Falling rewards and iterations of `states`, as negative numbers and numbers."""
    _children: dict[int, list[int]] = field(default_factory=dict)
    """Children that are states, by parent, the best first."""
    _above_dropped: dict[int, int | None] = field(default_factory=dict)
    """By iteration of a candidate that was dropped: an ancestor further up, so that visits skip the dropped ones."""
    _seen: set[str] = field(default_factory=set)
    """Constructions that were found before."""

    def add(self, attempt: Attempt) -> None:
        """Takes in the next attempt of the search."""
        parent = attempt.parent
        if again_of(attempt.candidate):
            self._measure_again(attempt)
            return
        self._visit(parent)
        reward = self.reward(attempt)
        if reward is None:
            return
        if parent in self._valid:
            above = self._valid[parent]
            above.best_child = reward if above.best_child is None else max(above.best_child, reward)
        assert attempt.candidate is not None
        found = construction_of(attempt) or attempt.candidate.digest
        if found in self._seen:
            return
        measured = len(measured_of(attempt)) if attempt.verdict.margin else MEASUREMENTS
        state = State(attempt.iteration, parent, reward, found, min(measured, MEASUREMENTS))
        self._insert(state)
        if parent is not None:
            self._keep_best(parent, state.iteration)
        self._make_room()

    def receive(self, state: State) -> None:
        """Takes in a state of another archive as one that was made afresh, unless its construction is known here."""
        if state.found in self._seen or state.iteration in self._valid:
            return
        self._insert(State(state.iteration, None, state.reward, state.found, state.measured))
        self._make_room()

    def select(self, blocked: Iterable[int] = ()) -> State | None:
        """The state with the highest score by PUCT; None where there is none.

        The score of a state s is Q(s) + c * scale * P(s) * sqrt(1 + T) / (1 + n(s)). Q is the best reward of a direct
        child, before there is one the reward itself; scale is the range of rewards; P falls linearly with the rank of
        the reward and sums to one; T counts all expansions, n those of s and its descendants, of `EXPANSION` candidates
        each (TTT-Discover, arXiv 2601.16175, section on state reuse).

        Args:
            blocked: Iterations that are being expanded: they, their ancestors and descendants are left out.
        """
        count = len(self._ranked)
        if not count:
            return None
        scale = max(self._ranked[-1][0] - self._ranked[0][0], 1e-6)
        factor = self.exploration * scale * math.sqrt(1 + self.expansions / EXPANSION) * 2 / (count * (count + 1))
        taken = self._taken(blocked)
        best, found = -math.inf, None
        for rank, (_, iteration) in enumerate(self._ranked):
            state = self.states[iteration]
            score = state.promise + factor * (count - rank) / (1 + state.visits / EXPANSION)
            if score > best and not any(self._related(state, one) for one in taken):
                best, found = score, state
        return found

    def draw(self, random: Random, blocked: Iterable[int] = ()) -> State | None:
        """A state drawn in proportion to its reward; None where there is none.

        Rewards may be negative, so the weight of a state is how much better it is than the worst one, plus the range of
        rewards divided by the number of states. So the worst one has a chance, and equal ones have equal chances. The
        first free one of an order that is drawn with these weights (Efraimidis and Spirakis 2006) is a draw from those
        that are free.

        Args:
            random: Draws the order.
            blocked: As for `select`.
        """
        if not self._ranked:
            return None
        worst = -self._ranked[-1][0]
        least = max(-self._ranked[0][0] - worst, 1e-6) / len(self._ranked)
        times = [(random.expovariate(1.0) / (-negative - worst + least), one) for negative, one in self._ranked]
        taken = self._taken(blocked)
        drawn = (self.states[iteration] for _, iteration in sorted(times))
        return next((state for state in drawn if not any(self._related(state, one) for one in taken)), None)

    def free(self, iteration: int, blocked: Iterable[int]) -> bool:
        """Whether others may be made from a candidate while those are being expanded."""
        state = self.states.get(iteration)
        return state is not None and not any(self._related(state, one) for one in self._taken(blocked))

    def best(self, count: int) -> Sequence[State]:
        """The best states, the best first."""
        return [self.states[iteration] for _, iteration in self._ranked[:count]]

    def lineage(self, iteration: int | None) -> Iterator[int]:
        """An iteration and the valid ones that it was made from, the latest first."""
        while iteration is not None and iteration in self._valid:
            yield iteration
            iteration = self._valid[iteration].parent

    def reward(self, attempt: Attempt) -> float | None:
        """What an attempt is worth; None without a valid candidate."""
        if attempt.candidate is None or not attempt.verdict.passed or attempt.verdict.value is None:
            return None
        return attempt.verdict.worth(self.value)

    def gains(self, attempt: Attempt) -> bool:
        """Whether an attempt that was not added yet is better than its parent; one made afresh, than all so far."""
        reward = self.reward(attempt)
        if reward is None:
            return False
        if attempt.parent in self._valid:
            return reward > self._valid[attempt.parent].reward
        return not self._ranked or reward > -self._ranked[0][0]

    def _measure_again(self, attempt: Attempt) -> None:
        """Ranks a candidate by all its measurements; one that fails when it is executed again is no parent any more."""
        state = None if attempt.parent is None else self.states.get(attempt.parent)
        if state is None:
            return
        self._drop(state.iteration)
        reward = self.reward(attempt)
        siblings = self._children.get(state.parent, []) if state.parent is not None else []
        if reward is not None:
            state.reward, state.measured = reward, min(len(measured_of(attempt)), MEASUREMENTS)
            self.states[state.iteration] = state
            insort(self._ranked, (-reward, state.iteration))
        elif state.iteration in siblings:
            siblings.remove(state.iteration)
        if state.parent in self._valid:
            self._valid[state.parent].best_child = max((self._valid[one].reward for one in siblings), default=None)

    def _insert(self, state: State) -> None:
        self._seen.add(state.found)
        state.jump = state.iteration
        if above := self._above(state):
            far = self._valid[above.jump]
            equal = above.depth - far.depth == far.depth - self._valid[far.jump].depth
            state.depth, state.jump = above.depth + 1, far.jump if equal else above.iteration
        self._valid[state.iteration] = self.states[state.iteration] = state
        insort(self._ranked, (-state.reward, state.iteration))

    def _taken(self, blocked: Iterable[int]) -> list[State]:
        return [self._valid[one] for one in set(blocked) if one in self._valid]

    def _above(self, state: State) -> State | None:
        return None if state.parent is None else self._valid.get(state.parent)

    def _related(self, one: State, other: State) -> bool:
        """Whether one of them was made from the other, or they are the same."""
        upper, lower = (one, other) if one.depth <= other.depth else (other, one)
        while lower.depth > upper.depth:
            far = self._valid[lower.jump]
            lower = far if far.depth >= upper.depth else self._above(lower) or far
        return lower is upper

    def _make_room(self) -> None:
        if len(self.states) > self.most:
            self._drop(self._ranked[-1][1])

    def _visit(self, parent: int | None) -> None:
        if parent is None:
            return
        self.expansions += 1
        state = self._kept(parent)
        while state is not None:
            state.visits += 1
            state = self._kept(state.parent)

    def _kept(self, iteration: int | None) -> State | None:
        """The nearest of a candidate and its ancestors that was not dropped; what was dropped never comes back."""
        passed = []
        while iteration in self._valid and iteration not in self.states:
            passed.append(iteration)
            iteration = self._above_dropped.get(iteration, self._valid[iteration].parent)
        self._above_dropped.update(dict.fromkeys(passed, iteration))
        return None if iteration is None else self.states.get(iteration)

    def _keep_best(self, parent: int, child: int) -> None:
        kept = self._children.setdefault(parent, [])
        kept.append(child)
        kept.sort(key=lambda one: (-self._valid[one].reward, one))
        for dropped in kept[CHILDREN_KEPT:]:
            if dropped not in self._children:
                self._drop(dropped)
                kept.remove(dropped)

    def _drop(self, iteration: int) -> None:
        state = self.states.pop(iteration, None)
        if state is not None:
            del self._ranked[bisect_left(self._ranked, (-state.reward, iteration))]
