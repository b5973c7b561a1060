"""Ideas: what a candidate is to carry out, in words, before anybody writes it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Idea(BaseModel):
    """The idea that a candidate carries out, and how it came to be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    batch: int = Field(ge=0)
    """Iteration for which it was proposed, with others."""
    rank: int = Field(ge=0)
    """Its place among those, from 0 for the most promising."""
    reviewed: bool = False
    """Whether a reviewer said the rank; if not, it is the order of whoever proposed them."""
    audit: bool = False
    """Whether it ranks too low to be tried, and is tried all the same, to learn what the ranks are worth."""
