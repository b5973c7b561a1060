"""Where runs part."""

from __future__ import annotations

import pytest

from loopwright.stats import common_prefix, divergence


def test_common_prefix() -> None:
    assert common_prefix("plan", "play") == 3
    assert common_prefix([], ["a"]) == 0


def test_median_over_pairs() -> None:
    assert divergence(["abcd", "abcx", "axyz"]) == 0.25
    assert divergence(["ab", "abcd"]) == 1.0


@pytest.mark.parametrize("runs", [["ab"], ["ab", ""]])
def test_needs_two_runs(runs: list[str]) -> None:
    with pytest.raises(ValueError, match="two runs"):
        divergence(runs)
