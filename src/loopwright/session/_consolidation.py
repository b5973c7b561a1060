"""Episodic memory consolidation in a session: a summarizer's words take the place of old turns."""

from __future__ import annotations

from loopwright.agents import AgentRole, Memory, cut_to, latest, tokens_of
from loopwright.drift import ConsolidationSchedule, MemoryEntry, chained_digest
from loopwright.loop import view_of
from loopwright.session._agent import SessionAgent
from loopwright.session._mitigation_runner import Calls, Comparison, MitigationRunner, guarded
from loopwright.store import Mitigated
from loopwright.task import ConsolidationOptions, Instance

_WORDS = 0.5
"""Words that a summarizer is asked for, per token that there is room for."""


class ConsolidationPolicy:
    """Consolidates when it is time or a channel alarms, under its guard."""

    def __init__(self, options: ConsolidationOptions, runner: MitigationRunner) -> None:
        self._options = options
        self._runner = runner
        self._schedule = ConsolidationSchedule(options.every)

    async def tend(self, member: SessionAgent) -> None:
        """Looks whether it is time."""
        why = self._schedule.due(member.recall.since, (alarm.channel for alarm in member.alarms))
        if not why:
            return

        async def make(calls: Calls) -> Mitigated:
            return await self._made(member, why, calls)

        mitigation, _ = await self._runner.once("consolidation", member, why, make)
        member.recall.since = 0
        if mitigation.emptied:
            member.recall.clear()
        elif not mitigation.undone and mitigation.text is not None and mitigation.digest is not None:
            member.recall.consolidate(mitigation.text, mitigation.count, mitigation.digest)

    async def _made(self, member: SessionAgent, why: str, calls: Calls) -> Mitigated:
        options, recall, task = self._options, member.recall, self._runner.task
        goal = task.goal if isinstance(task.goal, str) else task.goal.template
        # What probes ask for must not be told by the summary, or they would judge it by what it copied.
        turns = latest([turn for turn in recall.last(options.reviewed) if not self._runner.held(turn)], options.reads)
        view = view_of(
            AgentRole.SUMMARIZER,
            Instance(id=task.name, goal=goal),
            words=int(options.tokens * _WORDS),
            memory=Memory(summary=recall.summary, turns=turns),
        )
        calls.most = options.tokens
        reply = await member.cast.agents[AgentRole.SUMMARIZER].act(view, calls)
        text = cut_to(reply.candidate.text.strip() if reply.candidate else "", options.tokens)
        rests = (
            MemoryEntry(-1, "summary", text, tokens_of(text)),
            *(MemoryEntry(at, "tool_output", turn.text, turn.tokens) for at, turn in enumerate(turns)),
        )
        old, new = recall.memory(), recall.would(text, options.raw)
        chosen = self._runner.chosen(member, options.probes)
        with_old = await self._runner.answered(member, chosen, lambda _: old, calls)
        with_new = await self._runner.answered(member, chosen, lambda _: new, calls)
        compared = Comparison(with_old, with_new)
        what = f"{len(turns)} turns reviewed, memory from {old.tokens} to {new.tokens} tokens"
        emptied = False
        if options.forget:
            bare = await self._runner.answered(member, chosen, lambda _: Memory(), calls)
            emptied = Comparison(bare, with_old if compared.harmed else with_new).harmed
            what += f"; of {len(chosen)} probes {sum(bare)} pass without any"
        what += guarded(len(chosen)) if options.probes else ""
        return Mitigated(
            kind="consolidation",
            at=self._runner.at,
            why=why,
            what=what,
            count=options.raw,
            undone=compared.harmed,
            emptied=emptied,
            text=text,
            digest=chained_digest(rests, recall.digest),
            sources=tuple(turn.id for turn in turns),
            **compared.fields,
        )
