"""A number that is maximised or minimised beside the score."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.loop import run_episode
from loopwright.store import Decided, EpisodeFinished, EpisodeStarted, Judged
from loopwright.task import Instance, LoopOptions
from loopwright.types import ValueOptions
from loopwright.verify import Check, Verdict
from tests.loop.game import Table

MINIMIZE = {"name": "number", "direction": "minimize", "unit": "points"}


class Even:
    """Any even number passes; the number itself is the value."""

    async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
        number = float(candidate.text)
        return Verdict(checks=(Check(name="even", score=number % 2 == 0, evidence="odd"),), value=number)


def play(folder: Path, guesses: list[object], verifier: object | None = None, **options: object) -> Table:
    table = Table(folder, guesses, verifiers=[verifier or Even()], value=MINIMIZE, **options)  # type: ignore[list-item,arg-type]  # tests hand in what is none
    table.plan = table.plan.__class__(
        table.plan.started.model_copy(update={"value": table.context.options.value}),
        table.plan.instance.without_hidden(),
        table.plan.strategy,
    )
    ran = Observation(text="ran")
    table.context.environment.reset = lambda instance: asyncio.sleep(0, ran)  # type: ignore[method-assign]
    table.context.environment.step = lambda action: asyncio.sleep(0, ran)  # type: ignore[method-assign]
    asyncio.run(run_episode(table.plan, table.context))
    return table


def outcome(table: Table) -> EpisodeFinished:
    (finished,) = [event.data for event in table.store.events() if isinstance(event.data, EpisodeFinished)]
    return finished


def test_of_equal_scores_the_better_value_is_the_answer_and_a_pass_is_no_end(tmp_path: Path) -> None:
    table = play(tmp_path / "r", ["18", "12", "13", "14"], max_iterations=4)
    done = outcome(table)
    assert (done.answer_iteration, done.score, done.value, done.passed) == (1, 1.0, 12.0, True)
    assert (done.iterations, done.rule) == (4, "max_iterations")
    judged = [event.data for event in table.store.events() if isinstance(event.data, Judged)]
    assert [one.best for one in judged] == [True, True, False, False]


def test_the_score_goes_before_the_value(tmp_path: Path) -> None:
    done = outcome(play(tmp_path / "r", ["3", "18", "5"], max_iterations=3))
    assert (done.answer_iteration, done.value) == (1, 18.0)


def test_the_loop_goes_back_to_the_best_value(tmp_path: Path) -> None:
    table = play(tmp_path / "r", ["12", "18", "10"], max_iterations=3)
    decided = [event.data for event in table.store.events() if isinstance(event.data, Decided)]
    assert (decided[1].decision, decided[1].target) == ("backtrack", 0)
    assert decided[1].why == "number 18 points is worse than that of iteration 0"


def test_the_proposer_hears_the_value_and_where_to_go(tmp_path: Path) -> None:
    table = play(tmp_path / "r", ["12", "18", "10"], max_iterations=3)
    prompts = [request.messages[1].content for request in table.proposer.requests]
    assert "number 12 points: make it lower." in prompts[1]
    # It goes on from the best one.
    assert "number 12 points: make it lower." in prompts[2]


@pytest.mark.parametrize("strategy", ["refine", "best_of_n"])
def test_a_threshold_on_the_value_stops_the_loop(tmp_path: Path, strategy: str) -> None:
    done = outcome(play(tmp_path / "r", ["18", "7", "12", "8"], strategy=strategy, threshold={"value": 12}))
    assert (done.answer_iteration, done.iterations, done.rule) == (2, 3, "threshold")


def test_a_plateau_is_an_answer_whose_value_gets_no_better(tmp_path: Path) -> None:
    done = outcome(play(tmp_path / "r", ["18", "16", "16", "20", "2"], plateau=2))
    assert (done.answer_iteration, done.iterations, done.rule) == (1, 4, "plateau")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e13, 10**400])
def test_a_value_that_is_none_is_a_failure_of_the_verifier(tmp_path: Path, value: float) -> None:
    class Unbounded:
        async def verify(self, candidate: Candidate, instance: Instance) -> Verdict:
            return Verdict(checks=(Check(name="even", score=1),), value=value)

    done = outcome(play(tmp_path / "r", ["12"], Unbounded()))
    assert done.failure is not None
    assert (done.status, done.score, done.failure.cause) == ("failed", None, "verifier")
    assert "Unbounded gave no verdict: value:" in done.failure.message
    assert "between -1e12 and 1e12" in done.failure.message


def test_two_values_for_one_candidate_are_refused(tmp_path: Path) -> None:
    table = Table(tmp_path / "two", ["12"], verifiers=[Even(), Even()], value=MINIMIZE)
    failure = asyncio.run(run_episode(table.plan, table.context)).failure
    assert failure is not None
    assert "2 verdicts on one candidate give a value" in failure.message


def test_a_threshold_on_the_value_needs_a_direction() -> None:
    with pytest.raises(ValidationError, match="needs a section `value`"):
        LoopOptions.model_validate({"threshold": {"value": 3}})


def test_without_a_value_the_record_is_as_before() -> None:
    assert "value" not in Verdict().model_dump()
    started = EpisodeStarted(task="t", instance="t", variant="v", strategy="s", models={}, repeat=0, goal="g")
    assert "value" not in started.model_dump()
    assert "value" not in EpisodeFinished(status="scored").model_dump()


@pytest.mark.parametrize(("direction", "better"), [("maximize", 2.0), ("minimize", -2.0)])
def test_directions(direction: str, better: float) -> None:
    value = ValueOptions.model_validate({"direction": direction})
    assert value.rank(better) > value.rank(0.0) > value.rank(None)
