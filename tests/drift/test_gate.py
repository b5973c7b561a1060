from __future__ import annotations

import re

import pytest

from loopwright.drift import (
    forgetting,
    improvement,
    judge_change,
    min_acc,
    p_of_better,
    p_of_harm,
    plasticity,
    wc_acc,
)

TRACE = (0.90, 0.90, 0.60, 0.65, 0.80, 0.85)
HISTORY = (0.50, 0.52, 0.48, 0.51, 0.49, 0.53, 0.50, 0.47)


@pytest.mark.parametrize(("window", "drop", "rise"), [(2, 0.30, 0.15), (3, 0.30, 0.20), (6, 0.30, 0.25)])
def test_windowed_forgetting_and_plasticity(window: int, drop: float, rise: float) -> None:
    assert forgetting(TRACE, window) == pytest.approx(drop)
    assert plasticity(TRACE, window) == pytest.approx(rise)


def test_a_drop_longer_ago_than_the_window_is_not_seen() -> None:
    assert forgetting((0.9, 0.8, 0.7, 0.6), 2) == pytest.approx(0.1)
    assert forgetting((0.1, 0.2), 5) == 0
    with pytest.raises(ValueError, match="two evaluations"):
        forgetting(TRACE, 1)


def test_worst_case_accuracy() -> None:
    traces = [(0.70, 0.80, 0.88, 0.60, 0.75), (0.92, 0.72, 0.81)]
    assert min_acc(traces) == pytest.approx(0.66)
    assert wc_acc(0.85, traces) == pytest.approx(0.723333, abs=1e-6)
    with pytest.raises(ValueError, match="none of them empty"):
        min_acc([])


@pytest.mark.parametrize(("score", "xi"), [(0.56, 3.0), (0.51, 0.5), (0.45, -2.5)])
def test_improvement_of_pipo(score: float, xi: float) -> None:
    assert improvement(score, HISTORY) == pytest.approx(xi)


def test_a_quiet_history_does_not_make_a_step_huge() -> None:
    assert improvement(0.52, [0.5, 0.5, 0.5], 100) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="two accepted versions"):
        improvement(0.5, [0.5])


@pytest.mark.parametrize(
    ("wins", "losses", "p_value", "better"), [(9, 2, 0.0327, 0.981), (6, 3, 0.254, 0.828), (3, 7, 0.945, 0.113)]
)
def test_wins_and_losses(wins: int, losses: int, p_value: float, better: float) -> None:
    assert p_of_harm(losses, wins) == pytest.approx(p_value, abs=1e-3)
    assert p_of_better(wins, losses) == pytest.approx(better, abs=1e-3)


def _scores(passed: int, tasks: int) -> dict[str, list[float]]:
    return {f"task {at}": [float(at < passed)] for at in range(tasks)}


def test_with_few_tasks_more_of_them_are_advised_and_not_repeats() -> None:
    once = judge_change({"only": [0.0]}, {"only": [1.0]})
    often = judge_change({"only": [0.0] * 16}, {"only": [1.0] * 16})
    assert once.decision == often.decision == "hold"
    assert once.paired.interval == often.paired.interval
    assert "repeats" not in once.why
    told = re.search(r"about (\d+) that differ alike are enough", once.why)
    enough = int(told[1]) if told else 0
    assert judge_change(_scores(0, enough), _scores(enough, enough)).decision == "accept"
    assert judge_change(_scores(0, enough - 1), _scores(enough - 1, enough - 1)).decision == "hold"


def test_with_many_tasks_repeats_are_advised_too() -> None:
    mixed = {task: [1.0 - score[0]] for task, score in _scores(12, 24).items()}
    assert "run more tasks or repeats" in judge_change(_scores(12, 24), mixed).why


def test_a_clear_gain_is_accepted_and_a_clear_loss_rolled_back() -> None:
    assert judge_change(_scores(20, 60), _scores(40, 60)).decision == "accept"
    back = judge_change(_scores(40, 60), _scores(20, 60))
    assert back.decision == "roll back"
    assert (back.wins, back.losses) == (0, 20)


def test_what_chance_explains_is_held() -> None:
    worse = judge_change(_scores(31, 60), _scores(30, 60))
    assert worse.decision == "hold"
    assert "within chance" in worse.why
    few = judge_change(_scores(5, 10), _scores(6, 10))
    assert few.decision == "hold"
    assert "not ruled out" in few.why


def test_far_under_earlier_versions_is_rolled_back() -> None:
    ruling = judge_change(_scores(20, 60), _scores(20, 60), [0.8] * 7)
    assert ruling.decision == "roll back"
    assert "under the accepted versions" in ruling.why


def test_a_skill_that_dropped_on_the_way_is_held() -> None:
    ruling = judge_change(_scores(20, 60), _scores(40, 60), dropped=forgetting(TRACE, 6))
    assert (ruling.decision, "dropped by 0.30" in ruling.why) == ("hold", True)
