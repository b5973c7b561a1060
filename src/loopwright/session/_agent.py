"""One agent of a session, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from loopwright.agents import MemoryTurn
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.session._memory import SessionMemory
from loopwright.session._monitor import SessionMonitor
from loopwright.types import DriftAlarm

POOL = 200
"""Episodes that are kept for probes and examples where the baseline comes from a file."""


@dataclass(frozen=True, slots=True)
class BaselineEpisode:
    """An episode of the time when all was well."""

    planned: PlannedEpisode
    turn: MemoryTurn
    """Its best one."""
    passed: bool
    """By visible checks, verifiers and the judge."""
    at_once: bool
    """Whether its first answer did, as a probe has to."""


@dataclass(slots=True)
class SessionAgent:
    """One agent of a session; a session without routing has one."""

    name: str
    """Its model or agent, as routing names it; empty without routing."""
    cast: ResolvedComponents
    recall: SessionMemory
    watching: SessionMonitor | None
    pool: list[BaselineEpisode] = field(default_factory=list)
    """Checked episodes of the baseline, for examples."""
    probes: list[BaselineEpisode] = field(default_factory=list)
    """Those that are held out for probes: no summary and no example tells of them."""
    alarms: list[DriftAlarm] = field(default_factory=list)
    """Raised since mitigations last looked."""

    @property
    def agent(self) -> str | None:
        """Its name in the record."""
        return self.name or None

    @property
    def usual(self) -> float:
        """Share of the episodes held out for probes whose first answer passed, in [0, 1]."""
        return sum(done.at_once for done in self.probes) / len(self.probes) if self.probes else 0.0
