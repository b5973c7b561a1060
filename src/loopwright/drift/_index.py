"""The Agent Stability Index of a window, each score relative to the baseline's own.

Scores are in [0, 1], 1 for "as in the baseline". What the paper leaves open (its normalisation) is chosen so that an
agent that does not change stays near 1; see `docs/drift.md`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from loopwright.drift._observation import Interaction
from loopwright.drift.channels._channels import CATEGORY_WEIGHTS, CHANNELS
from loopwright.drift.channels._reference import Scores, error_kind
from loopwright.types import TRAITS, Category, Channel

_NAMES = 64


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one window."""

    scores: Mapping[Channel, float]
    """Of the channels that had data."""
    categories: Mapping[Category, float]
    value: float | None
    """The composite; None without any data."""
    coverage: float
    """Share of the index's weight that rests on data."""
    start: int = 0
    """Number of the window's first interaction."""
    end: int = 0
    """Number after its last one."""


def combine(scores: Mapping[Channel, float], *, start: int = 0, end: int = 0) -> Index:
    """Weighs scores into the index (section 1.3 of the paper, with all twelve terms).

    Absent channels are left out: a category is the mean over those it has, and the weights of the categories are
    scaled up. Nothing is imputed; the coverage says how much was there.
    """
    categories = {}
    coverage = 0.0
    for category, weight in CATEGORY_WEIGHTS.items():
        found = [scores[channel] for channel in CHANNELS if TRAITS[channel].category is category and channel in scores]
        if found:
            categories[category] = math.fsum(found) / len(found)
            coverage += weight * len(found) / 3
    total = math.fsum(CATEGORY_WEIGHTS[category] for category in categories)
    weighed = math.fsum(CATEGORY_WEIGHTS[category] * value for category, value in categories.items())
    value = weighed / total if total else None
    return Index(dict(scores), categories, value, coverage, start, end)


def jensen_shannon(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    """Base-2 Jensen-Shannon divergence of two tables of counts or shares, in [0, 1]; 0 where one is empty."""
    a, b = math.fsum(left.values()), math.fsum(right.values())
    if not a or not b:
        return 0.0
    total = 0.0
    for name in {**left, **right}:
        p, q = left.get(name, 0.0) / a, right.get(name, 0.0) / b
        middle = (p + q) / 2
        total += (p * math.log2(p / middle) if p else 0.0) + (q * math.log2(q / middle) if q else 0.0)
    return max(total / 2, 0.0)


@dataclass(frozen=True, slots=True)
class Band:
    """Where a figure of the index lies from window to window in the baseline."""

    mean: float
    sd: float

    def low(self, deviations: float = 2.5) -> float:
        """The lower edge."""
        return self.mean - deviations * self.sd


@dataclass(slots=True)
class Tally:
    """What a window adds up; bounded whatever it meets."""

    sums: list[float] = field(default_factory=lambda: [0.0] * len(CHANNELS))
    squares: float = 0.0
    """Of the lengths."""
    lengths: float = 0.0
    confidence: float = 0.0
    correct: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(CHANNELS))
    tools: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def add(self, one: Interaction, scores: Scores) -> None:
        """Adds an interaction and its scores."""
        sums, counts = self.sums, self.counts
        for index, score in enumerate(scores[: len(CHANNELS)]):
            if score is not None:
                sums[index] += score
                counts[index] += 1
        for call in one.tools[:_NAMES]:
            _count(self.tools, call.name)
        if one.error is not None:
            _count(self.errors, error_kind(one.error) if one.error else "")
        if one.length is not None:
            self.lengths += one.length
            self.squares += one.length * one.length
        if one.confidence is not None and one.correct is not None:
            self.confidence += one.confidence
            self.correct += one.correct


@dataclass(frozen=True, slots=True)
class Norms:
    """What the quantities of a window are in the baseline."""

    means: Mapping[Channel, float]
    """Held-out mean score."""
    length: float
    variation: float
    """Coefficient of variation of the lengths."""
    tools: Mapping[str, float]
    errors: Mapping[str, float]
    held_out: Mapping[Channel, float]
    """Mean raw score of the baseline's own windows, that a window's is divided by."""


def window_scores(tally: Tally, norms: Norms) -> dict[Channel, float]:
    """Scores a window in each channel it has data for."""
    return {
        channel: min(raw / max(norms.held_out.get(channel, 1.0), 1e-9), 1.0)
        for channel, raw in raw_scores(tally, norms).items()
    }


def raw_scores(tally: Tally, norms: Norms) -> dict[Channel, float]:
    """The scores before they are divided by the baseline's own."""
    raw: dict[Channel, float] = {}
    for index, channel in enumerate(CHANNELS):
        count, base = tally.counts[index], norms.means.get(channel)
        if count and base is not None:
            mean = tally.sums[index] / count
            # The factor by which the baseline's tables find a step of this window less likely than one of their own.
            raw[channel] = math.exp(-max(mean - base, 0.0))
            if channel in _SHARES:
                raw[channel] = max(1 - mean, 0.0) / max(1 - base, 1e-9)
    if Channel.C_CONF in raw:
        count = tally.counts[CHANNELS.index(Channel.C_CONF)]
        raw[Channel.C_CONF] = 1 - abs(tally.confidence - tally.correct) / count
    if Channel.T_SEL in raw:
        raw[Channel.T_SEL] = 1 - jensen_shannon(tally.tools, norms.tools)
    if Channel.B_ERROR in raw:
        raw[Channel.B_ERROR] = 1 - jensen_shannon(tally.errors, norms.errors)
    if Channel.I_HANDOFF in raw:
        at = CHANNELS.index(Channel.I_HANDOFF)
        mean = tally.sums[at] / tally.counts[at]
        raw[Channel.I_HANDOFF] = norms.means[Channel.I_HANDOFF] / mean if mean else 1.0
    if Channel.B_LENGTH in raw:
        raw[Channel.B_LENGTH] = _length(tally, norms)
    return {channel: min(max(score, 0.0), 1.0) for channel, score in raw.items()}


_SHARES = frozenset({Channel.C_SEM, Channel.I_AGREE, Channel.B_HUMAN})


def _length(tally: Tally, norms: Norms) -> float:
    count = tally.counts[CHANNELS.index(Channel.B_LENGTH)]
    mean = tally.lengths / count
    variation = variation_of(tally)
    ratio = mean / norms.length if norms.length else 1.0
    return (min(ratio, 1 / ratio) if ratio else 0.0) * (min(1.0, norms.variation / variation) if variation else 1.0)


def variation_of(tally: Tally) -> float:
    """Coefficient of variation of the lengths."""
    count = tally.counts[CHANNELS.index(Channel.B_LENGTH)]
    mean = tally.lengths / count if count else 0.0
    return math.sqrt(max(tally.squares / count - mean * mean, 0.0)) / mean if mean else 0.0


def norms_of(tally: Tally, held_out: Mapping[Channel, float]) -> Norms:
    """The norms of a tally over the whole baseline."""
    count = tally.counts[CHANNELS.index(Channel.B_LENGTH)]
    return Norms(
        means={c: tally.sums[i] / tally.counts[i] for i, c in enumerate(CHANNELS) if tally.counts[i]},
        length=tally.lengths / count if count else 0.0,
        variation=variation_of(tally),
        tools=_shares(tally.tools),
        errors=_shares(tally.errors),
        held_out=held_out,
    )


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in Counter(counts).most_common()}


def _count(counts: dict[str, int], name: str) -> None:
    if name not in counts and len(counts) >= _NAMES:
        name = "(others)"
    counts[name] = counts.get(name, 0) + 1
