"""One agent of a session, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from loopwright._casting import Cast
from loopwright._plan import Planned
from loopwright.agents import Turn
from loopwright.drift import Alarm
from loopwright.session._recall import Recall
from loopwright.session._watching import Watching

POOL = 200
"""Episodes that are kept for probes and examples where the baseline comes from a file."""


@dataclass(frozen=True, slots=True)
class Done:
    """An episode of the time when all was well."""

    planned: Planned
    turn: Turn
    """Its best one."""
    passed: bool
    """By visible checks."""


@dataclass(slots=True)
class Member:
    """One agent of a session; a session without routing has one."""

    name: str
    """Its model or agent, as routing names it; empty without routing."""
    cast: Cast
    recall: Recall
    watching: Watching | None
    pool: list[Done] = field(default_factory=list)
    """Checked episodes of the baseline, for probes and examples."""
    alarms: list[Alarm] = field(default_factory=list)
    """Raised since mitigations last looked."""
    turns: int = 0

    @property
    def agent(self) -> str | None:
        """Its name in the record."""
        return self.name or None

    @property
    def usual(self) -> float:
        """Share of the baseline's episodes that passed, in [0, 1]."""
        return sum(done.passed for done in self.pool) / len(self.pool) if self.pool else 0.0
