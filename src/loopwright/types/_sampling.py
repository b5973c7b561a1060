"""Sampling: how a reply is drawn."""

from __future__ import annotations

import operator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from loopwright.types._numbers import PlainNumbers

Parameter = Literal["temperature", "top_p", "max_tokens", "seed", "stop", "reasoning_effort"]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""What fixes a draw. It is no amount: any whole number that has room in 64 bits is one."""
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class Sampling(PlainNumbers):
    """How a reply is drawn. None leaves the provider's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0)
    """How much chance there is in a reply; 0 takes the likeliest token each time."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Only the likeliest tokens that together have this probability are drawn."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Tokens of a reply, reasoning included, at most."""
    seed: Seed | None = None
    """Fixes what is drawn, where the server honours it; none lets the run's seed decide."""
    stop: tuple[str, ...] = ()
    """Texts that end a reply."""
    reasoning_effort: ReasoningEffort | None = Field(default=None, exclude_if=operator.not_)
    """How much a reasoning model thinks before it answers."""
    required: tuple[Parameter, ...] = Field(default=(), exclude_if=operator.not_)
    """Parameters that the reply must be drawn with. The server may refuse all others: they are then left out."""
