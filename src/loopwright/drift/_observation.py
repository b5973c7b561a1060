"""What the monitor sees of an agent: one interaction."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_LARGEST = sys.float_info.max


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


def sound(one: Interaction) -> tuple[Interaction, int]:
    """Drops values that cannot be, and counts them; a broken field must not stop the loop that is watched."""
    wrong: dict[str, Any] = {}
    if one.confidence is not None and not 0 <= one.confidence <= 1:
        wrong["confidence"] = None
    if one.length is not None and not 0 <= one.length < 1e12:
        wrong["length"] = None
    if one.messages is not None and not 0 <= one.messages < 1e9:
        wrong["messages"] = None
    if one.embedding and not math.isfinite(sum(one.embedding)):
        wrong["embedding"] = ()
    if not all(_fits(value) for call in one.tools for value in call.params.values()):
        wrong["tools"] = tuple(
            replace(call, params={name: value for name, value in call.params.items() if _fits(value)})
            for call in one.tools
        )
    return (replace(one, **wrong), len(wrong)) if wrong else (one, 0)


def _fits(value: object) -> bool:
    """Whether a parameter can be compared: as a float, or else by its text, which huge integers do not have."""
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    if value is None or isinstance(value, str | float):
        return True
    try:
        return bool(str(value))
    except ValueError:
        return False


def once_each(interactions: Iterable[Interaction]) -> Iterator[Interaction]:
    """Leaves out what was delivered again; interactions without an id are all taken."""
    known: set[str] = set()
    for one in interactions:
        if one.id not in known:
            yield one
        if one.id:
            known.add(one.id)
