"""Drift-aware routing in a session: each episode goes to one of several agents; one that drifts is reset and probed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loopwright.agents import Memory
from loopwright.drift import Band, Router
from loopwright.errors import Interrupted
from loopwright.plan import PlannedEpisode
from loopwright.session._agent import SessionAgent
from loopwright.session._mitigation_runner import Calls, MitigationRunner
from loopwright.store import Mitigated, Routed
from loopwright.task import RoutingOptions

_UNKNOWN = Band(1.0, 0.05)
"""Until there is a baseline."""
_LOW = 3
"""Windows in a row under the baseline's band that flag an agent."""
_AGAIN = 50
"""Turns of the session until another round of probes, where the first two did not let an agent back in."""
_ROUNDS = 2


@dataclass(slots=True)
class _Seen:
    windows: int = 0
    rounds: int = 0
    """Of probes since the last reset."""
    tried: int = 0
    """Turns of the session at the last round."""


class Routing:
    """Chooses who gets an episode, and looks after those who drift."""

    def __init__(self, options: RoutingOptions, deeds: MitigationRunner) -> None:
        self._options = options
        self._deeds = deeds
        self._router = Router(dict.fromkeys(options.choices, _UNKNOWN), deeds.task.seed or 0, options.weight)
        for name, cost in options.costs.items():
            self._router.standings[name].cost = cost
        self._seen = {name: _Seen() for name in options.choices}
        kind = options.kind
        self._kinds = (
            {record.id: str({**(record.model_extra or {}), **record.vars}.get(kind, "")) for record in deeds.task.data}
            if kind
            else {}
        )

    def choose(self, planned: PlannedEpisode) -> Routed:
        """Draws who gets an episode, by the episode's name: the same after a resume."""
        kind = self._kind(planned)
        shares: Mapping[str, float] = self._router.shares(kind)
        return Routed(agent=self._router.choose(kind, planned.id), shares=shares)

    def record(self, member: SessionAgent, planned: PlannedEpisode, *, passed: bool) -> None:
        """Takes what an episode came to by visible checks."""
        self._router.record(member.name, self._kind(planned), success=passed)

    async def tend(self, member: SessionAgent) -> None:
        """Flags an agent that drifts, and probes one in quarantine.

        Raises:
            Interrupted: A person must look, and the task asks to stop then.
        """
        seen = self._seen[member.name]
        if self._waits(member):
            if self._deeds.at - seen.tried >= _AGAIN:
                await self._probe(member)
            return
        why = self._why(member)
        if why:
            await self._reset(member, why)
            while self._waits(member) and seen.rounds < _ROUNDS:
                await self._probe(member)

    def _kind(self, planned: PlannedEpisode) -> str:
        return self._kinds.get(planned.instance.id, "")

    def _waits(self, member: SessionAgent) -> bool:
        return self._router.standings[member.name].quarantined

    def _why(self, member: SessionAgent) -> str:
        """Takes the latest window, and says why the agent is flagged, if it is."""
        watching, seen = member.watching, self._seen[member.name]
        if watching is None or watching.band is None:
            return ""
        standing = self._router.standings[member.name]
        if standing.band is _UNKNOWN:
            standing.band, standing.index = watching.band, watching.band.mean
        if watching.windows != seen.windows and watching.index is not None and watching.index.value is not None:
            seen.windows = watching.windows
            standing.index = watching.index.value
        worse = [alarm.channel for alarm in member.alarms if alarm.worse]
        if worse:
            return f"alarm of {worse[0]}"
        return f"{watching.low} windows under {watching.band.low():.3f}" if watching.low >= _LOW else ""

    async def _reset(self, member: SessionAgent, why: str) -> None:
        human = self._router.flag(member.name, self._deeds.at)

        async def make(calls: Calls) -> Mitigated:
            what = f"{member.name} in quarantine, its memory cleared"
            return Mitigated(kind="routing", at=self._deeds.at, why=why, what=what, human=human)

        deed, now = await self._deeds.once("routing", member, why, make)
        member.recall.clear()
        if member.watching:
            member.watching.reset()
        seen = self._seen[member.name]
        seen.rounds, seen.windows = 0, member.watching.windows if member.watching else 0
        if deed.human and now and self._options.stop:
            raise Interrupted(
                f"{member.name} was reset twice within 200 interactions: {why}",
                remedy="Look at it; `loopwright resume RUN` goes on all the same.",
            )

    async def _probe(self, member: SessionAgent) -> None:
        seen = self._seen[member.name]
        why = f"round {seen.rounds + 1} of probes"

        async def make(calls: Calls) -> Mitigated:
            chosen = self._deeds.chosen(member, self._options.probes)
            answers = await self._deeds.answered(member, chosen, lambda _: Memory(), calls, f"probe {seen.rounds}")
            return Mitigated(
                kind="routing",
                at=self._deeds.at,
                why=why,
                what=f"{sum(answers)} of {len(chosen)} pass, usual are {member.usual:.0%}",
                probes=len(chosen),
                better=sum(answers),
                worse=len(chosen) - sum(answers),
            )

        deed, _ = await self._deeds.once("routing", member, why, make)
        seen.rounds, seen.tried = seen.rounds + 1, self._deeds.at
        # Without checks there is nothing to probe with: two rounds of waiting must do.
        if not deed.undone:
            self._router.probed(member.name, deed.better, max(deed.probes, 1), member.usual if deed.probes else 0.0)
