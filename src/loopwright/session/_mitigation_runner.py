"""What mitigations do: decided once, recorded, and taken from the record when a run is resumed."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from loopwright.agents import Memory, MemoryTurn
from loopwright.budget import Ledger
from loopwright.drift import harmed
from loopwright.errors import AgentError, BudgetExceeded, ModelError, SandboxError, VerifierError
from loopwright.loop import EpisodeContext, NodeCalls, probe
from loopwright.models import Reply, Request
from loopwright.plan import PlannedEpisode, RunResources, current_episode
from loopwright.session._agent import BaselineEpisode, SessionAgent
from loopwright.store import Mitigated, RunStore
from loopwright.task import Task

Kind = Literal["consolidation", "routing", "anchoring"]
ENOUGH = 5
"""Probes without which the guard's test cannot tell harm, whatever they say."""
_HELD = 0.4
"""Share of the baseline's questions that are held out for probes."""


@dataclass(slots=True)
class Calls:
    """The way to the models, which counts what was spent on it; the same after a resume."""

    calls: NodeCalls
    tokens: int = 0
    most: int | None = None
    """Tokens of a reply, at most; None leaves it to the agent."""
    seconds: float = 0.0
    """Time in environments."""

    async def complete(self, request: Request) -> Reply:
        """Answers one request; see `NodeCalls.complete`."""
        if self.most is not None:
            most = min(self.most, request.sampling.max_tokens or self.most)
            request = request.model_copy(update={"sampling": request.sampling.model_copy(update={"max_tokens": most})})
        reply = await self.calls.complete(request)
        self.tokens += reply.usage.total
        return reply


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same probes before and after."""

    before: Sequence[bool]
    after: Sequence[bool]

    @property
    def fields(self) -> dict[str, int]:
        """For the record."""
        pairs = list(zip(self.before, self.after, strict=True))
        return {
            "probes": len(pairs),
            "better": sum(new and not old for old, new in pairs),
            "worse": sum(old and not new for old, new in pairs),
        }

    @property
    def harmed(self) -> bool:
        """Whether what was done must be undone."""
        return harmed(self.before, self.after)


@dataclass(slots=True)
class MitigationRunner:
    """Hands of the mitigations of one session."""

    session: str
    task: Task
    parts: RunResources
    store: RunStore
    ledger: Ledger
    planned: Mapping[str, PlannedEpisode]
    at: int = 0
    """Turns of the session so far."""
    _recorded: dict[tuple[str, str | None, int], deque[Mitigated]] = field(default_factory=lambda: defaultdict(deque))

    def remember(self, mitigation: Mitigated) -> None:
        """Takes what an earlier process recorded, to be answered with when it comes up."""
        self._recorded[mitigation.kind, mitigation.agent, mitigation.at].append(mitigation)

    async def once(
        self, kind: Kind, member: SessionAgent, why: str, make: Callable[[Calls], Awaitable[Mitigated]]
    ) -> tuple[Mitigated, bool]:
        """Does something and records it, unless it is recorded.

        Args:
            kind: Of mitigation.
            member: On whom.
            why: Told where it cannot be done.
            make: Does it; what it raises because of a budget, a model or a check leaves things as they were.

        Returns:
            What was done, and whether that was just now.
        """
        key = (kind, member.agent, self.at)
        if self._recorded[key]:
            return self._recorded[key].popleft(), False
        calls = Calls(self.calls(kind))
        begun = current_episode.set(self.session)
        try:
            mitigation = await make(calls)
        except (AgentError, BudgetExceeded, ModelError, SandboxError, VerifierError) as error:
            what = f"could not be done: {error.args[0]}"
            mitigation = Mitigated(kind=kind, at=self.at, why=why, what=what, undone=True)
        finally:
            current_episode.reset(begun)
        spent = {"agent": member.agent, "tokens": calls.tokens, "seconds": round(calls.seconds, 6)}
        mitigation = mitigation.model_copy(update=spent)
        self.store.append(mitigation, episode=self.session, iteration=self.at, node=kind)
        return mitigation, True

    def calls(self, node: str) -> NodeCalls:
        """A way to the models, whose calls are the session's."""
        return NodeCalls(
            models=self.parts.models,
            store=self.store,
            ledger=self.ledger,
            prices=self.parts.prices,
            episode=self.session,
            iteration=self.at,
            node=node,
            seed=self.task.seed,
        )

    def question(self, episode: str) -> str:
        """What an episode asks: the same for episodes that are given the same."""
        instance = self.planned[episode].instance
        return f"{instance.goal}\0{json.dumps(dict(instance.public), sort_keys=True, default=repr)}"

    def held(self, turn: MemoryTurn) -> bool:
        """Whether what a turn answers is held out for probes, once for all."""
        if not self._probing:
            return False
        return Random(f"{self.task.seed}/{self.session}/{self.question(_episode(turn))}").random() < _HELD

    def chosen(self, member: SessionAgent, count: int) -> list[BaselineEpisode]:
        """Probes: of what is held out, that the agent does not have before its eyes."""
        shown = {self.question(_episode(turn)) for turn in member.recall.memory().turns}
        pool = [done for done in member.probes if self.question(done.planned.id) not in shown]
        return Random(f"{self.task.seed}/{self.session}/{self.at}").sample(pool, min(count, len(pool)))

    async def answered(
        self,
        member: SessionAgent,
        chosen: Sequence[BaselineEpisode],
        memory: Callable[[BaselineEpisode], Memory],
        calls: Calls,
        node: str = "probe",
    ) -> list[bool]:
        """Answers probes with a memory; those that are asked again with another one are asked with the same seeds."""
        one = Calls(self.calls(node))
        answers = [await self._passed(member, done, memory(done), one) for done in chosen]
        calls.tokens += one.tokens
        calls.seconds += one.seconds
        return answers

    @property
    def _probing(self) -> bool:
        drift = self.task.drift
        return drift is not None and any(getattr(drift.mitigations, name).probes for name in drift.mitigations.named)

    async def _passed(self, member: SessionAgent, done: BaselineEpisode, memory: Memory, calls: Calls) -> bool:
        environment = await self.parts.environment(self.task, self.session)
        try:
            await environment.reset(done.planned.instance)
            context = EpisodeContext(
                episode=self.session,
                instance=await self.parts.shown(done.planned.instance),
                environment=environment,
                agents=member.cast.agents,
                verifiers=member.cast.verifiers,
                models=self.parts.models,
                store=self.store,
                ledger=self.ledger,
                options=self.task.loop,
                memory=memory,
            )
            found = await probe(context, calls)
        finally:
            await environment.close()
        calls.seconds += found.seconds
        return found.passed


def guarded(probes: int) -> str:
    """What is said of so few probes that nothing can be undone by them."""
    return "" if probes >= ENOUGH else f"; without a guard, as there were {probes} probes"


def _episode(turn: MemoryTurn) -> str:
    return turn.id.rpartition("/")[0]
