"""Whether refining pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.stats import Transition, expected_gain, refinement, turns_of, wilson, worth_iterating


def test_flows_of_three_episodes() -> None:
    episodes = [[False, True, True], [True, False], [False, False, True]]
    turns = [turn for verdicts in episodes for turn in turns_of(verdicts, [1.0] * len(verdicts))]
    result = refinement(turns)
    flow = result.overall
    assert (flow.turns, flow.right_before, flow.wrong_before) == (5, 2, 3)
    assert (flow.wrong_to_right, flow.right_to_wrong) == (2, 1)
    assert (flow.correction, flow.injection) == (2 / 3, 1 / 2)
    assert flow.correction_interval == wilson(2, 3)
    assert flow.injection_interval == wilson(1, 2)
    assert flow.gain == pytest.approx(1 / 5)
    assert flow.cost_per_correct == 5.0
    assert [(i, f.turns, f.gain) for i, f in result.by_iteration] == [(1, 3, 0.0), (2, 2, 0.5)]


def test_nothing_refined() -> None:
    flow = refinement(turns_of([True])).overall
    assert (flow.turns, flow.gain, flow.correction, flow.injection, flow.cost) == (0, 0.0, None, None, None)
    assert flow.cost_per_correct is None


def test_an_unknown_cost_makes_the_sum_unknown() -> None:
    flow = refinement([Transition(1, False, True, 2.0), Transition(2, False, True, None)]).overall
    assert flow.cost is None


def test_no_price_for_a_loss() -> None:
    assert refinement([Transition(1, True, False, 2.0)]).overall.cost_per_correct is None


def test_costs_must_match() -> None:
    with pytest.raises(ValueError, match="1 costs for 2 verdicts"):
        turns_of([True, False], [1.0])


shares = st.floats(0, 1)


@given(shares, shares, shares)
def test_the_rule_is_the_comparison_of_ratios(accuracy: float, correction: float, injection: float) -> None:
    gain = expected_gain(accuracy, correction, injection)
    assert worth_iterating(accuracy, correction, injection) == (gain > 0)
    if injection > 1e-3 and accuracy < 0.999 and abs(gain) > 1e-9:
        assert (correction / injection > accuracy / (1 - accuracy)) == (gain > 0)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_measured_gain_is_what_the_rule_expects(pairs: list[tuple[bool, bool]]) -> None:
    flow = refinement([Transition(1, before, after) for before, after in pairs]).overall
    accuracy = flow.right_before / flow.turns
    assert flow.gain == pytest.approx(expected_gain(accuracy, flow.correction or 0, flow.injection or 0))


def test_a_perfect_or_hopeless_start() -> None:
    assert not worth_iterating(1.0, 1.0, 0.0)
    assert worth_iterating(0.0, 0.01, 1.0)
    with pytest.raises(ValueError, match="shares"):
        expected_gain(50, 0.1, 0.1)
