"""Accept, hold or roll back a change of prompt, model or strategy.

The improvement against the last accepted versions is measured as in PIPO (Wang et al. 2026, arXiv 2604.00860,
eq. 7 to 9), which uses it to scale updates; here it gates, together with a paired test against the incumbent, since
improvement alone accepts half of all changes that change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from loopwright.stats import FEWEST_FOR_BOOTSTRAP, PairedDifference, paired_difference, tasks_to_exclude

_CLAMP = 2.0
_HARM = 0.05

GateDecision = Literal["accept", "hold", "roll back"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to do about a change, and why."""

    decision: GateDecision
    why: str
    improvement: float
    """xi: standard deviations of the accepted versions by which the candidate is better."""
    wins: int
    """Tasks on which the candidate is better."""
    losses: int
    p_harm: float
    """One-sided: chance of as many losses without a difference."""
    p_better: float
    """Posterior probability that the candidate wins more tasks than it loses, from a uniform prior."""
    paired: PairedDifference
    """Candidate minus incumbent."""

    @property
    def harmful(self) -> bool:
        """Whether the losses are more than chance gives."""
        return self.p_harm < _HARM


def improvement(score: float, history: Sequence[float], tasks: int | None = None) -> float:
    """Xi = (mu - mean of history) / sd of history, Bessel-corrected (PIPO eq. 8 and 9).

    Args:
        score: Mean score of the candidate, in [0, 1].
        history: Of the last accepted versions; one suffices where `tasks` is given.
        tasks: Tasks behind each mean: the sd is then at least sqrt(mu (1 - mu) / tasks), since a quiet history would
            make any step look huge.

    Raises:
        ValueError: There is no history, or one version without `tasks`.
    """
    if not history or (len(history) < 2 and tasks is None):
        raise ValueError("need two accepted versions, or one and the number of tasks")
    mean = fmean(history)
    spread = stdev(history) if len(history) > 1 else 0.0
    if tasks is not None:
        rate = min(max(mean, 0.5 / tasks), 1 - 0.5 / tasks)
        spread = max(spread, math.sqrt(rate * (1 - rate) / tasks))
    return (score - mean) / spread if spread else math.copysign(math.inf, score - mean) if score != mean else 0.0


def p_of_harm(wins: int, losses: int) -> float:
    """P(Bin(wins + losses, 1/2) >= losses), exact."""
    n = wins + losses
    return sum(math.comb(n, k) for k in range(losses, n + 1)) / (1 << n)


def p_of_better(wins: int, losses: int) -> float:
    """P(theta > 1/2) where theta ~ Beta(1 + wins, 1 + losses)."""
    n = wins + losses + 1
    return sum(math.comb(n, k) for k in range(wins + 1)) / (1 << n)


def judge_change(
    incumbent: Mapping[str, Sequence[float]],
    candidate: Mapping[str, Sequence[float]],
    history: Sequence[float] = (),
    *,
    margin: float = 0.02,
    dropped: float = 0.0,
    most_dropped: float = 0.1,
) -> Ruling:
    """Decides about a change from scores on the same frozen probes.

    Accept: no worse than the accepted versions (xi >= 0), the lower end of the paired 95 % interval is above
    -margin, and no skill dropped too far. Roll back: harm is likely (one-sided p < 0.05) or xi < -2. Else hold: run
    more probes, and keep the incumbent meanwhile.

    Args:
        incumbent: Task to the scores in [0, 1] of its repeats under the version in use.
        candidate: The same under the change.
        history: Mean scores of earlier accepted versions, the latest last; the incumbent is added.
        margin: Loss in mean score that would be accepted.
        dropped: Windowed forgetting of the worst skill, from `forgetting`.
        most_dropped: Limit on it.

    Raises:
        ValueError: The two share no task, or a score is outside [0, 1].
    """
    paired = paired_difference(candidate, incumbent)
    shared = candidate.keys() & incumbent.keys()
    differences = [fmean(candidate[task]) - fmean(incumbent[task]) for task in sorted(shared)]
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    xi = improvement(paired.mean_a, [*history[-7:], paired.mean_b], len(differences))
    harm = p_of_harm(wins, losses)
    decision: GateDecision
    if harm < _HARM:
        decision, why = "roll back", f"worse on {losses} tasks and better on {wins}: one-sided p {harm:.3f}"
    elif xi < -_CLAMP:
        decision, why = "roll back", f"{-xi:.1f} standard deviations under the accepted versions"
    elif xi < 0:
        decision, why = "hold", f"{-xi:.1f} standard deviations under the accepted versions, within chance"
    elif paired.interval.low <= -margin:
        decision, why = (
            "hold",
            f"a loss of {-paired.interval.low:.3f} is not ruled out, beyond {margin:g}; {_remedy(differences, margin)}",
        )
    elif dropped > most_dropped:
        decision, why = "hold", f"a skill dropped by {dropped:.2f} on the way, more than {most_dropped:.2f}"
    else:
        decision, why = (
            "accept",
            f"no loss beyond {margin:.2f}, {xi:.1f} standard deviations above the accepted versions",
        )
    return Ruling(decision, why, xi, wins, losses, harm, p_of_better(wins, losses), paired)


def _remedy(differences: Sequence[float], margin: float) -> str:
    """What would rule the loss out. With few tasks the width of the interval is due to their number alone."""
    if len(differences) >= FEWEST_FOR_BOOTSTRAP:
        return "run more tasks or repeats"
    enough = tasks_to_exclude(margin, differences)
    return f"run more tasks: about {enough} that differ alike are enough" if enough else "run more tasks"
