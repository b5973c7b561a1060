"""Whether a baseline from a file is one that can have been learned: somebody may have made it up, digest and all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from loopwright.drift._index import Band, Norms
from loopwright.drift.channels._channels import SIGNAL_NAMES
from loopwright.drift.channels._level import WINDOWS, ChannelBaseline
from loopwright.drift.channels._reference import Reference, Table, Tables

LEAST_ALPHA = 1e-12
LONGEST_HORIZON = 10**12
_LARGEST = 1e12
"""What scores, their means and their numbers are never beyond."""
_ROUNDED = 1e-3
"""How far the range of scores may lie from the stored scores, which have four decimals."""


def in_range(alpha: float, horizon: int) -> bool:
    """Whether a false-alarm budget can be spent."""
    return LEAST_ALPHA <= alpha < 0.5 and 100 <= horizon <= LONGEST_HORIZON


def implausible(
    levels: Mapping[str, ChannelBaseline], norms: Norms, bands: Mapping[Any, Band], reference: Reference
) -> str:
    """Names the part of a baseline that no data can have given; empty where there is none.

    The parts are of the right types, with any values.
    """
    for name, level in levels.items():
        if name not in SIGNAL_NAMES or not _is_level(level):
            return f"levels.{name}"
    if not _bounded(norms.means, norms.held_out) or not _amounts(norms.tools, norms.errors):
        return "norms"
    if not all(0 <= number <= _LARGEST for number in (norms.length, norms.variation)):
        return "norms"
    if not all(-_LARGEST <= band.mean <= _LARGEST and 0 <= band.sd <= _LARGEST for band in bands.values()):
        return "bands"
    return "" if _is_reference(reference) else "reference"


def _is_level(level: ChannelBaseline) -> bool:
    if not level.values or "" not in level.means or not _bounded(level.means):
        return False
    if not _within((level.low, level.high, level.tail, *level.values)):
        return False
    if not (1 <= level.n <= _LARGEST and 0 < level.effective <= _LARGEST and 0 < level.sd <= _LARGEST):
        return False
    if not 0 <= level.correlation <= 0.95 or not len(level.up) == len(level.down) == len(WINDOWS):
        return False
    least, most = min(level.values), max(level.values)
    return (
        abs(level.low - least) <= _ROUNDED
        and abs(level.high - most) <= _ROUNDED
        and all(0 < limit < math.inf for limit in (*level.up, level.burst_up))
        and all(-math.inf < limit < 0 for limit in (*level.down, level.burst_down))
    )


def _is_reference(reference: Reference) -> bool:
    tables = (reference.tools, reference.errors, *_all_tables(reference.steps, reference.order))
    tables += tuple(_all_tables(reference.values, reference.roles))
    numbers = (reference.calibration.offset, reference.calibration.slope, *(table.unseen for table in tables))
    vectors = (*reference.centres.values(), *reference.cuts.values())
    return (
        _within(numbers)
        and _bounded(*(table.nats for table in tables))
        and 0 <= reference.spread <= _LARGEST
        and all(_within(vector) for vector in reference.centres.values())
        and all(math.isfinite(number) for vector in vectors for number in vector)
    )


def _all_tables(*groups: Tables) -> Iterator[Table]:
    for group in groups:
        yield group.otherwise
        yield from group.by.values()


def _within(numbers: tuple[float, ...]) -> bool:
    return all(-_LARGEST <= number <= _LARGEST for number in numbers)


def _bounded(*tables: Mapping[Any, float]) -> bool:
    return all(_within(tuple(table.values())) for table in tables)


def _amounts(*tables: Mapping[str, float]) -> bool:
    return all(0 <= share <= _LARGEST for table in tables for share in table.values())
