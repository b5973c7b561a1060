"""The strategy `geo`: a first map, then refining stages until the map has moved as far as the ratings' noise."""

from __future__ import annotations

from loopwright.loop import BUDGET, MAX_ITERATIONS, Decision, DecisionContext, RefinementStrategy, StopRule
from loopwright.types import Attempt

MAX_STAGES = 3
"""Refining stages, at most: the best one was never a later one."""
MUCH_EXPLAINED = 0.75
"""Share of the ratings' variance that neighbours must tell before a second stage: below it, rough truth is lost."""


def _not_warranted(context: DecisionContext) -> str | None:
    made = _made(context.tree[context.iteration])
    return str(made.get("why")) if made.get("warranted") is False else None


def _noise_reached(context: DecisionContext) -> str | None:
    made = _made(context.tree[context.iteration])
    change, noise = made.get("moved"), made.get("noise")
    if not isinstance(change, float) or not isinstance(noise, float) or change < noise:
        return None
    return f"the map moved by {change:.3g} (mean square), and the ratings' noise is {noise:.3g}"


def _little_told(context: DecisionContext) -> str | None:
    made = _made(context.tree[context.iteration])
    told = made.get("explained")
    if not made.get("stage") or not isinstance(told, float) or told >= MUCH_EXPLAINED:
        return None
    return f"neighbours tell {told:.0%} of the ratings' variance; a second stage asks for {MUCH_EXPLAINED:.0%}"


def _stages_done(context: DecisionContext) -> str | None:
    stage = _made(context.tree[context.iteration]).get("stage", 0)
    return f"{stage} refining stages are done" if isinstance(stage, int) and stage >= MAX_STAGES else None


def _made(attempt: Attempt) -> dict[str, object]:
    return dict(attempt.candidate.made) if attempt.candidate else {}


def next_stage(context: DecisionContext) -> Decision:
    """Goes on from the latest map; rates again where there is none."""
    if context.tree[context.iteration].candidate is None:
        return Decision("restart", "no_candidate", context.tree[context.iteration].problem)
    return Decision("continue", "geo", "the map may move on towards the noise", context.iteration)


GEO = RefinementStrategy(
    "geo",
    next_stage,
    (
        StopRule(
            "not_warranted", "refining is not warranted: the ratings do not hang together in space", _not_warranted
        ),
        StopRule("noise_reached", "the map moved as far from the ratings as their noise", _noise_reached),
        StopRule("little_told", "one stage is done, and neighbours tell too little for another", _little_told),
        StopRule("stages_done", f"{MAX_STAGES} refining stages are done", _stages_done),
        MAX_ITERATIONS,
        BUDGET,
    ),
)
"""Stages of refining, stopped without labels."""
