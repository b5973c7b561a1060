from __future__ import annotations

import pytest

from loopwright.drift import SCENARIOS, Baseline, Observation, draw


@pytest.fixture(scope="session")
def observations() -> tuple[Observation, ...]:
    """A stretch without drift."""
    return draw(SCENARIOS["S1"], 1, length=0).baseline


@pytest.fixture(scope="session")
def baseline(observations: tuple[Observation, ...]) -> Baseline:
    return Baseline.freeze(observations)
