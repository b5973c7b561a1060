"""Several answers about each place: their mean is the rating, and their spread tells how much of it is chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loopwright.geo._libraries import library

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

_ALIKE = 4
"""Samples that the spread of all places counts as beside a place's own, as few answers tell little."""
_LEAST = 1e-4
"""Variance of a rating whose samples agree, at the least: answers have steps."""


def joined(samples: Sequence[Sequence[float]]) -> tuple[Numbers, Numbers | None]:
    """The rating of each place, and the variance of each that its samples tell.

    Args:
        samples: Answers about each place; none for a place whose calls failed, which has NaN for a rating.

    Returns:
        Ratings and variances; None for these where no place has several answers.
    """
    np = library("numpy")
    rating = np.array([np.mean(one) if len(one) else np.nan for one in samples])
    free = np.array([max(len(one) - 1, 0) for one in samples])
    if not free.any():
        return rating, None
    own = np.array([np.sum((np.array(one) - np.mean(one)) ** 2) if len(one) else 0.0 for one in samples])
    spread = (own + _ALIKE * own.sum() / free.sum()) / (free + _ALIKE)
    return rating, np.maximum(spread / np.maximum(free + 1, 1), _LEAST)
