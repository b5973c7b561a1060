"""A simulated team whose quality depends on its context, its tools and its peers, for trying out mitigations.

Each agent's context is polluted a little by every turn, more by its own mistakes and by what a drifting peer hands
over; pollution lowers its success. It levels off, as turn-wise divergence does in long dialogues (Dongre et al. 2025,
arXiv 2510.07777). What mitigations gain here says that the algorithms work as written, and nothing about real agents.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from loopwright.drift._baseline import Band
from loopwright.drift.mitigations._anchoring import MOST, Anchor, level
from loopwright.drift.mitigations._consolidation import (
    EVERY,
    ConsolidatedMemory,
    Consolidation,
    MemoryEntry,
    consolidate,
    due,
    harmed,
)
from loopwright.drift.mitigations._routing import PROBES, Router

Mitigation = Literal["consolidation", "routing", "anchoring"]
_WINDOW = 50
_SKILL = 0.9
_LOSS = 0.7
"""Success that full pollution takes away."""
_BAND = Band(0.9, 0.045)
"""Success over a window of 50 at no pollution: sqrt(.9 x .1 / 50) is the spread."""
_THRESHOLD = 0.76
_TASKS = ("read", "write", "check")


@dataclass(frozen=True, slots=True)
class TeamOutcome:
    """One simulated session."""

    success: float
    """Over all turns."""
    late: float
    """Over the last quarter."""
    tokens: float
    """Per turn, prompts and mitigations."""
    seconds: float
    """Per turn."""
    undone: int
    """Times that a guard undid a mitigation."""
    escalations: int


@dataclass(slots=True)
class _Agent:
    random: Random
    noise: float
    """Pollution per turn, at none."""
    memory: ConsolidatedMemory = field(default_factory=lambda: ConsolidatedMemory("goal"))
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    anchor: Anchor = field(default_factory=Anchor)
    digest: str = ""
    turns: int = 0

    @property
    def pollution(self) -> float:
        """Share of the context that misleads, saturating."""
        useless = sum(entry.kind in {"tool_output", "reasoning"} for entry in self.memory.entries)
        return useless / (useless + 60)

    def chance(self) -> float:
        """Probability of success."""
        return _SKILL - _LOSS * self.pollution * (1 - 0.5 * self.anchor.count / MOST)

    def remember(self, at: int, *, success: bool) -> None:
        entries = [MemoryEntry(at, "fact" if success else "failure", f"{at}", 30)]
        rate = self.noise * (1.0 if success else 3.0)
        while rate > 0:
            if self.random.random() < rate:
                entries.append(MemoryEntry(at, "tool_output" if success else "reasoning", f"{at}", 60))
            rate -= 1
        # The context window ends: what is oldest falls out.
        self.memory = ConsolidatedMemory(self.memory.goal, (*self.memory.entries, *entries)[-400:])

    def probe(self, count: int) -> list[bool]:
        return [self.random.random() < self.chance() for _ in range(count)]


def simulate_team(seed: int, mitigations: frozenset[Mitigation] = frozenset(), *, turns: int = 2000) -> TeamOutcome:
    """Runs one session.

    Args:
        seed: Fixes every draw.
        mitigations: Those in use.
        turns: Of the session.
    """
    random = Random(seed)
    agents = {name: _Agent(Random(random.random()), noise) for name, noise in (("a", 0.15), ("b", 0.3), ("c", 0.6))}
    router = Router(dict.fromkeys(agents, _BAND), seed) if "routing" in mitigations else None
    wins, tokens, seconds, undone, escalations = [], 0.0, 0.0, 0, 0
    for at in range(turns):
        task = random.choice(_TASKS)
        name = router.choose(task) if router else random.choice(list(agents))
        agent = agents[name]
        success = random.random() < agent.chance()
        wins.append(success)
        agent.turns += 1
        agent.recent.append(success)
        agent.remember(at, success=success)
        if not success:
            # A mistake is handed to a peer, whose context it pollutes too.
            agents[random.choice(list(agents))].remember(at, success=False)
        tokens += 400 + agent.memory.tokens + 150 * agent.anchor.count
        seconds += 1 + agent.memory.tokens / 20_000
        if router:
            router.record(name, task, success=success)
        if "consolidation" in mitigations and (why := due(agent.turns, agent.memory.tokens / 24_000)):
            cost, worse = _consolidated(agent, why)
            tokens, seconds, undone = tokens + cost, seconds + 5, undone + worse
        if agent.turns % _WINDOW == 0:
            index = sum(agent.recent) / len(agent.recent)
            if "anchoring" in mitigations:
                agent.anchor.update(level(index, _BAND, _THRESHOLD))
            if router:
                router.window(name, index, _THRESHOLD)
                if index < _THRESHOLD:
                    escalations += _reset(router, agent, name, at)
                    tokens += 2 * PROBES * 400
                    seconds += 2 * PROBES
    quarter = wins[-turns // 4 :]
    return TeamOutcome(
        success=sum(wins) / turns,
        late=sum(quarter) / len(quarter),
        tokens=tokens / turns,
        seconds=seconds / turns,
        undone=undone,
        escalations=escalations,
    )


def _consolidated(agent: _Agent, why: str) -> tuple[float, bool]:
    """Consolidates under its guard; returns tokens spent and whether it was undone."""
    before = agent.probe(PROBES)
    done: Consolidation = consolidate(agent.memory, why, raw=EVERY // 5, previous=agent.digest)
    agent.memory = done.after
    worse = harmed(before, agent.probe(PROBES))
    if worse:
        agent.memory = done.before
    agent.digest = done.digest
    return done.before.tokens + 2.0 * PROBES * 400, worse


def _reset(router: Router, agent: _Agent, name: str, at: int) -> bool:
    """Quarantine, reset and probes against the frozen baseline; returns whether a human must look."""
    escalate = router.flag(name, at)
    agent.memory = ConsolidatedMemory(agent.memory.goal)
    agent.recent.clear()
    for _ in range(2):
        answers = agent.probe(PROBES)
        router.window(name, sum(answers) / len(answers), _THRESHOLD)
    return escalate
