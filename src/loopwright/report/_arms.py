"""Who made the candidates of a search, where it chose among several: gains and costs."""

from __future__ import annotations

from collections import defaultdict

from loopwright.record import EpisodeRecord
from loopwright.report._format import bounds, count, money
from loopwright.report._ideas import gained
from loopwright.stats import wilson
from loopwright.types import Attempt


def arm_lines(episode: EpisodeRecord) -> list[str]:
    """What to tell of each arm, the one with most candidates first; nothing where there were none."""
    by_arm: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in episode:
        if attempt.made_by:
            by_arm[attempt.made_by.arm].append(attempt)
    return [_line(name, made, episode) for name, made in sorted(by_arm.items(), key=lambda one: -len(one[1]))]


def _line(name: str, made: list[Attempt], episode: EpisodeRecord) -> str:
    uses = [attempt.made_by for attempt in made if attempt.made_by]
    known = [gain for attempt in made if (gain := gained(attempt, episode)) is not None]
    better = f"{sum(known)} of {len(known)} {bounds(wilson(sum(known), len(known)))}" if known else "none to compare"
    prices = [use.usd for use in uses if use.usd is not None]
    cost = f", {money(sum(prices[1:], prices[0]) / len(prices))}" if prices and len(prices) == len(uses) else ""
    return (
        f"arm {name}: {len(made)} candidates; better than what they were made from: {better}; "
        f"{count(sum(use.tokens for use in uses) // len(uses))} tokens{cost} each"
    )
