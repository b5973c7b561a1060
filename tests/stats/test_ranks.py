"""Rank correlation, against known values and by its properties."""

from __future__ import annotations

import math
from statistics import correlation

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loopwright.stats import average_ranks, spearman

PAIRS = st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=2, max_size=60)


def test_a_known_value() -> None:
    """The textbook's IQ and hours of television: rho is -29/165."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165)


def test_ties_share_the_average_of_their_ranks() -> None:
    assert average_ranks([3, 1, 3, 3, 0]) == [4, 2, 4, 4, 1]
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


@given(PAIRS)
def test_it_is_blind_to_scale_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    a, b = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    rho = spearman(a, b)
    assert -1 <= rho <= 1
    assert spearman(b, a) == pytest.approx(rho)
    assert spearman([x**3 for x in a], b) == pytest.approx(rho)
    assert spearman([-x for x in a], b) == pytest.approx(-rho)
    assert spearman(a, a) == pytest.approx(1)


@given(st.permutations(range(12)), st.permutations(range(12)))
def test_without_ties_it_is_the_sum_of_squared_rank_differences(a: list[int], b: list[int]) -> None:
    squares = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    assert spearman(a, b) == pytest.approx(1 - 6 * squares / (12 * (12**2 - 1)))
    assert spearman(a, b) == pytest.approx(correlation(a, b))


@given(st.lists(st.integers(0, 9), max_size=40))
def test_ranks_add_up(values: list[int]) -> None:
    ranks = average_ranks(values)
    assert sum(ranks) == pytest.approx(len(values) * (len(values) + 1) / 2)
    assert sorted(zip(values, ranks, strict=True)) == sorted(zip(sorted(values), sorted(ranks), strict=True))


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1]), ([], []), ([1], [2]), ([1, 1], [1, 2]), ([1, 2], [0, 0])])
def test_what_has_no_correlation_is_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="side"):
        spearman(a, b)
