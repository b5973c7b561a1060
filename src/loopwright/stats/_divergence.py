"""Where repeated runs of one task part."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from statistics import median


def common_prefix(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Number of leading items that are equal."""
    length = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        length += 1
    return length


def divergence(runs: Sequence[Sequence[Hashable]]) -> float:
    """Median over pairs of runs of the share of the shorter run that both have in common.

    1 means that no pair parts before its shorter run ends; agents commonly part within the first percent of
    their tokens even at temperature 0 (Bjarnason, Silva and Monperrus 2026, arXiv 2602.07150).

    Args:
        runs: Normalised steps or tokens of each run.

    Raises:
        ValueError: Fewer than two runs, or an empty one.
    """
    if len(runs) < 2 or not all(runs):
        raise ValueError("need two runs or more, none of them empty")
    return float(median(common_prefix(a, b) / min(len(a), len(b)) for a, b in combinations(runs, 2)))
