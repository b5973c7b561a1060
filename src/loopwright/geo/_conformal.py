"""Conformal intervals: how far the truth lies from what a map says of it, with a promise that can be checked.

A map is on the scale of ratings and the truth is not, so an isotonic fit turns the one into the other. Fit, width and
check each have blocks of the globe of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopwright.geo._blocks import FEWEST, blocks_of
from loopwright.geo._libraries import library
from loopwright.geo._places import Place

if TYPE_CHECKING:
    from loopwright.geo._libraries import Numbers

NOMINAL = 0.9
"""Share of places whose truth an interval is meant to hold."""
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Coverage:
    """What intervals around a map come to, in units of the truth."""

    share: float
    """Of places whose truth lies in their interval; 0.9 is meant."""
    width: float
    """Mean width of an interval."""
    mae: float
    """Mean distance of the truth from the middle: the error of the calibrated map."""


def conformal(places: Sequence[Place], truth: Numbers, value: Numbers) -> Coverage | None:
    """Intervals for each fifth of the blocks: the middle from half of the other blocks, the width from the other half.

    Places without a value or a truth are left out. None where places lie in too few blocks.
    """
    np, isotonic = library("numpy"), library("sklearn.isotonic")
    rows = np.flatnonzero(np.isfinite(truth) & np.isfinite(value))
    blocks = blocks_of([places[row] for row in rows])
    if len(blocks) < 2 * FEWEST:
        return None
    order = np.random.default_rng(0).permutation(len(blocks))
    parts = [rows[np.concatenate([blocks[one] for one in order[fold :: 2 * _FOLDS]])] for fold in range(2 * _FOLDS)]
    missed, widths = [], []
    for fold in range(_FOLDS):
        held, others = np.concatenate(parts[2 * fold : 2 * fold + 2]), [*parts[2 * fold + 2 :], *parts[: 2 * fold]]
        fitted, calibrated = np.concatenate(others[::2]), np.concatenate(others[1::2])
        curve = isotonic.IsotonicRegression(increasing="auto", out_of_bounds="clip")
        curve.fit(value[fitted], truth[fitted])
        missed.append(np.abs(truth[held] - curve.predict(value[held])))
        error = np.sort(np.abs(truth[calibrated] - curve.predict(value[calibrated])))
        rank = math.ceil((len(error) + 1) * NOMINAL)
        widths.append(np.full(len(held), error[rank - 1] if rank <= len(error) else math.inf))
    distance, half = np.concatenate(missed), np.concatenate(widths)
    return Coverage(float((distance <= half).mean()), float(2 * half.mean()), float(distance.mean()))
