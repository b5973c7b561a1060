"""Drift-aware routing in a session: each episode goes to one of several agents; one that drifts is reset and probed."""

from __future__ import annotations

from collections.abc import Mapping

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


class Routing:
    """Chooses who gets an episode, and looks after those who drift."""

    def __init__(self, options: RoutingOptions, runner: MitigationRunner) -> None:
        self._options = options
        self._runner = runner
        self._router = Router(dict.fromkeys(options.choices, _UNKNOWN), runner.task.seed or 0, options.weight)
        for name, cost in options.costs.items():
            self._router.standings[name].cost = cost
        self._windows = dict.fromkeys(options.choices, 0)
        """Windows of the index that were taken, by agent."""
        kind = options.kind
        self._kinds = (
            {record.id: str({**(record.model_extra or {}), **record.vars}.get(kind, "")) for record in runner.task.data}
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
        if not self._router.standings[member.name].quarantined and (why := self._why(member)):
            await self._reset(member, why)
        while self._router.probe_due(member.name, self._runner.at):
            await self._probe(member)

    def _kind(self, planned: PlannedEpisode) -> str:
        return self._kinds.get(planned.instance.id, "")

    def _why(self, member: SessionAgent) -> str:
        """Takes the latest window, and says why the agent is flagged, if it is."""
        watching = member.watching
        if watching is None or watching.band is None:
            return ""
        standing = self._router.standings[member.name]
        if standing.band is _UNKNOWN:
            standing.band, standing.index = watching.band, watching.band.mean
        index = watching.index.value if watching.index else None
        if watching.windows != self._windows[member.name] and index is not None:
            self._windows[member.name] = watching.windows
            standing.index = index
        worse = [alarm.channel for alarm in member.alarms if alarm.worse]
        return self._router.drifted(member.name, watching.low, worse)

    async def _reset(self, member: SessionAgent, why: str) -> None:
        human = self._router.flag(member.name, self._runner.at)

        async def make(calls: Calls) -> Mitigated:
            what = f"{member.name} in quarantine, its memory cleared"
            return Mitigated(kind="routing", at=self._runner.at, why=why, what=what, human=human)

        mitigation, now = await self._runner.once("routing", member, why, make)
        member.recall.clear()
        if member.watching:
            member.watching.reset()
        self._windows[member.name] = member.watching.windows if member.watching else 0
        if mitigation.human and now and self._options.stop:
            raise Interrupted(
                f"{member.name} was reset twice within 200 interactions: {why}",
                remedy="Look at it; `loopwright resume RUN` goes on all the same.",
            )

    async def _probe(self, member: SessionAgent) -> None:
        rounds = self._router.standings[member.name].rounds
        why = f"round {rounds + 1} of probes"

        async def make(calls: Calls) -> Mitigated:
            chosen = self._runner.chosen(member, self._options.probes)
            answers = await self._runner.answered(member, chosen, lambda _: Memory(), calls, f"probe {rounds}")
            return Mitigated(
                kind="routing",
                at=self._runner.at,
                why=why,
                what=f"{sum(answers)} of {len(chosen)} pass, usual are {member.usual:.0%}",
                probes=len(chosen),
                better=sum(answers),
                worse=len(chosen) - sum(answers),
            )

        mitigation, _ = await self._runner.once("routing", member, why, make)
        self._router.tried(member.name, self._runner.at)
        if not mitigation.undone:
            self._router.probed(member.name, mitigation.better, mitigation.probes, member.usual)
