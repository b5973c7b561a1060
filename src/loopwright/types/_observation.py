"""Observations: what environments answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from loopwright.types._verdict import Verdict


class Observation(BaseModel):
    """What an environment answers; every word of it may be shown to proposer and critic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    """Output of the action, already cut to a size that fits a prompt."""
    verdict: Verdict | None = None
    """Result of the visible checks, where the environment has some."""
    done: bool = False
    """Whether the episode cannot go on, e.g. the action submitted an answer."""
