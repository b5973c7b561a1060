from __future__ import annotations

import pytest

from loopwright.drift import SCENARIOS, Baseline, Interaction, draw_session


@pytest.fixture(scope="session")
def observations() -> tuple[Interaction, ...]:
    """A stretch without drift."""
    return draw_session(SCENARIOS["S1"], 1, length=0).baseline


@pytest.fixture(scope="session")
def baseline(observations: tuple[Interaction, ...]) -> Baseline:
    return Baseline.freeze(observations)
