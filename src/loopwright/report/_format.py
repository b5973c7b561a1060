"""Numbers and untrusted words as text. Nothing here needs more than ASCII."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from loopwright.stats import Interval, PairedDifference
from loopwright.text import cut_middle, printable_line
from loopwright.types import ValueOptions

NOTHING = "-"

LONGEST = 200_000
"""Characters of one text in a page; the middle of longer ones stays in the record only."""


def cut(text: str) -> str:
    """The text, its middle left out where it is too long for a page."""
    return cut_middle(text, LONGEST, ", see the record")


def short_digest(name: str) -> str:
    """A name such as an image's, its sha256 in twelve digits."""
    return re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]+", r"\1", name)


def rate(value: float | None) -> str:
    """A share or score with two digits."""
    return NOTHING if value is None else f"{value:.2f}"


def signed(value: float) -> str:
    """A difference with its sign and two digits."""
    return f"{value:+.2f}"


def bounds(interval: Interval) -> str:
    """An interval as [low, high]."""
    return f"[{interval.low:.2f}, {interval.high:.2f}]"


def value_line(valued: ValueOptions, found: PairedDifference) -> str:
    """How two sides differ in what both maximise or minimise."""
    better = "higher" if valued.direction == "maximize" else "lower"
    return (
        f"{printable_line(valued.describe(found.mean_a))} against {found.mean_b:.6g} in the mean of {found.tasks} "
        f"instance{'' if found.tasks == 1 else 's'} ({better} is better), A - B {found.difference:+.6g} "
        f"[{found.interval.low:+.6g}, {found.interval.high:+.6g}], p {found.p_value:.3f}"
    )


def count(value: int) -> str:
    """A count in at most five characters: 950, 12.3k, 4.1M."""
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            short = value / limit
            return f"{short:.0f}{unit}" if short >= 100 else f"{short:.1f}{unit}"
    return str(value)


def money(value: Decimal | None) -> str:
    """US dollars, with four digits below one dollar."""
    if value is None:
        return NOTHING
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def holds_difference(paired: PairedDifference, digits: int = 2) -> bool:
    """Whether the interval of a difference holds the difference, as it is written; with few instances it may not."""
    low, high = (round(bound, digits) for bound in (paired.interval.low, paired.interval.high))
    return low <= round(paired.difference, digits) <= high


def difference_bounds(paired: PairedDifference, digits: int = 2) -> str:
    """The interval of a difference, or that there are too few instances: then it does not even hold the difference."""
    low, high = (f"{bound:+.{digits}f}" for bound in (paired.interval.low, paired.interval.high))
    return f"[{low}, {high}]" if holds_difference(paired, digits) else "too few instances"


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def counts(items: Mapping[str, int]) -> str:
    """Names with their counts, as `budget 2, model 1`."""
    return ", ".join(f"{printable_line(name)} {number}" for name, number in items.items())
