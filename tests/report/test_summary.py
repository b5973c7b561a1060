"""A run in numbers, from its record alone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from loopwright.errors import StoreError
from loopwright.report import RunSummary, summarize, summarize_run
from loopwright.stats import wilson
from loopwright.store import read_run
from tests.report.builder import RunBuilder, Turn

PASS = Turn(1.0, hidden=1.0, decision="stop", rule="all_passed")
FAIL = Turn(0.5, hidden=0.0, decision="stop", rule="max_iterations")


def summary_of(folder: Path, build: Callable[[RunBuilder], object], **options: object) -> RunSummary:
    builder = RunBuilder(folder / "run", **options)  # type: ignore[arg-type]  # forwarded as they are
    build(builder)
    return summarize_run(builder.close())


def test_rates_are_over_scored_episodes_alone(tmp_path: Path) -> None:
    def build(run: RunBuilder) -> None:
        run.episode([PASS], instance="1")
        run.episode([FAIL], instance="2")
        run.episode([PASS], instance="3")
        run.episode([Turn()], instance="4", failed={"cause": "model", "error": "ModelUnavailable", "message": "503"})
        run.episode([Turn()], instance="5", failed={"cause": "sandbox", "error": "SandboxLost", "message": "gone"})
        run.episode([Turn()], instance="6", finish=False)

    (variant,) = summary_of(tmp_path, build, episodes=6).variants
    assert (variant.n, variant.passed, variant.pass_rate, variant.mean_score) == (3, 2, 2 / 3, 2 / 3)
    assert variant.interval == wilson(2, 3)
    assert variant.failures == {"model": 1, "sandbox": 1}
    assert variant.unfinished == 1
    assert variant.rules == {"all_passed": 2, "max_iterations": 1}
    # What failed episodes spent was spent all the same.
    assert (variant.model_calls, variant.usage.input, variant.usage.output) == (6, 3000, 600)
    assert variant.cost_usd == Decimal("0.0060")


def test_the_run_itself(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, lambda run: run.episode([PASS]), variants=("refine", "single"), episodes=9)
    assert (summary.run, summary.loopwright, summary.planned, summary.finished) == ("run", "0.1.0", 9, "completed")
    assert [variant.name for variant in summary.variants] == ["refine", "single"]
    assert summary.created < summary.ended
    empty = summary.variants[1]
    assert (empty.n, empty.pass_rate, empty.mean_score, empty.repeats) == (0, None, None, 0)


def test_repeats_of_an_instance_widen_the_interval(tmp_path: Path) -> None:
    def build(run: RunBuilder) -> None:
        for instance in "ab":
            for repeat in range(5):
                run.episode([PASS if instance == "a" else FAIL], instance=instance, repeat=repeat)

    (variant,) = summary_of(tmp_path, build).variants
    assert variant.repeats == 5
    assert {unit: (r.successes, r.n) for unit, r in variant.rollouts.items()} == {"sums/a": (5, 5), "sums/b": (0, 5)}
    independent = wilson(5, 10)
    assert variant.interval.low < independent.low < independent.high < variant.interval.high
    assert "2 clusters" in variant.interval.method


def test_refinement_follows_parents_not_the_clock(tmp_path: Path) -> None:
    """0 wrong, 1 from 0 right, 2 from 1 wrong, 3 from 1 right again (after backtracking): no turn from 2 to 3."""

    def build(run: RunBuilder) -> None:
        run.episode(
            [
                Turn(0.5, hidden=0.5),
                Turn(0.9, hidden=1.0, parent=0),
                Turn(0.4, hidden=0.2, parent=1, decision="backtrack", rule="regression", target=1),
                Turn(1.0, hidden=1.0, parent=1, decision="stop", rule="all_passed"),
            ]
        )

    (variant,) = summary_of(tmp_path, build).variants
    flow = variant.refinement.overall
    assert variant.basis == "graded"
    assert (flow.turns, flow.wrong_to_right, flow.right_to_wrong) == (3, 1, 1)
    assert flow.cost == pytest.approx(0.003)
    assert [iteration for iteration, _ in variant.refinement.by_iteration] == [1, 2, 3]


def test_without_grades_of_every_candidate_the_loops_verdicts_count(tmp_path: Path) -> None:
    turns = [Turn(0.5), Turn(1.0, hidden=0.5, parent=0, decision="stop", rule="all_passed")]
    (variant,) = summary_of(tmp_path, lambda run: run.episode(turns)).variants
    assert variant.basis == "judged"
    assert variant.refinement.overall.wrong_to_right == 1
    assert variant.pass_rate == 0


@pytest.mark.parametrize(("threshold", "gained"), [(None, 0), (0.8, 1), (0.95, 0)])
def test_what_is_good_enough_counts_as_right(tmp_path: Path, threshold: float | None, gained: int) -> None:
    turns = [Turn(0.5, hidden=0.5), Turn(0.9, hidden=0.9, parent=0, decision="stop", rule="threshold")]
    (variant,) = summary_of(tmp_path, lambda run: run.episode(turns, threshold=threshold)).variants
    assert (variant.refinement.overall.turns, variant.refinement.overall.wrong_to_right) == (1, gained)


def test_a_fresh_start_is_no_refinement_and_an_unreadable_reply_is_wrong(tmp_path: Path) -> None:
    turns = [Turn(0.5), Turn(0.6, parent=None), Turn(problem="no code block", parent=1)]
    (variant,) = summary_of(tmp_path, lambda run: run.episode(turns)).variants
    flow = variant.refinement.overall
    assert (flow.turns, flow.wrong_before, flow.wrong_to_right) == (1, 1, 0)


def test_a_model_without_a_price_makes_the_cost_unknown(tmp_path: Path) -> None:
    def build(run: RunBuilder) -> None:
        run.episode([PASS], instance="1")
        run.episode([PASS], instance="2", priced=False)

    summary = summary_of(tmp_path, build)
    assert summary.cost_usd is None
    assert summary.variants[0].cost_usd is None
    assert summary.variants[0].refinement.overall.cost is None


def test_an_unfinished_episode_counts_what_it_spent(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run")
    builder.episode([Turn(), Turn(parent=0)], finish=False)
    summary = summarize_run(builder.close(None))
    (row,) = summary.episodes
    assert (row.status, row.score, row.iterations, row.model_calls, row.usage.total) == ("unfinished", None, 2, 2, 1200)
    assert row.cost_usd == Decimal("0.0020")
    assert summary.finished is None


def test_a_resumed_run_is_not_interrupted_any_more(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run", episodes=2)
    builder.episode([PASS], instance="1")
    folder = builder.close("interrupted")
    events = list(read_run(folder).events)
    assert summarize(events).finished == "interrupted"
    later = [event.model_copy(update={"seq": len(events) + i}) for i, event in enumerate(events[1:3])]
    assert summarize([*events, *later]).finished is None


def test_an_episode_that_starts_anew_counts_once(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run")
    builder.episode([FAIL])
    builder.episode([PASS])
    (row,) = summarize_run(builder.close()).episodes
    assert row.passed is True


def test_no_run_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a run folder"):
        summarize_run(tmp_path)
