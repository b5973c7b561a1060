"""An e-process for a rate that is watched without end."""

from __future__ import annotations

import math


class RateEProcess:
    """Evidence that a rate is not that of a reference sample, valid whenever one stops to look.

    The product over blocks of two Beta-Binomial predictions, one from the stream alone and one from the stream and
    the reference together (the two-sample safe test; Turner, Ly and Grunwald 2024). Without a change the evidence
    exceeds 1 / alpha at any time with probability alpha at most, however long the session is. It is slower than the
    monitor's alarms, and needs no horizon.

    Args:
        hits: Of the reference, such as overrides.
        misses: Of the reference.

    Raises:
        ValueError: A count is negative.
    """

    def __init__(self, hits: int, misses: int) -> None:
        _check(hits, misses)
        self._reference = hits, misses
        self._seen = 0, 0
        self._log = 0.0

    @property
    def value(self) -> float:
        """The evidence; 20 is what a test at 5 % asks for."""
        return math.exp(min(self._log, 700.0))

    def update(self, hits: int, misses: int) -> float:
        """Takes the next block; returns the evidence.

        Raises:
            ValueError: A count is negative.
        """
        _check(hits, misses)
        own, other = 1 + self._seen[0], 1 + self._seen[1]
        self._log += _gain(hits, misses, own, other)
        self._log -= _gain(hits, misses, own + self._reference[0], other + self._reference[1])
        self._seen = self._seen[0] + hits, self._seen[1] + misses
        return self.value


def _gain(hits: int, misses: int, a: int, b: int) -> float:
    """Log predictive probability of an ordered block under Beta(a, b)."""
    return _log_beta(hits + a, misses + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _check(hits: int, misses: int) -> None:
    if hits < 0 or misses < 0:
        raise ValueError(f"counts cannot be negative: {hits}, {misses}")
