"""Critiques: what critics say."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

DecisionKind = Literal["continue", "backtrack", "restart", "stop"]
"""Where a loop goes after an iteration."""


class Critique(BaseModel):
    """What a critic says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feedback: str
    decision: DecisionKind = "continue"
    backtrack_to: int | None = None
    """Iteration to go on from, with decision `backtrack`."""
