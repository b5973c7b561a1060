"""What the monitor sees of an agent: one interaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One action: a sandbox command, a model call, an image edit, an SQL verb."""

    name: str
    params: Mapping[str, object] = field(default_factory=dict)
    """Parameter to value; numbers are compared by the baseline's deciles, everything else as text."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction: an agent's turn that ends in an output, a hand-off or results of tools.

    Every field may be missing; a channel without data is absent from the index.
    """

    id: str = ""
    """Identity, so that a duplicate is not counted twice; empty where there is none."""
    time: str = ""
    """ISO 8601, for display: order is that of arrival."""
    task: str = ""
    """Kind of task; what is usual is learned per kind."""
    agent: str = ""
    output: str = ""
    embedding: tuple[float, ...] = ()
    """Of the output; of any length, the same throughout."""
    steps: tuple[str, ...] = ()
    """Labels of the reasoning steps, in order."""
    confidence: float | None = None
    """In [0, 1]."""
    correct: bool | None = None
    tools: tuple[ToolCall, ...] = ()
    votes: tuple[bool | str, ...] = ()
    """What each of several judges said about the same thing."""
    messages: int | None = None
    """Messages that an accepted delegation took."""
    length: int | None = None
    """Of the output, in tokens or any other unit kept throughout."""
    error: str | None = None
    """Type or message of the error; empty where it is known that there was none."""
    override: bool | None = None
    """Whether a human had to step in."""
