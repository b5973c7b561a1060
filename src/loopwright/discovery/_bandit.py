"""A bandit over the arms of a search: who makes the next candidate, by gain and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from loopwright.types import ArmUse


@dataclass(slots=True)
class _Arm:
    candidates: int = 0
    better: int = 0
    tokens: int = 0
    usd: float = 0.0
    priced: int = 0
    """Candidates whose cost is known in USD."""


@dataclass(slots=True)
class Bandit:
    """Chooses among arms by Thompson sampling on how often their candidates gain something, per cost."""

    names: Sequence[str]
    _arms: dict[str, _Arm] = field(default_factory=dict)

    def take(self, use: ArmUse, *, better: bool) -> None:
        """Takes in a candidate: whether it gained something, and what it cost."""
        arm = self._arms.setdefault(use.arm, _Arm())
        arm.candidates += 1
        arm.better += better
        arm.tokens += use.tokens
        if use.usd is not None:
            arm.usd += float(use.usd)
            arm.priced += 1

    def choose(self, random: Random) -> str:
        """The arm whose drawn chance of a gain is highest for its cost.

        The chance of an arm is drawn from Beta(1 + gains, 1 + other candidates). Its cost is half the mean cost of its
        candidates over that of all arms, plus one half for what each candidate costs without its model: its execution.
        """
        arms = [self._arms.get(name, _Arm()) for name in self.names]
        costs = self._costs(arms)
        drawn = [random.betavariate(1 + arm.better, 1 + arm.candidates - arm.better) for arm in arms]
        return max(zip(drawn, costs, self.names, strict=True), key=lambda one: one[0] / one[1])[2]

    @staticmethod
    def _costs(arms: Sequence[_Arm]) -> Sequence[float]:
        """Of each arm, relative to the mean of all candidates: in USD where all are known, else in tokens."""
        count = sum(arm.candidates for arm in arms)
        priced = all(arm.priced == arm.candidates for arm in arms) and any(arm.usd for arm in arms)
        totals = [arm.usd if priced else float(arm.tokens) for arm in arms]
        mean = sum(totals) / count if count else 0.0
        if not mean:
            return [1.0] * len(arms)
        return [
            (1 + total / arm.candidates / mean) / 2 if arm.candidates else 1.0
            for arm, total in zip(arms, totals, strict=True)
        ]
