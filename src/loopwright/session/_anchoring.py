"""Adaptive behavioural anchoring in a session: the further the index has fallen, the more examples are shown."""

from __future__ import annotations

from functools import partial

from loopwright.agents import Memory, MemoryTurn
from loopwright.drift import Anchor, Exemplar, embed_input, measure_drift, select_exemplars
from loopwright.plan import PlannedEpisode
from loopwright.session._agent import BaselineEpisode, SessionAgent
from loopwright.session._mitigation_runner import Calls, Comparison, MitigationRunner, guarded
from loopwright.store import Mitigated
from loopwright.task import AnchoringOptions


class Anchoring:
    """Follows the index of each agent, window by window."""

    def __init__(self, options: AnchoringOptions, runner: MitigationRunner) -> None:
        self._options = options
        self._runner = runner
        self._anchors: dict[str, Anchor] = {}
        self._windows: dict[str, int] = {}

    async def tend(self, member: SessionAgent) -> None:
        """Takes the latest window of the index, if there is one."""
        watching = member.watching
        if watching is None or watching.windows == self._windows.get(member.name, 0):
            return
        self._windows[member.name] = watching.windows
        index, band = watching.index, watching.band
        if index is None or index.value is None or band is None:
            return
        fallen = measure_drift(index.value, band)
        anchor = self._anchors.setdefault(member.name, Anchor(self._options.most))
        wanted = anchor.update(fallen)
        if wanted == anchor.shown:
            return
        why = f"index {index.value:.3f}, level {fallen:.2f}"

        async def make(calls: Calls) -> Mitigated:
            return await self._made(member, why, anchor.shown, wanted, calls)

        mitigation, _ = await self._runner.once("anchoring", member, why, make)
        if not mitigation.undone:
            anchor.show(mitigation.count)
        elif mitigation.probes:
            # Otherwise it could not be done, and may be with the next window.
            anchor.refuse()

    def examples(self, member: SessionAgent, planned: PlannedEpisode) -> tuple[MemoryTurn, ...]:
        """What is shown in an episode: never an answer to the same question."""
        anchor = self._anchors.get(member.name)
        return self._chosen(member, planned, anchor.shown if anchor else 0)

    async def _made(self, member: SessionAgent, why: str, shown: int, wanted: int, calls: Calls) -> Mitigated:
        compared, caveat = Comparison((), ()), ""
        if wanted > shown and self._options.probes:
            chosen = self._runner.chosen(member, self._options.probes)
            answers = [
                await self._runner.answered(member, chosen, partial(self._memory, member, count), calls)
                for count in (shown, wanted)
            ]
            compared = Comparison(answers[0], answers[1])
            caveat = guarded(len(chosen))
        return Mitigated(
            kind="anchoring",
            at=self._runner.at,
            why=why,
            what=f"from {shown} to {wanted} examples, of {self._options.tokens} tokens at most{caveat}",
            count=wanted,
            undone=compared.harmed,
            **compared.fields,
        )

    def _memory(self, member: SessionAgent, count: int, done: BaselineEpisode) -> Memory:
        return member.recall.memory(examples=self._chosen(member, done.planned, count))

    def _chosen(self, member: SessionAgent, planned: PlannedEpisode, count: int) -> tuple[MemoryTurn, ...]:
        if not count:
            return ()
        goal, asked = planned.instance.goal, self._runner.question(planned.id)
        pool = {
            done.turn.id: done.turn
            for done in member.pool
            if done.passed and self._runner.question(done.planned.id) != asked
        }
        exemplars = [Exemplar.of(turn.id, turn.goal, tokens=turn.tokens) for turn in pool.values()]
        found = select_exemplars(exemplars, embed_input(goal), count, tokens=self._options.tokens)
        return tuple(pool[one.id] for one in found)
