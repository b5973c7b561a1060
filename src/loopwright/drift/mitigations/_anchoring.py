"""Adaptive behavioural anchoring: examples from the baseline, more of them the further an agent has drifted.

After Rath 2026 (arXiv 2601.04170); the level, the number of examples and the hysteresis are choices made here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.drift._embedding import hashed
from loopwright.drift._index import Band

_BEGIN = 0.1
_END = 0.05
_CALM = 2
"""Windows under the lower level before examples are taken away."""
_NEAR = 30
"""Examples that are looked at: the nearest."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An interaction of the baseline that succeeded and was not overridden."""

    id: str
    embedding: tuple[float, ...]
    """Of its input."""
    text: str
    tokens: int

    @classmethod
    def of(cls, id: str, input: str, *, tokens: int, text: str = "") -> Exemplar:
        """Embeds an input as `embed_input` does."""
        return cls(id, embed_input(input), text, tokens)


def embed_input(input: str) -> tuple[float, ...]:
    """The embedding of an input: hashed words and 4-grams, without a model."""
    return hashed(input)


def measure_drift(index: float, band: Band) -> float:
    """Drift level in [0, 1]: how far the index has fallen, where five standard deviations under the mean are 1.

    Args:
        index: The stability index now.
        band: Where it lies in the baseline.
    """
    return min(max((band.mean - index) / max(5 * band.sd, 1e-9), 0.0), 1.0)


class Anchor:
    """Says how many examples to show one agent, window by window.

    Args:
        most: Examples at full drift.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._calm = 0
        self._wanted = 0
        self._refused = False
        self.shown = 0
        """Examples that the agent is shown now: the last number given to `show`."""

    def update(self, drift: float) -> int:
        """Takes the drift level of a window; returns the number of examples that should be shown until the next one."""
        self._calm = self._calm + 1 if drift < _END else 0
        if self._calm:
            self._refused = False
        if drift >= _BEGIN:
            self._wanted = max(self._wanted, math.ceil(self._most * drift))
        elif self._calm >= _CALM:
            self._wanted = 0
        return 0 if self._refused else self._wanted

    def show(self, count: int) -> None:
        """Takes that so many examples are shown from here on."""
        self.shown = count

    def refuse(self) -> None:
        """Takes that examples did harm: none are shown until a window is calm."""
        self._refused, self.shown = True, 0


def select_exemplars(
    pool: Sequence[Exemplar], query: Sequence[float], count: int, *, tokens: int, diversity: float = 0.3
) -> list[Exemplar]:
    """Chooses examples like the input and unlike each other (maximal marginal relevance, Carbonell and Goldstein 1998).

    Args:
        pool: To choose from.
        query: Embedding of the current input.
        count: At most so many.
        tokens: They may take at most so many together.
        diversity: Weight in [0, 1] of being unlike those already chosen.
    """
    chosen: list[Exemplar] = []
    near = {one.id: _cosine(one.embedding, query) for one in pool}
    left, room = sorted(pool, key=lambda one: -near[one.id])[:_NEAR], tokens
    while left and len(chosen) < count:

        def worth(one: Exemplar) -> float:
            # Unlike is enough: the opposite of an example is not worth more than an unrelated one.
            alike = max((_cosine(one.embedding, other.embedding) for other in chosen), default=0.0)
            alike = max(alike, 0.0)
            return (1 - diversity) * near[one.id] - diversity * alike

        best = max(left, key=worth)
        left.remove(best)
        if best.tokens <= room:
            chosen.append(best)
            room -= best.tokens
    return chosen


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    norms = math.hypot(*left) * math.hypot(*right)
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / norms if norms else 0.0
