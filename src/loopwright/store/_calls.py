"""Calls that are made once: what the journal knows of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CallKey:
    """Identifies a call, so that it is recognised after a crash."""

    episode: str
    iteration: int
    node: str
    attempt: int
    """From 0; counts tries of the same request by the caller."""
    request: str
    """sha256 of the full request: whatever decides the answer."""

    def __str__(self) -> str:
        return f"{self.episode}/{self.iteration}/{self.node}/{self.attempt}/{self.request}"


@dataclass(slots=True)
class Calls:
    """Where in the journal each finished call lies, and which calls were begun and have no outcome."""

    finished: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Key to offset and length of the line with the result."""
    begun: dict[str, bool] = field(default_factory=dict)
    """Key to whether the call is safe to repeat."""
    running: dict[str, asyncio.Event] = field(default_factory=dict)
    """Calls of this process, set when they end."""

    def note(self, data: dict[str, Any], offset: int, length: int) -> None:
        """Takes notice of a line's payload."""
        match data["type"]:
            case "call_intended":
                self.begun[data["key"]] = data["repeatable"]
            case "call_finished":
                self.begun.pop(data["key"], None)
                if data["failure"] is None:
                    self.finished[data["key"]] = (offset, length)
