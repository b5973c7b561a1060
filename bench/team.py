"""A simulated team whose quality depends on its context, its tools and its peers, for trying out mitigations.

Each agent's context is polluted a little by every turn, more by its own mistakes and by what a drifting peer hands
over; pollution lowers its success. It levels off, as turn-wise divergence does in long dialogues (Dongre et al. 2025,
arXiv 2510.07777). The team follows the same policies as a session, with the default options of a task; a summarizer by
rules stands for the model that summarizes, and there are no alarms of channels. What mitigations gain here says that
the algorithms work as written, and nothing about real agents.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from loopwright.drift import (
    Anchor,
    Band,
    ConsolidationSchedule,
    MemoryEntry,
    Router,
    chained_digest,
    count_low_windows,
    harmed,
    measure_drift,
)
from loopwright.task import AnchoringOptions, ConsolidationOptions, RoutingOptions

Mitigation = Literal["consolidation", "routing", "anchoring"]
_WINDOW = 50
_SKILL = 0.9
_LOSS = 0.7
"""Success that full pollution takes away."""
_BAND = Band(0.9, 0.045)
"""Success over a window of 50 at no pollution: sqrt(.9 x .1 / 50) is the spread."""
_TASKS = ("read", "write", "check")
_CONSOLIDATION = ConsolidationOptions()
_ROUTING = RoutingOptions(agents=("a", "b", "c"))
_ANCHORING = AnchoringOptions()
_ANSWER = 400
"""Tokens of a turn, or of a probe, beside the memory."""


_KEPT: frozenset[str] = frozenset({"decision", "commitment", "fact", "failure", "summary"})
"""Kinds that are kept; raw output of tools and reasoning that led to a decision are not."""


@dataclass(frozen=True, slots=True)
class ConsolidatedMemory:
    """What an agent has in its context; the goal is never rewritten."""

    goal: str
    entries: tuple[MemoryEntry, ...] = ()

    @property
    def tokens(self) -> int:
        """Of all entries; the goal's are not counted."""
        return sum(entry.tokens for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What a consolidation did, for the record."""

    before: ConsolidatedMemory
    after: ConsolidatedMemory
    why: str
    digest: str
    """sha256 over the digest of the last consolidation and every entry this one rests on."""

    @property
    def saved(self) -> int:
        """Tokens."""
        return self.before.tokens - self.after.tokens


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
    anchor: Anchor = field(default_factory=lambda: Anchor(_ANCHORING.most))
    turns: int = 0
    since: int = 0
    """Turns since the last consolidation."""
    low: int = 0
    """Windows in a row under the band."""

    @property
    def pollution(self) -> float:
        """Share of the context that misleads, saturating."""
        useless = sum(entry.kind in {"tool_output", "reasoning"} for entry in self.memory.entries)
        return useless / (useless + 60)

    def chance(self) -> float:
        """Probability of success."""
        return _SKILL - _LOSS * self.pollution * (1 - 0.5 * self.anchor.shown / _ANCHORING.most)

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

    def probe_without_memory(self, count: int) -> list[bool]:
        return [self.random.random() < _SKILL for _ in range(count)]


@dataclass(slots=True)
class _Spent:
    """What a session came to beside its successes."""

    tokens: float = 0.0
    seconds: float = 0.0
    undone: int = 0
    escalations: int = 0

    def probes(self, count: int) -> None:
        self.tokens += count * _ANSWER
        self.seconds += count


def simulate_team(seed: int, mitigations: frozenset[Mitigation] = frozenset(), *, turns: int = 2000) -> TeamOutcome:
    """Runs one session.

    Args:
        seed: Fixes every draw.
        mitigations: Those in use.
        turns: Of the session.
    """
    random = Random(seed)
    noises = zip(_ROUTING.agents, (0.15, 0.3, 0.6), strict=True)
    agents = {name: _Agent(Random(random.random()), noise) for name, noise in noises}
    router = Router(dict.fromkeys(agents, _BAND), seed, _ROUTING.weight) if "routing" in mitigations else None
    schedule = ConsolidationSchedule(_CONSOLIDATION.every) if "consolidation" in mitigations else None
    wins, spent = [], _Spent()
    for at in range(turns):
        task = random.choice(_TASKS)
        name = router.choose(task) if router else random.choice(list(agents))
        agent = agents[name]
        success = random.random() < agent.chance()
        wins.append(success)
        agent.turns += 1
        agent.since += 1
        agent.recent.append(success)
        agent.remember(at, success=success)
        if not success:
            # A mistake is handed to a peer, whose context it pollutes too.
            agents[random.choice(list(agents))].remember(at, success=False)
        spent.tokens += _ANSWER + agent.memory.tokens + 150 * agent.anchor.shown
        spent.seconds += 1 + agent.memory.tokens / 20_000
        if router:
            router.record(name, task, success=success)
        if agent.turns % _WINDOW == 0:
            index = sum(agent.recent) / len(agent.recent)
            agent.low = count_low_windows(agent.low, index, _BAND)
            if router:
                _route(router, agent, name, index, at, spent)
            if "anchoring" in mitigations:
                _anchor(agent, index, spent)
        if router:
            for other in agents:
                _readmit(router, agents[other], other, at, spent)
        if schedule and (why := schedule.due(agent.since)):
            _consolidate(agent, why, spent)
    quarter = wins[-turns // 4 :]
    return TeamOutcome(
        success=sum(wins) / turns,
        late=sum(quarter) / len(quarter),
        tokens=spent.tokens / turns,
        seconds=spent.seconds / turns,
        undone=spent.undone,
        escalations=spent.escalations,
    )


def _consolidate(agent: _Agent, why: str, spent: _Spent) -> None:
    """Consolidates under its guard."""
    before = agent.probe(_CONSOLIDATION.probes)
    done = consolidate(agent.memory, why, raw=_CONSOLIDATION.raw, limit=_CONSOLIDATION.tokens)
    agent.memory, agent.since = done.after, 0
    if harmed(before, agent.probe(_CONSOLIDATION.probes)):
        agent.memory = done.before
        spent.undone += 1
    spent.tokens += done.before.tokens
    spent.seconds += 5
    spent.probes(2 * _CONSOLIDATION.probes)


def _anchor(agent: _Agent, index: float, spent: _Spent) -> None:
    """Shows as many examples as the index asks for; more of them under a guard."""
    shown, wanted = agent.anchor.shown, agent.anchor.update(measure_drift(index, _BAND))
    if wanted <= shown:
        agent.anchor.show(wanted)
        return
    before = agent.probe(_ANCHORING.probes)
    agent.anchor.show(wanted)
    if harmed(before, agent.probe(_ANCHORING.probes)):
        agent.anchor.refuse()
        spent.undone += 1
    spent.probes(2 * _ANCHORING.probes)


def _route(router: Router, agent: _Agent, name: str, index: float, at: int, spent: _Spent) -> None:
    """Takes a window of the index; an agent that drifts is reset and goes into quarantine."""
    standing = router.standings[name]
    if standing.quarantined:
        return
    standing.index = index
    if router.drifted(name, agent.low):
        spent.escalations += router.flag(name, at)
        agent.memory = ConsolidatedMemory(agent.memory.goal)
        agent.recent.clear()
        agent.since = agent.low = 0


def _readmit(router: Router, agent: _Agent, name: str, at: int, spent: _Spent) -> None:
    """Asks the probes that are due of an agent in quarantine."""
    while router.probe_due(name, at):
        answers = agent.probe_without_memory(_ROUTING.probes)
        router.tried(name, at)
        router.probed(name, sum(answers), len(answers), _SKILL)
        spent.probes(len(answers))


def consolidate(
    memory: ConsolidatedMemory, why: str, *, raw: int = 20, limit: int = 2000, previous: str = ""
) -> Consolidation:
    """Keeps the goal, what was learned once, and the last turns as they are: a summarizer by rules, without a model.

    Args:
        memory: What there is; only its last 100 turns are reviewed, what is older stays if it was kept before.
        why: Told in the record.
        raw: Latest turns that stay untouched.
        limit: Tokens that learned entries may take; the latest are kept.
        previous: Digest of the last consolidation.
    """
    turns = sorted({entry.turn for entry in memory.entries})
    untouched = set(turns[-raw:]) if raw else set()
    learned: dict[tuple[str, str], MemoryEntry] = {}
    for entry in memory.entries:
        if entry.turn not in untouched and entry.kind in _KEPT and not entry.done:
            # A repeat replaces the earlier one, so that order is by the last time it was said.
            learned.pop((entry.kind, entry.text), None)
            learned[entry.kind, entry.text] = entry
    kept: list[MemoryEntry] = []
    spent = 0
    for entry in reversed(learned.values()):
        if spent + entry.tokens <= limit:
            kept.append(entry)
            spent += entry.tokens
    latest = [entry for entry in memory.entries if entry.turn in untouched]
    after = ConsolidatedMemory(memory.goal, (*reversed(kept), *latest))
    return Consolidation(memory, after, why, chained_digest(memory.entries, previous))
