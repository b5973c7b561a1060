"""Who made a candidate where a search chooses among several, and what that took."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class ArmUse(BaseModel):
    """The arm that made a candidate, and what its model calls took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    tokens: int = Field(default=0, ge=0)
    usd: Decimal | None = None
    """None where a call has no price."""
