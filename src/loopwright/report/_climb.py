"""What an episode had spent when it found each better value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loopwright.record import EpisodeRecord, IterationRecord
from loopwright.types import ValueOptions


@dataclass(frozen=True, slots=True)
class Rung:
    """The candidates up to one of them: what they took, and the best value among them."""

    candidates: int
    """By the order of their numbers, failed ones too."""
    executed: int
    """Those that were not refused before."""
    seconds: float
    """On the clock from the start of the episode until all of them were measured, pauses of the run included."""
    tokens: int
    usd: Decimal | None
    """None where a call has no price."""
    value: float | None
    """None before a candidate was valid."""


@dataclass(frozen=True, slots=True)
class Climb:
    """How the best value of an episode grew."""

    better: tuple[Rung, ...]
    """Up to each candidate that is better than all before it."""
    whole: Rung
    """Up to the last candidate."""
    strategy: str
    search: bool
    """Whether the strategy searches: it is what others are compared with."""

    def within(self, fits: Callable[[Rung], bool]) -> float | None:
        """The best value that a budget allows.

        Args:
            fits: Whether a budget holds what candidates took.
        """
        return next((rung.value for rung in reversed(self.better) if fits(rung)), None)

    def reached(self, target: float, value: ValueOptions) -> Rung | None:
        """What it took until a value is as good as the target; None where it never was."""
        return next((rung for rung in self.better if value.rank(rung.value) >= value.rank(target)), None)


def climb_of(episode: EpisodeRecord) -> Climb | None:
    """Reads an episode that maximises or minimises a value; None for others, and before its first candidate."""
    started = episode.started
    if started is None or started.value is None:
        return None
    better: list[Rung] = []
    whole = None
    for whole in _rungs(episode, started.value):
        if whole.value is not None and (not better or better[-1].value != whole.value):
            better.append(whole)
    return Climb(tuple(better), whole, started.strategy, search=started.in_flight is not None) if whole else None


def _rungs(episode: EpisodeRecord, value: ValueOptions) -> Iterator[Rung]:
    begun = datetime.fromisoformat(episode.begun)
    executed, seconds, tokens = 0, 0.0, 0
    usd: Decimal | None = Decimal(0)
    best: float | None = None
    worth = -math.inf
    turns = [turn for _, turn in sorted(episode.iterations.items()) if turn.begun]
    for count, turn in enumerate(turns, 1):
        executed += _executed(turn)
        if turn.measured:
            seconds = max(seconds, (datetime.fromisoformat(turn.measured) - begun).total_seconds())
        tokens += turn.spent.usage.total - turn.grading.usage.total
        cost = turn.spent.cost_usd
        usd = None if usd is None or cost is None else usd + cost
        if turn.judged and turn.judged.passed and turn.judged.verdict.worth(value) > worth:
            best, worth = turn.value, turn.judged.verdict.worth(value)
        yield Rung(count, executed, seconds, tokens, usd, best)


def _executed(turn: IterationRecord) -> bool:
    if turn.proposed is None or turn.proposed.candidate is None or turn.observed is None:
        return False
    return not turn.observed.observation.text.startswith("not executed")
