"""Attempts: iterations as agents may see them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from loopwright.types._arm import ArmUse
from loopwright.types._candidate import Candidate
from loopwright.types._critique import DecisionKind
from loopwright.types._idea import Idea
from loopwright.types._message import Message
from loopwright.types._observation import Observation
from loopwright.types._verdict import Verdict


class Attempt(BaseModel):
    """One finished iteration as agents may see it. Attempts form an append-only tree."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iteration: int
    """From 0."""
    parent: int | None = None
    """The iteration whose candidate this one was made from; None for a fresh start."""
    candidate: Candidate | None = None
    """None where the reply held no candidate."""
    problem: str = ""
    """Why there is no candidate; empty where there is one."""
    made_by: ArmUse | None = None
    """Who made it, where a search chooses among several."""
    idea: Idea | None = None
    """What the candidate was to carry out; None where nobody proposes ideas."""
    ideas: tuple[str, ...] = ()
    """Those that were proposed for this candidate and later ones, the most promising first."""
    message: Message | None = None
    """The reply that called a tool, where the candidate is the call."""
    observation: Observation = Observation()
    verdict: Verdict = Verdict()
    critique: str = ""
    critic_wants: DecisionKind | None = None
    """Where the critic wants to go; None where none was asked."""
