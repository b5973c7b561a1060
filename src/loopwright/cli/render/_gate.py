"""What a gate decided, variant by variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loopwright.drift import Ruling
from loopwright.report import holds_difference
from loopwright.stats import PairedDifference
from loopwright.text import counted

_WORST = ("roll back", "hold", "accept")


def told(old: str, new: str, ruling: Ruling, *, margin: float) -> str:
    """The decision about one variant: why, rate, bound and interval."""
    paired = ruling.paired
    name = new if old == new else f"{old} to {new}"
    harm = "is likely" if ruling.harmful else "does not show"
    return (
        f"{name}: {ruling.decision}: {ruling.why}\n"
        f"  {counted(paired.tasks, 'task')}: {paired.mean_b:.3f} to {paired.mean_a:.3f}, "
        f"difference {paired.difference:+.3f} {_bounds(paired)}, whose lower end has to be above {-margin:+.3f}\n"
        f"  better on {ruling.wins}, worse on {ruling.losses}; harm {harm} (one-sided p {ruling.p_harm:.3f}), "
        f"probability of better {ruling.p_better:.2f}, "
        f"{ruling.improvement:+.1f} standard deviations from the accepted versions"
    )


def rulings_as_json(rulings: Sequence[tuple[str, str, Ruling]], left_out: Sequence[str]) -> dict[str, Any]:
    """The ruling on the worst variant, which is that on the change, and all of them."""
    *_, worst = min(rulings, key=lambda one: (_WORST.index(one[2].decision), one[2].paired.difference))
    each = [{"baseline": old, "candidate": new, **asdict(ruling)} for old, new, ruling in rulings]
    return {**asdict(worst), "variants": each, "left_out": list(left_out)}


def _bounds(paired: PairedDifference) -> str:
    """The interval that decides, also where it does not hold the difference: the decision rests on its lower end."""
    low, high = (f"{bound:+.3f}" for bound in (paired.interval.low, paired.interval.high))
    few = "" if holds_difference(paired, 3) else "; too few instances to hold the difference"
    return f"[{low}, {high}] ({paired.interval.method}{few})"
