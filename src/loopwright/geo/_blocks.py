"""Blocks of the globe: places near each other are not independent, so whole blocks are drawn and left out together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loopwright.geo._places import Place

BLOCK = 10
"""Degrees of latitude and longitude of a block; halved, down to 0.5 at the least, where that gives too few blocks."""
ENOUGH, FEWEST = 20, 5
"""Blocks that are wanted, and blocks below which nothing is told."""


def blocks_of(places: Sequence[Place]) -> list[list[int]]:
    """Numbers of the places of each block."""
    size = float(BLOCK)
    while True:
        members: dict[tuple[int, int], list[int]] = {}
        for number, place in enumerate(places):
            block = math.floor(place.latitude / size), math.floor(place.longitude / size)
            members.setdefault(block, []).append(number)
        if len(members) >= ENOUGH or size < 1:
            return list(members.values())
        size /= 2
