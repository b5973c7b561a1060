"""Episodic memory consolidation: a long history becomes a goal, what was learned, and the latest turns.

Rath 2026 (arXiv 2601.04170) reviews the past 100 interactions every 50; the guard is a choice made here.
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


def harmed(before: Sequence[bool], after: Sequence[bool]) -> bool:
    """Whether the same probes got worse, so that what was done must be undone: one-sided exact sign test at 5 %.

    Raises:
        ValueError: The two are not of the same length.
    """
    wins = sum(new and not old for old, new in zip(before, after, strict=True))
    losses = sum(old and not new for old, new in zip(before, after, strict=True))
    return losses > wins and p_of_harm(wins, losses) < _HARM
