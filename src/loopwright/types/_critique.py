"""Critiques: what critics say."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Critique(BaseModel):
    """What a critic says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feedback: str
    decision: Literal["continue", "backtrack", "restart", "stop"] = "continue"
    backtrack_to: int | None = None
    """Iteration to go on from, with decision `backtrack`."""
