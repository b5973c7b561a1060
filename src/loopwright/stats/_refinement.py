"""Does refining pay? Flows between wrong and right from one iteration to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.stats._intervals import Interval, wilson


@dataclass(frozen=True, slots=True)
class Transition:
    """One refinement: a candidate, and the candidate made from it."""

    iteration: int
    """Of the new candidate, from 1 (iteration 0 is made from nothing)."""
    before: bool
    """Whether the parent was right, by the hidden checks where there are any."""
    after: bool
    """Whether the new candidate is right."""
    cost: float | None = None
    """What the turn cost, in any one unit; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Counts of a set of turns, and what follows from them."""

    turns: int
    right_before: int
    wrong_to_right: int
    right_to_wrong: int
    cost: float | None
    """Of all the turns; None where one is unknown or there are none."""

    @property
    def wrong_before(self) -> int:
        """Turns that began with a wrong candidate."""
        return self.turns - self.right_before

    @property
    def correction(self) -> float | None:
        """P(right after | wrong before), the error-correction rate; None where nothing was wrong."""
        return self.wrong_to_right / self.wrong_before if self.wrong_before else None

    @property
    def injection(self) -> float | None:
        """P(wrong after | right before), the error-injection rate; None where nothing was right."""
        return self.right_to_wrong / self.right_before if self.right_before else None

    @property
    def correction_interval(self) -> Interval:
        """95 % Wilson interval of `correction`."""
        return wilson(self.wrong_to_right, self.wrong_before)

    @property
    def injection_interval(self) -> Interval:
        """95 % Wilson interval of `injection`."""
        return wilson(self.right_to_wrong, self.right_before)

    @property
    def gain(self) -> float:
        """Change of accuracy per turn, in [-1, 1]; 0 without turns."""
        return (self.wrong_to_right - self.right_to_wrong) / self.turns if self.turns else 0.0

    @property
    def cost_per_correct(self) -> float | None:
        """Cost per right answer gained on balance; None where none was gained or the cost is unknown."""
        gained = self.wrong_to_right - self.right_to_wrong
        return self.cost / gained if self.cost is not None and gained > 0 else None


@dataclass(frozen=True, slots=True)
class Refinement:
    """Flows of all turns together and by iteration.

    Turns that were not made are not there: where a loop stops at a right candidate, `right_before` is small
    and says little about what going on would have done.
    """

    overall: Flow
    by_iteration: tuple[tuple[int, Flow], ...]
    """Iteration of the new candidate and its flow, ascending."""


def turns_of(verdicts: Sequence[bool], costs: Sequence[float] | None = None) -> list[Transition]:
    """Turns of one episode whose every candidate was made from the one before.

    Args:
        verdicts: Whether the candidate of each iteration is right, from iteration 0.
        costs: Cost of each iteration, as many as verdicts.

    Raises:
        ValueError: Not as many costs as verdicts.
    """
    if costs is not None and len(costs) != len(verdicts):
        raise ValueError(f"{len(costs)} costs for {len(verdicts)} verdicts")
    return [
        Transition(i, verdicts[i - 1], verdicts[i], costs[i] if costs is not None else None)
        for i in range(1, len(verdicts))
    ]


def refinement(turns: Sequence[Transition]) -> Refinement:
    """Counts the flows of turns from any number of episodes."""
    iterations = sorted({turn.iteration for turn in turns})
    return Refinement(
        _flow(turns), tuple((i, _flow([turn for turn in turns if turn.iteration == i])) for i in iterations)
    )


def expected_gain(accuracy: float, correction: float, injection: float) -> float:
    """Expected change of accuracy by one more iteration: (1 - accuracy) correction - accuracy injection.

    Raises:
        ValueError: An argument outside [0, 1].
    """
    for value in (accuracy, correction, injection):
        if not 0 <= value <= 1:
            raise ValueError(f"need shares in [0, 1], got {value}")
    return (1 - accuracy) * correction - accuracy * injection


def worth_iterating(accuracy: float, correction: float, injection: float) -> bool:
    """Whether one more iteration is expected to help.

    True where correction / injection > accuracy / (1 - accuracy), written without divisions.

    Raises:
        ValueError: An argument outside [0, 1].
    """
    return expected_gain(accuracy, correction, injection) > 0


def _flow(turns: Sequence[Transition]) -> Flow:
    costs = [turn.cost for turn in turns if turn.cost is not None]
    return Flow(
        turns=len(turns),
        right_before=sum(turn.before for turn in turns),
        wrong_to_right=sum(turn.after and not turn.before for turn in turns),
        right_to_wrong=sum(turn.before and not turn.after for turn in turns),
        cost=sum(costs) if turns and len(costs) == len(turns) else None,
    )
