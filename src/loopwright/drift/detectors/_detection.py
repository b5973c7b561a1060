"""What a detector finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detection:
    """A change in a signal."""

    up: bool
    """Whether scores rose, which is worse."""
    window: int
    """Scores of this signal since the change, about."""
    onset: int
    """Number of the interaction where the change began, about."""
    shift: float
    """Mean since then in standard deviations of the baseline."""
