"""Episodic memory consolidation: a long history becomes a goal, what was learned, and the latest turns.

Rath 2026 (arXiv 2601.04170) reviews the past 100 interactions every 50; what is kept, and the guard, are choices made
here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from loopwright.drift._gate import p_of_harm
from loopwright.types import Channel

_HARM = 0.05

_WATCHED = frozenset({Channel.C_SEM, Channel.C_PATH})
"""Channels whose alarms call for a consolidation."""

Kind = Literal["decision", "commitment", "fact", "failure", "tool_output", "reasoning", "summary"]
KEPT: frozenset[Kind] = frozenset({"decision", "commitment", "fact", "failure", "summary"})
"""Kinds that are kept; raw output of tools and reasoning that led to a decision are not."""


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """One piece of an agent's history."""

    turn: int
    kind: Kind
    text: str
    tokens: int
    done: bool = False
    """For a commitment: whether it was kept, so that it need not be remembered."""


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
class ConsolidationSchedule:
    """Says when an agent's memory is consolidated."""

    every: int
    """Turns between two consolidations."""

    def due(self, since: int, alarms: Iterable[Channel] = ()) -> str:
        """Why a consolidation is due, or an empty text.

        Args:
            since: Turns since the last one.
            alarms: Channels that alarmed since the last look.
        """
        alarmed = [channel for channel in alarms if channel in _WATCHED]
        if alarmed and since:
            return f"alarm of {alarmed[0]}"
        return f"{since} turns" if since >= self.every else ""


def chained_digest(entries: Iterable[MemoryEntry], previous: str = "") -> str:
    """Digest of a consolidation, in hexadecimal: sha256 over the previous one and every entry this one rests on."""
    digest = hashlib.sha256(previous.encode())
    for entry in entries:
        digest.update(repr(entry).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


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
    learned: dict[tuple[Kind, str], MemoryEntry] = {}
    for entry in memory.entries:
        if entry.turn not in untouched and entry.kind in KEPT and not entry.done:
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


def harmed(before: Sequence[bool], after: Sequence[bool]) -> bool:
    """Whether the same probes got worse, so that what was done must be undone: one-sided exact sign test at 5 %.

    Raises:
        ValueError: The two are not of the same length.
    """
    wins = sum(new and not old for old, new in zip(before, after, strict=True))
    losses = sum(old and not new for old, new in zip(before, after, strict=True))
    return losses > wins and p_of_harm(wins, losses) < _HARM
