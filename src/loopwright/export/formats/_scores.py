"""The score of a candidate, and what it was found by."""

from __future__ import annotations

from enum import StrEnum

from loopwright.record import EpisodeRecord


class JudgedBy(StrEnum):
    """What a score was found by, the most trusted first."""

    HIDDEN = "hidden checks"
    VISIBLE = "visible checks"


def candidate_score(episode: EpisodeRecord, iteration: int, judge: JudgedBy) -> float | None:
    """Score in [0, 1] of an iteration's candidate; None where that judge gave none."""
    one = episode.iterations[iteration]
    if one.proposed is None or one.proposed.candidate is None:
        return None
    if judge is JudgedBy.HIDDEN:
        return one.graded.verdict.score if one.graded else None
    return None if one.judged is None or one.judged.verdict.blank else one.score
