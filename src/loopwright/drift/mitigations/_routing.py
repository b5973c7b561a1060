"""Drift-aware routing: work goes to stable agents, drifting ones are reset, probed and let back in.

After Rath 2026 (arXiv 2601.04170); the score, the floor and the rules of re-admission are choices made here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from loopwright.drift._index import Band

FLOOR = 0.05
_LOW = 3
"""Windows in a row under the baseline's band that flag an agent."""
_ROUNDS = 2
"""Rounds of probes at once after a reset."""
_AGAIN = 50
"""Turns until another round, where the first ones did not let an agent back in."""
_STEADY = 2
"""Good rounds in a row that let an agent back in."""
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
    """Good rounds of probes in a row, since the reset."""
    rounds: int = 0
    """Rounds of probes since the reset."""
    tried: int = 0
    """Turn at the last round."""
    resets: list[int] = field(default_factory=list)
    """Interactions at which it was reset."""


def count_low_windows(before: int, index: float | None, band: Band | None) -> int:
    """Counts windows in a row under the band.

    Args:
        before: The count before this window.
        index: Of this window; None where it has none.
        band: Of the baseline; None without one.
    """
    return before + 1 if index is not None and band is not None and index < band.low() else 0


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

    def drifted(self, agent: str, low: int, alarms: Sequence[str] = ()) -> str:
        """Why an agent must go into quarantine, or an empty text.

        Args:
            agent: Whose.
            low: Windows in a row under its band, as `count_low_windows` counts them.
            alarms: Channels that alarmed about a change for the worse since the last look.
        """
        if alarms:
            return f"alarm of {alarms[0]}"
        return f"{low} windows under {self.standings[agent].band.low():.3f}" if low >= _LOW else ""

    def flag(self, agent: str, at: int) -> bool:
        """Puts an agent into quarantine; it must now be reset.

        Returns:
            Whether a human must look: it was reset twice within 200 interactions.
        """
        standing = self.standings[agent]
        standing.quarantined, standing.steady, standing.rounds = True, 0, 0
        standing.resets = [*(old for old in standing.resets if at - old < _WITHIN), at]
        return len(standing.resets) >= _RESETS

    def probe_due(self, agent: str, at: int) -> bool:
        """Whether an agent in quarantine must answer a round of probes now, at this turn."""
        standing = self.standings[agent]
        return standing.quarantined and (standing.rounds < _ROUNDS or at - standing.tried >= _AGAIN)

    def tried(self, agent: str, at: int) -> None:
        """Takes that a round of probes was asked at this turn, whether it could be answered or not."""
        standing = self.standings[agent]
        standing.rounds, standing.tried = standing.rounds + 1, at

    def probed(self, agent: str, passed: int, probes: int, usual: float) -> bool:
        """Takes a round of probes of an agent in quarantine; two good rounds in a row let it back in.

        Args:
            agent: Whose.
            passed: Probes that passed.
            probes: Of how many; without any, the round counts as good, as waiting must do.
            usual: Share that passed in the baseline: what a round is good by, half a standard deviation under it.
        """
        standing = self.standings[agent]
        spread = math.sqrt(usual * (1 - usual) / probes) if probes else 0.0
        good = not probes or passed / probes >= usual - spread / 2
        standing.steady = standing.steady + 1 if good else 0
        if standing.steady < _STEADY:
            return False
        standing.quarantined, standing.index = False, standing.band.mean
        return True

    def _score(self, standing: AgentStatus, task: str) -> float:
        right, tried = standing.successes.get(task, (0, 0))
        odds = math.log((right + 1) / (tried - right + 1))
        moved = (standing.index - standing.band.mean) / max(standing.band.sd, 1e-6)
        # Ten standard deviations are as bad as it gets: one number must not decide everything.
        return odds + self._weight * min(max(moved, -10.0), 2.0) - standing.cost
