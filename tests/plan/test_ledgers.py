"""The ledgers of a run: what earlier processes spent counts, once, where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright import RunConfig, Task
from loopwright.budget import Spend
from loopwright.environments import Observation
from loopwright.errors import StoreError
from loopwright.models import Price, Prices, Reply, Usage
from loopwright.models.image import ImageReply
from loopwright.plan import BudgetBook, PlannedEpisode, plan_episodes
from loopwright.store import CallFinished, CallIntended, Event, Failed, Judged, Mitigated, Observed, Payload, RunResumed
from loopwright.task import CapOptions

PRICES = Prices(date=date(2026, 11, 1), models={"a/x": Price(input=Decimal(1), output=Decimal(10))})
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def plan(*names: str, **budget: object) -> list[PlannedEpisode]:
    """An episode of each task of such a name."""
    tasks = [
        Task.model_validate({"name": name, "goal": "g", "environment": {"name": "python"}, "budget": budget})
        for name in names
    ]
    return list(plan_episodes(RunConfig(tasks=tuple(tasks))))


def at(second: float, data: Payload, episode: str | None = "t:refine:0") -> Event:
    """An event of the record; numbers do not matter here."""
    time = (BEGIN + timedelta(seconds=second)).isoformat(timespec="microseconds")
    return Event(seq=0, time=time, episode=episode, iteration=0, node="n", data=data)


def call(
    usage: Mapping[str, int], *, cost: str | None = None, seconds: float = 0.0, model: str = "a/x", **more: Any
) -> list[Payload]:
    """The two events of a call to a model."""
    reply = Reply(
        text="", model=model, usage=Usage(**usage), cost_usd=None if cost is None else Decimal(cost), seconds=seconds
    )
    finished = {"key": "k", "kind": "model", "result": reply.model_dump(mode="json"), **more}
    return [
        CallIntended(key="k", kind="model", repeatable=True, request={"model": model}),
        CallFinished.model_validate(finished),
    ]


def spent_on(data: list[Payload], prices: Prices | None = None) -> Spend:
    """What an episode with such a record has spent."""
    (planned,) = plan("t")
    return book().episode(planned, [at(0, one) for one in data], prices).spent


def book(*history: Event, **caps: object) -> BudgetBook:
    return BudgetBook(CapOptions.model_validate(caps), history, lambda finished: finished.result)


def test_nothing_recorded_is_nothing_spent() -> None:
    assert spent_on([]) == Spend()


def test_a_recorded_call_counts_with_its_tokens_its_cost_and_its_time() -> None:
    usage = {"input": 5, "cache_read": 4, "cache_write": 3, "output": 2}
    expected = Spend(1, 0, 0, **usage, usd=Decimal("0.25"), working_seconds=1.5)
    assert spent_on(call(usage, cost="0.25", seconds=1.5)) == expected


def test_a_call_without_a_cost_counts_as_unpriced_with_the_most_that_it_may_have_cost() -> None:
    usage = {"cache_read": 3_000_000}
    assert spent_on(call(usage)) == Spend(1, unpriced_calls=1, cache_read=3_000_000)
    assert spent_on(call(usage), PRICES) == Spend(1, unpriced_calls=1, cache_read=3_000_000, usd=Decimal(30))
    assert spent_on(call(usage, model="a/other"), PRICES).usd == 0


def test_a_call_that_the_cache_answered_counts_as_a_call_alone() -> None:
    assert spent_on(call({"input": 5}, cost="1", seconds=2.0, cached=True)) == Spend(model_calls=1, cached_calls=1)


def test_pictures_count_with_the_most_that_they_may_have_cost_where_that_is_not_told() -> None:
    reply = ImageReply(images=("r",), model="x", usage=Usage(input=5, output=100_000), usage_reported=False)
    finished = CallFinished(key="k", kind="image", result=reply.model_dump(mode="json"))
    intended = CallIntended(key="k", kind="image", repeatable=True, request={"model": "a/x"})
    counted = {"images": 1, "unpriced_calls": 1, "input": 5, "output": 100_000}
    assert spent_on([intended, finished], PRICES) == Spend(**counted, usd=Decimal("1.000005"))


def test_what_a_lost_picture_counts_is_charged() -> None:
    failed = Failed(error="E", cause="model", message="", retried=True, usage=Usage(output=7), images=2, cost_usd="3")
    assert spent_on([failed], PRICES) == Spend(images=2, output=7, usd=Decimal(3))


def test_what_failed_and_what_is_no_model_call_is_not_charged() -> None:
    assert spent_on(call({"input": 5}, cost="1", result=None, failure={"error": "ModelError"})) == Spend()
    assert spent_on(call({"input": 5}, cost="1", kind="sandbox")) == Spend()
    assert spent_on(call({"input": 5})[:1]) == Spend()


@pytest.mark.parametrize(
    "data",
    [
        Observed(observation=Observation().model_dump(mode="json"), seconds=2.5),
        Judged(verdict={}, score=0, passed=False, best=False, confirmed_seconds=2.5),
        Mitigated(kind="anchoring", at=0, why="", what="", seconds=2.5),
    ],
    ids=["observed", "confirmed", "probes"],
)
def test_time_in_sandboxes_is_working_time_too(data: Payload) -> None:
    assert spent_on([data]) == Spend(sandbox_seconds=2.5, working_seconds=2.5)


def test_an_episodes_ledger_is_charged_once() -> None:
    (planned,) = plan("t")
    ledgers = book()
    recorded = [at(0, one) for one in call({"input": 5}, cost="1")]
    first = ledgers.episode(planned, recorded, None)
    assert ledgers.episode(planned, recorded, None) is first
    assert (first.spent.model_calls, ledgers.run.spent.model_calls) == (1, 1)


def test_caps_are_those_of_the_episode_its_task_and_the_run() -> None:
    first, second = plan("t", "u", model_calls=3, tokens=9, usd=0.1, run={"model_calls": 5, "working_seconds": 7.0})
    ledgers = book(model_calls=6, seconds=1000.0)
    one, other = ledgers.episode(first, [], None), ledgers.episode(second, [], None)
    assert (one.caps.model_calls, one.caps.tokens, one.caps.usd) == (3, 9, 0.1)
    assert one.parent is not None
    assert (one.parent.caps.model_calls, one.parent.caps.working_seconds) == (5, 7.0)
    assert one.parent.parent is ledgers.run
    assert (ledgers.run.caps.model_calls, ledgers.run.caps.seconds) == (6, 1000.0)
    assert other.parent is not None
    assert other.parent is not one.parent
    assert other.parent.parent is ledgers.run


def test_episodes_of_one_task_and_its_session_share_what_the_task_may_spend() -> None:
    first, second = plan_episodes(
        RunConfig(
            tasks=(
                Task.model_validate(
                    {
                        "name": "t",
                        "goal": "g",
                        "environment": {"name": "python"},
                        "budget": {"run": {"model_calls": 5}},
                        "repeats": 2,
                    }
                ),
            )
        )
    )
    ledgers = book()
    one, other = ledgers.episode(first, [at(0, part) for part in call({})], None), ledgers.episode(second, [], None)
    session = ledgers.session(first.task, [at(0, part) for part in call({})], None)
    assert [ledger.left.model_calls for ledger in (one, other, session)] == [3, 3, 3]
    assert ledgers.left().model_calls == 3


def test_what_a_run_of_several_tasks_has_left_is_its_own() -> None:
    first, second = plan("t", "u", run={"model_calls": 2})
    ledgers = book(model_calls=9)
    ledgers.episode(first, [], None)
    assert ledgers.left().model_calls == 2
    ledgers.episode(second, [], None)
    assert ledgers.left().model_calls == 9


OTHER = "u:refine:0"
RESUMED = RunResumed(loopwright="0")


@pytest.mark.parametrize(
    ("history", "run", "episode"),
    [
        ([], 0, 0),
        ([at(0, RESUMED, None), at(1, Observed(observation={})), at(4, Observed(observation={}))], 4, 3),
        ([at(0, Observed(observation={})), at(4, Observed(observation={}), OTHER)], 4, 0),
        (
            [
                at(0, Observed(observation={})),
                at(4, Observed(observation={})),
                at(1000, RESUMED, None),
                at(1001, Observed(observation={})),
                at(1003, Observed(observation={})),
            ],
            7,
            6,
        ),
        ([at(100, Observed(observation={})), at(0, Observed(observation={}))], 0, 0),
        (
            [
                at(100, Observed(observation={})),
                at(0, Observed(observation={})),
                at(200, RESUMED, None),
                at(201, Observed(observation={})),
            ],
            1,
            0,
        ),
    ],
    ids=["nothing", "one process", "two episodes", "two processes", "a clock set back", "set back, and on"],
)
def test_wall_time_is_that_of_earlier_processes_without_the_time_between_them(
    history: list[Event], run: float, episode: float
) -> None:
    ledgers = book(*history, seconds=10_000.0)
    # A cap far off tells the seconds that were counted, whatever the test itself takes.
    assert round(ledgers.run.seconds) == run
    planned, _ = plan("t", "u")
    assert round(ledgers.episode(planned, [], None).seconds) == episode


CALLS = st.builds(
    lambda usage, cents, seconds, cached: call(usage, cost=str(Decimal(cents) / 100), seconds=seconds, cached=cached),
    st.fixed_dictionaries({"input": st.integers(0, 9), "output": st.integers(0, 9)}),
    st.integers(0, 99),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.booleans(),
)


@given(st.lists(st.lists(CALLS, max_size=3), min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_a_run_has_spent_what_its_episodes_have_whatever_their_order(
    calls: list[list[list[Payload]]], order: list[int]
) -> None:
    planned, ledgers = plan("t", "u", "v"), book()
    spent = {}
    for number in order:
        recorded = [at(0, part) for one in calls[number] for part in one]
        spent[number] = ledgers.episode(planned[number], recorded, None).spent
    assert ledgers.run.spent == sum(spent.values(), Spend())
    assert [spent[number].model_calls for number in range(3)] == [len(one) for one in calls]


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("model", {}),
        ("model", {"text": "", "model": "a/x", "cost_usd": "-1"}),
        ("model", {"text": "", "model": "a/x", "cost_usd": "NaN"}),
        ("model", {"text": "", "model": "a/x", "usage": {"input": 10**30}}),
        ("model", {"text": 7, "model": "a/x"}),
        ("image", {"model": "a/x"}),
        ("image", {"model": "a/x", "images": ["i"], "cost_usd": "-1"}),
    ],
)
def test_a_recorded_result_that_is_no_reply_is_an_error_of_the_record(kind: Any, result: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="the record's result of the call k is no reply"):
        spent_on([CallFinished(key="k", kind=kind, result=result)])


@pytest.mark.parametrize("budget", [{"model_calls": 1.5}, {"wishes": 3.0}])
def test_a_recorded_cap_that_is_none_is_an_error_of_the_record(budget: dict[str, float]) -> None:
    with pytest.raises(StoreError, match="the record holds a cap that is none"):
        BudgetBook(CapOptions(), [at(0, RunResumed(loopwright="1", budget=budget), None)], lambda call: None)
