"""Which variants of two runs are the same, however they were named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loopwright.errors import UserError
from loopwright.report._summary import RunSummary, VariantSummary


@dataclass(frozen=True, slots=True)
class Pairing:
    """Variants of a first run, each with its like in a second."""

    pairs: Sequence[tuple[VariantSummary, VariantSummary]]
    left_out: Sequence[str]
    """What has no like, as `run variant`."""


def pair_variants(first: RunSummary, second: RunSummary, asked: Sequence[tuple[str, str]] = ()) -> Pairing:
    """Pairs variants of the same name, then those of the same strategy and models, then the only ones of each.

    Args:
        first: A run.
        second: Another one.
        asked: Names of the variants to pair, of the first and of the second run; empty for all that are alike.

    Raises:
        UserError: A name that was asked for is not there, or no two variants are alike.
    """
    pairs = [(_named(first, a), _named(second, b)) for a, b in asked] or _alike(first, second)
    if not pairs:
        raise UserError(
            f"no variant of {first.run} is one of {second.run} by name, or by strategy and models: "
            f"{_told(first)}; and {_told(second)}",
            remedy="Say which belong together: --pair A=B, with the names of two variants.",
        )
    left, right = {a.name for a, _ in pairs}, {b.name for _, b in pairs}
    return Pairing(
        pairs,
        [f"{first.run} {one.name}" for one in first.variants if one.name not in left]
        + [f"{second.run} {one.name}" for one in second.variants if one.name not in right],
    )


def _alike(first: RunSummary, second: RunSummary) -> list[tuple[VariantSummary, VariantSummary]]:
    by_name = {one.name: one for one in second.variants}
    pairs = [(one, by_name[one.name]) for one in first.variants if one.name in by_name]
    named = {one.name for one, _ in pairs}
    left = [one for one in first.variants if one.name not in named]
    right = [one for one in second.variants if one.name not in named]
    for one in left:
        like = [other for other in right if _same(one, other)]
        # Two variants alike on one side cannot be told apart.
        if len(like) == 1 and sum(_same(like[0], other) for other in left) == 1:
            pairs.append((one, like[0]))
    if not pairs and len(first.variants) == len(second.variants) == 1:
        pairs = [(first.variants[0], second.variants[0])]
    return pairs


def _same(one: VariantSummary, other: VariantSummary) -> bool:
    return bool(one.episodes and other.episodes) and (one.strategy, dict(one.models)) == (
        other.strategy,
        dict(other.models),
    )


def _named(summary: RunSummary, name: str) -> VariantSummary:
    found = next((one for one in summary.variants if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in summary.variants)
        raise UserError(f"{summary.run} has no variant {name!r}", remedy=f"Name one of these: {names}.")
    return found


def _told(summary: RunSummary) -> str:
    """The variants of a run, with what they are."""
    models = {one.name: ", ".join(dict.fromkeys(one.models.values())) for one in summary.variants}
    return "; ".join(f"{one.name} ({one.strategy}, {models[one.name] or 'no model'})" for one in summary.variants)
