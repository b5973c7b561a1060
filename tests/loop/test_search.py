"""Searches: candidates that are in flight together come to the same, whatever takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopwright.budget import Caps, Spend
from loopwright.environments import Observation
from loopwright.errors import ModelUnavailable
from loopwright.loop import Brief, Decision, SearchStrategy, run_episode
from loopwright.models import Reply, Request
from loopwright.record import EpisodeRecord
from loopwright.store import CallFinished, CallIntended, Event, RunStore
from loopwright.task import LoopOptions
from loopwright.types import Attempt, Candidate, Check, ValueOptions, Verdict
from tests.loop.game import Game, Table
from tests.loop.test_draws import Seeded

CANDIDATES = 10


class Hill(Game):
    """The value of a candidate is the number that it says."""

    places = 2

    def __init__(self, seconds: Sequence[float] = (0.0,)) -> None:
        super().__init__()
        self.seconds = seconds
        self.together = self.most_together = 0

    async def step(self, action: Candidate) -> Observation:
        self.steps += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        await asyncio.sleep(self.seconds[self.steps % len(self.seconds)])
        self.together -= 1
        number = float(action.text)
        return Observation(verdict=Verdict(checks=(Check(name="valid", score=number > 0),), value=number))


class Best:
    """Goes on from the best that nothing is made from."""

    def __init__(self, options: LoopOptions, seed: int | None) -> None:
        self.taken: list[Attempt] = []

    def take(self, attempt: Attempt) -> None:
        assert attempt.iteration == len(self.taken)
        self.taken.append(attempt)

    def pick(self, in_flight: Sequence[int]) -> Decision:
        free = [one for one in self.taken if one.verdict.passed and one.iteration not in in_flight]
        best = max(free, key=lambda one: (one.verdict.value or 0.0, -one.iteration), default=None)
        if best is None:
            return Decision("restart", "best", "nothing is free")
        return Decision("backtrack", "best", f"of {len(self.taken)}", best.iteration)

    def brief(self, iteration: int, target: int | None) -> Brief:
        return Brief(attempts=[] if target is None else [target])

    def refuse(self, iteration: int, candidate: Candidate) -> str:
        return "too small" if candidate.text == "-1" else ""


def table_of(folder: Path, model: Seeded, hill: Hill, width: int, store: RunStore | None = None, **more: Any) -> Table:
    options = {"max_iterations": CANDIDATES, "value": ValueOptions(direction="maximize"), **more}
    table = Table(folder, [], strategy=SearchStrategy("best", Best), width=width, store=store, **options)
    table.context = replace(table.context, seed=7, models={model.name: model}, environment=hill)
    started = table.plan.started.model_copy(update={"value": table.context.options.value})
    table.plan = replace(table.plan, started=started)
    return table


def decided(events: Iterable[Event]) -> dict[int, tuple[Any, ...]]:
    """By iteration: what it was made from, what was said of it, and what was decided after it."""
    read = EpisodeRecord()
    for event in events:
        read.apply(event)
    return {
        number: (one.parent, one.value, one.decided and (one.decided.decision, one.decided.rule, one.decided.target))
        for number, one in sorted(read.iterations.items())
    }


def searched(folder: Path, model: Seeded, hill: Hill, width: int, **more: Any) -> tuple[dict[int, Any], Table]:
    table = table_of(folder, model, hill, width, **more)
    asyncio.run(run_episode(table.plan, table.context))
    found = decided(table.store.events())
    table.store.close()
    return found, table


waits = st.lists(st.sampled_from([0.0, 0.001, 0.004]), min_size=1, max_size=5)


@settings(max_examples=12, deadline=None)
@given(width=st.integers(1, 6), calls=waits, steps=waits, other=waits, threshold=st.sampled_from([None, {"value": 21}]))
@example(4, [0.0], [0.0], [0.0, 0.004, 0.001], {"value": 21})
@example(3, [0.004, 0.0], [0.0], [0.0, 0.001, 0.004, 0.001], {"value": 14})
def test_what_takes_long_decides_nothing(
    width: int, calls: list[float], steps: list[float], other: list[float], threshold: dict[str, float] | None
) -> None:
    answers = ["3", "14", "-1", "8", "21"]
    with TemporaryDirectory() as folder:
        more = {"threshold": threshold}
        one, table = searched(Path(folder, "one"), Seeded(answers, calls), Hill(steps), width, **more)
        same, _ = searched(Path(folder, "two"), Seeded(answers, other), Hill(other[::-1]), width, **more)
    assert one == same
    first = next(number for number, (_, _, made) in one.items() if made and made[0] == "stop")
    best = max(value for number, (_, value, _) in one.items() if number <= first and value is not None)
    good = threshold is not None and best >= threshold["value"]
    assert one[first][2] == ("stop", "threshold" if good else "max_iterations", None)
    assert table.context.tree.stop_rule == one[first][2][1]
    assert good or len(one) == CANDIDATES == first + 1


def test_calls_and_executions_have_pools_of_their_own(tmp_path: Path) -> None:
    model, hill = Seeded(["3", "4", "5"], [0.01]), Hill([0.02])
    searched(tmp_path / "r", model, hill, 6, max_iterations=30)
    assert (model.most_together, hill.most_together) == (6, 2)


def test_a_decision_names_the_candidate_that_it_is_about(tmp_path: Path) -> None:
    _, table = searched(tmp_path / "r", Seeded(["3", "4"]), Hill(), 2)
    first = table.context.tree.decision(0)
    assert first is not None
    assert first.why == "iteration 6: of 1"
    assert table.context.tree[6].parent == first.target == 0


def test_one_at_a_time_goes_on_from_what_was_just_found(tmp_path: Path) -> None:
    found, _ = searched(tmp_path / "r", Seeded(["3", "14", "8"]), Hill(), 1)
    best, values = None, {}
    for number, (parent, value, _) in found.items():
        assert parent == best
        values[number] = value
        best = max(values, key=lambda one: (values[one], -one))


def answered(events: Iterable[Event]) -> int:
    return sum(isinstance(event.data, CallFinished) and event.data.failure is None for event in events)


def gone_on(folder: Path, source: Table, kept: int, model: Seeded, width: int, **more: Any) -> dict[int, Any]:
    """What comes of a search that was cut off after so many of its events."""
    cut = [event for event in source.store.events() if event.episode][:kept]
    store = RunStore.create(folder, source.store.manifest)
    for event in cut:
        store.append(event.data, episode=event.episode, iteration=event.iteration, node=event.node)
    store.close()
    again = table_of(folder, model, Hill(), width, store=RunStore.open(folder), **more)
    paid = answered(cut)
    again.context.ledger.charge(Spend(model_calls=paid))
    recorded = [event for event in again.store.events() if event.episode]
    asyncio.run(asyncio.wait_for(run_episode(again.plan, again.context, recorded=recorded), 60))
    events = list(again.store.events())
    again.store.close()
    assert paid + len(model.asked) == answered(events)
    return decided(events)


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_search_that_was_cut_off_goes_on_as_if_nothing_had_happened(tmp_path: Path, kept: int) -> None:
    answers, delays = ["3", "14", "-1", "8", "21"], [0.001, 0.0, 0.003]
    whole, table = searched(tmp_path / "whole", Seeded(answers, delays), Hill(), 3)
    assert gone_on(tmp_path / "cut", table, kept, Seeded(answers, delays), 3) == whole


@pytest.mark.parametrize("kept", range(20, 51, 6))
def test_a_search_that_was_cut_off_at_a_cap_ends_as_the_whole_one(tmp_path: Path, kept: int) -> None:
    answers, caps = ["3", "14", "8"], Caps(model_calls=6)
    whole, table = searched(tmp_path / "whole", Seeded(answers, [0.001]), Hill(), 4, caps=caps)
    assert gone_on(tmp_path / "cut", table, kept, Seeded(answers, [0.001]), 4, caps=caps) == whole


@pytest.mark.parametrize("kept", [1, 20])
def test_a_server_that_takes_fewer_calls_at_once_changes_nothing_of_a_search_that_goes_on(
    tmp_path: Path, kept: int
) -> None:
    answers = ["3", "14", "-1", "8", "21"]
    whole, table = searched(tmp_path / "whole", Seeded(answers), Hill(), 3)
    assert gone_on(tmp_path / "cut", table, kept, Seeded(answers, slots=1), 3) == whole


class FailsFirst(Seeded):
    """Does not answer the first request at all, and the others after their delays."""

    failed = False

    async def complete(self, request: Request) -> Reply:
        if not self.failed:
            self.failed = True
            raise ModelUnavailable("away")
        return await super().complete(request)


def test_calls_that_were_sent_when_another_one_fails_are_waited_for(tmp_path: Path) -> None:
    model = FailsFirst(["3", "14", "8"], [0.05])
    table = table_of(tmp_path / "r", model, Hill(), 6)
    assert asyncio.run(run_episode(table.plan, table.context)).status == "failed"
    events = [event.data for event in table.store.events()]
    sent = {event.key for event in events if isinstance(event, CallIntended)}
    assert len(sent) == len(model.asked) + 1 > 1
    assert sent == {event.key for event in events if isinstance(event, CallFinished)}
    table.store.close()


def test_what_fails_ends_the_episode_when_its_turn_comes_and_leaves_nothing_running(tmp_path: Path) -> None:
    model = Seeded(["3", ModelUnavailable("away"), "8"], [0.001])
    table = table_of(tmp_path / "r", model, Hill(), 3)
    outcome = asyncio.run(run_episode(table.plan, table.context))
    assert (outcome.status, outcome.failure and outcome.failure.error) == ("failed", "ModelUnavailable")
    assert all(task.done() for task in table.context.flight.tasks.values())
    table.store.close()


def test_what_a_search_refuses_is_not_executed_and_has_no_value(tmp_path: Path) -> None:
    hill = Hill()
    found, table = searched(tmp_path / "r", Seeded(["-1", "8", "3"]), hill, 2)
    refused = [one for one in table.context.tree if one.candidate is not None and one.candidate.text == "-1"]
    assert refused
    assert {one.observation.text for one in refused} == {"too small"}
    assert hill.steps == len(found) - len(refused)


def test_a_cap_on_calls_is_used_up_and_all_that_was_paid_for_is_measured(tmp_path: Path) -> None:
    found, table = searched(tmp_path / "r", Seeded(["3", "14", "8"], [0.001]), Hill(), 4, caps=Caps(model_calls=6))
    assert [value is not None for _, value, _ in found.values()] == [True] * 6 + [False] * (len(found) - 6)
    assert table.context.tree.stop_rule == "budget"
