"""Drift-aware routing: work goes to stable agents, drifting ones are reset, probed and let back in.

After Rath 2026 (arXiv 2601.04170); the score, the floor and the rules of re-admission are choices made here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from loopwright.drift._baseline import Band

FLOOR = 0.05
PROBES = 20
"""Baseline probes that an agent answers after a reset."""
_WINDOWS = 2
_RESETS = 2
_WITHIN = 200


@dataclass(slots=True)
class AgentStatus:
    """What the router knows of one agent."""

    band: Band
    """Of its stability index in the baseline, which is never changed."""
    index: float
    """Its index now."""
    cost: float = 0.0
    """In the unit of the score: nats."""
    successes: dict[str, list[int]] = field(default_factory=dict)
    """Task to successes and attempts."""
    quarantined: bool = False
    steady: int = 0
    """Windows in a row over the level of re-admission, since the reset."""
    resets: list[int] = field(default_factory=list)
    """Interactions at which it was reset."""


class Router:
    """Chooses agents; every choice is a function of what was recorded and of the seed.

    Args:
        bands: Agent to the band of its index in the baseline.
        seed: Fixes the draws.
        weight: Nats that one standard deviation of the index is worth.
    """

    def __init__(self, bands: Mapping[str, Band], seed: int, weight: float = 0.5) -> None:
        self.standings = {agent: AgentStatus(band, band.mean) for agent, band in bands.items()}
        self._seed = seed
        self._random = Random(seed)
        self._weight = weight

    def shares(self, task: str) -> dict[str, float]:
        """Probability of each agent that is not in quarantine; all of them where every one is."""
        eligible = [a for a, standing in self.standings.items() if not standing.quarantined] or list(self.standings)
        scores = [self._score(self.standings[agent], task) for agent in eligible]
        top = max(scores)
        weights = [math.exp(score - top) for score in scores]
        total = math.fsum(weights)
        # Without a floor the monitor would lose the data about agents that are not chosen.
        floor = min(FLOOR, 1 / len(eligible))
        return {a: floor + (1 - floor * len(eligible)) * w / total for a, w in zip(eligible, weights, strict=True)}

    def choose(self, task: str, place: str = "") -> str:
        """Draws the agent for a task.

        Args:
            task: Its kind.
            place: Fixes the draw by itself, whatever was drawn before; empty for the next draw of the seed.
        """
        shares = self.shares(task)
        draw = Random(f"{self._seed}/{place}") if place else self._random
        return draw.choices(list(shares), list(shares.values()))[0]

    def record(self, agent: str, task: str, *, success: bool) -> None:
        """Takes an outcome."""
        counts = self.standings[agent].successes.setdefault(task, [0, 0])
        counts[0] += success
        counts[1] += 1

    def flag(self, agent: str, at: int) -> bool:
        """Puts an agent into quarantine; it must now be reset.

        Returns:
            Whether a human must look: it was reset twice within 200 interactions.
        """
        standing = self.standings[agent]
        standing.quarantined, standing.steady = True, 0
        standing.resets = [*(old for old in standing.resets if at - old < _WITHIN), at]
        return len(standing.resets) >= _RESETS

    def window(self, agent: str, index: float, threshold: float) -> bool:
        """Takes a window's index of an agent; returns whether it is let back in with it.

        Args:
            agent: Whose.
            index: Of the window, or of its probes while it is in quarantine.
            threshold: Under which it would be flagged; it comes back two standard deviations above for two windows.
        """
        standing = self.standings[agent]
        standing.index = index
        if not standing.quarantined:
            return False
        level = min(threshold + 2 * standing.band.sd, standing.band.mean)
        standing.steady = standing.steady + 1 if index >= level else 0
        if standing.steady < _WINDOWS:
            return False
        standing.quarantined = False
        return True

    def probed(self, agent: str, passed: int, probes: int, usual: float) -> bool:
        """Takes a round of probes of an agent in quarantine; two good rounds in a row let it back in.

        Args:
            agent: Whose.
            passed: Probes that passed.
            probes: Of how many.
            usual: Share that passed in the baseline: what a round is good by, half a standard deviation under it.
        """
        standing = self.standings[agent]
        spread = math.sqrt(usual * (1 - usual) / probes)
        standing.steady = standing.steady + 1 if passed / probes >= usual - spread / 2 else 0
        if standing.steady < _WINDOWS:
            return False
        standing.quarantined, standing.index = False, standing.band.mean
        return True

    def _score(self, standing: AgentStatus, task: str) -> float:
        right, tried = standing.successes.get(task, (0, 0))
        odds = math.log((right + 1) / (tried - right + 1))
        moved = (standing.index - standing.band.mean) / max(standing.band.sd, 1e-6)
        # Ten standard deviations are as bad as it gets: one number must not decide everything.
        return odds + self._weight * min(max(moved, -10.0), 2.0) - standing.cost
