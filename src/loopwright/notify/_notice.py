"""What a notice says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loopwright.secrets import scrub
from loopwright.text import cut_middle, printable_line

_LONGEST = 500
"""Characters of a text, at most."""


class SpentSoFar(BaseModel):
    """What a run spent so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_calls: int = 0
    tokens: int = 0
    usd: str | None = None
    """Decimal as text; None without prices."""
    seconds: float = 0.0


class Notice(BaseModel):
    """A notice, as it is sent: one JSON object. It holds no prompt, no reply and no evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    kind: Literal["finished", "cap", "alarm"]
    text: str
    """What happened, in a line."""
    run: str
    """The run's id."""
    folder: str
    time: str
    """UTC, ISO 8601."""
    reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    """Of `finished`: `completed`, `interrupted` or `failed`."""
    cap: str | None = Field(default=None, exclude_if=lambda cap: cap is None)
    """Of `cap`: its name, such as `usd`."""
    session: str | None = Field(default=None, exclude_if=lambda session: session is None)
    """Of `alarm`: the session that it is about."""
    episodes: Mapping[str, int] = {}
    """`waiting`, `running`, `scored`, `failed` and `skipped` to the number of episodes."""
    spent: SpentSoFar = SpentSoFar()

    def body(self) -> bytes:
        """The notice as JSON, without secrets and control characters."""
        texts = {name: value for name, value in self if isinstance(value, str)}
        harmless = {name: cut_middle(printable_line(scrub(value)), _LONGEST) for name, value in texts.items()}
        return self.model_copy(update=harmless).model_dump_json().encode()
