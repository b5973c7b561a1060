"""Payloads of what happens in a session beside its episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from loopwright.store._payload import Amount, Count, EventPayload


class Routed(EventPayload):
    """Which of several proposers an episode goes to; before its `episode_started`."""

    type: Literal["routed"] = "routed"
    agent: str
    """The model's or the agent's name in the task."""
    shares: Mapping[str, Amount]
    """Probability of each that could be chosen."""


class BaselineFrozen(EventPayload):
    """The first interactions of a session became the baseline that the rest is compared with."""

    type: Literal["baseline_frozen"] = "baseline_frozen"
    digest: str
    """sha256 of the baseline."""
    artifact: str
    """Reference to it as JSON: what `loopwright drift report --baseline` reads."""
    interactions: Count
    warnings: tuple[str, ...] = ()
    agent: str | None = None
    """Whose, where work is routed over several."""


class Mitigated(EventPayload):
    """Something was done about drift, or tried and taken back."""

    type: Literal["mitigated"] = "mitigated"
    kind: Literal["consolidation", "routing", "anchoring"]
    at: Count
    """Turns of the session before it."""
    why: str
    what: str
    """What was done."""
    agent: str | None = None
    """Whose, where work is routed over several."""
    tokens: Count = 0
    """Spent on it: summaries and probes."""
    seconds: Amount = 0.0
    """Time in which the environment ran probes."""
    count: Count = 0
    """Of `anchoring`: examples shown from now on. Of `consolidation`: turns that stay as they are."""
    better: Count = 0
    """Probes that passed after it and not before; in a round of probes of `routing`, those that passed."""
    worse: Count = 0
    """Probes that passed before it and not after; in a round, those that did not pass."""
    probes: Count = 0
    undone: bool = False
    """Whether it was taken back: probes got worse, or it could not be done."""
    emptied: bool = False
    """Of `consolidation`: whether all was forgotten, as the probes went better without any memory."""
    human: bool = False
    """Whether a person must look."""
    text: str | None = None
    """The summary."""
    digest: str | None = None
    """sha256 over the digest of the last summary and every turn that this one rests on."""
    sources: tuple[str, ...] = ()
    """Turns that a summary rests on beside the last summary, as episode and iteration."""
