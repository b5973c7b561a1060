"""A run read out of its events, an episode at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import StoreError
from loopwright.record import EpisodeRecord, RunReader, is_session, session_name
from loopwright.store import (
    CallFinished,
    DriftAlarm,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Payload,
    RunFinished,
    RunStarted,
    RunSteered,
    SandboxOpened,
    read_run,
)
from loopwright.types import Category, Channel, Usage, Verdict
from tests.loop.trees import decided, judged, proposed, tried
from tests.report.builder import RunBuilder, Turn

STARTED = EpisodeStarted(task="t", instance="i", variant="v", strategy="refine", models={}, repeat=0, goal="g")
SCORED = EpisodeFinished(status="scored", score=1.0, passed=True)
LOST = EpisodeFinished(status="failed")
Told = tuple[str | None, int | None, Payload]
SESSION = session_name("t", "v", 0)


def call(tokens: int, cost: str | None = "0.5", **fields: Any) -> CallFinished:
    result = {"usage": {"input": tokens}, "cost_usd": cost}
    return CallFinished(**({"key": "k", "kind": "model", "seconds": 2.0, "result": result} | fields))


def run_of(*told: Told) -> list[Event]:
    return [
        Event(
            seq=seq,
            time=f"2026-01-01T00:00:{seq:02}+00:00",
            episode=episode,
            iteration=iteration,
            node="propose",
            data=data,
        )
        for seq, (episode, iteration, data) in enumerate(told)
    ]


def whole(name: str, finished: EpisodeFinished = SCORED) -> list[Told]:
    return [(name, None, STARTED), *((name, 0, data) for data in tried("x", 1.0)), (name, None, finished)]


@pytest.mark.parametrize(
    "result",
    [
        {"usage": {"input": 10**400}},
        {"usage": {"input": 10**12, "output": 1}},
        {"usage": {"input": -1}},
        {"usage": {"input": "many"}},
        {"usage": 7},
        {"usage": {"images": 1}},
        {"cost_usd": "NaN"},
        {"cost_usd": "1E+999999"},
        {"cost_usd": float("inf")},
        {"cost_usd": "free"},
        {"cost_usd": []},
        {"left_out": 5},
        {"usage_reported": []},
    ],
)
@pytest.mark.parametrize("name", ["a", SESSION])
def test_a_result_that_was_made_up_is_an_error_that_names_file_and_call(name: str, result: dict[str, Any]) -> None:
    events = run_of((name, 0, CallFinished(key="e/0/propose/0/h", kind="model", result=result)))
    with pytest.raises(StoreError, match=r"events\.jsonl: the result of the call e/0/propose/0/h"):
        list(RunReader().read(events))


def test_a_cost_may_be_a_number_as_older_versions_wrote_it() -> None:
    result = {"usage": None, "cost_usd": 0.5}
    (episode,) = RunReader().read(run_of(("a", 0, CallFinished(key="k", kind="model", result=result))))
    assert episode.spent.cost_usd == Decimal("0.5")


def test_an_episode_is_given_when_it_is_scored_and_held_no_longer() -> None:
    reader = RunReader()
    given = [
        reader.apply(event) for event in run_of(*whole("a"), *whole("b"), (None, None, RunFinished(reason="failed")))
    ]
    assert [one.id for one in given if one is not None] == ["a", "b"]
    assert given[4] is not None
    assert given[9] is not None
    assert reader.unfinished == {}
    assert (reader.created, reader.ended) == ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:10+00:00")
    assert reader.finished == RunFinished(reason="failed")


def test_an_interrupted_run_leaves_what_is_unfinished_for_the_end() -> None:
    started = RunStarted(loopwright="1", tasks={}, variants=("v",), episodes=3)
    reader = RunReader()
    found = list(reader.read(run_of((None, None, started), *whole("a")[:-1], *whole("b"), *whole("c", LOST))))
    assert [(one.id, one.finished) for one in found] == [("b", SCORED), ("a", None), ("c", LOST)]
    assert [one.seq for one in found] == [5, 1, 10]
    assert set(reader.unfinished) == {"a", "c"}
    assert (reader.started, reader.finished) == (started, None)


def test_an_episode_that_failed_goes_on_in_the_same_record() -> None:
    again = [("a", 1, proposed("y", parent=0)), ("a", 1, tried("y", 1.0)[-1]), ("a", None, SCORED)]
    first = [("a", None, STARTED), *(("a", 0, data) for data in tried("x", 0.5)), ("a", None, LOST)]
    (episode,) = RunReader().read(run_of(*first, *again))
    assert [attempt.iteration for attempt in episode] == [0, 1]
    assert episode.finished == SCORED
    assert episode.best == episode[1]


def test_an_episode_that_starts_anew_after_its_score_comes_once_more() -> None:
    late = ("a", 0, decided("progress"))
    found = list(RunReader().read(run_of(*whole("a"), late, *whole("a", LOST))))
    assert [(one.seq, one.finished, one.decision(0)) for one in found] == [(0, SCORED, None), (6, LOST, None)]


def test_what_calls_used_counts_for_the_episode_and_for_the_iteration() -> None:
    missing = call(9, result=None, artifact="ref")
    told = [("e", 0, call(1)), ("e", 1, call(2, None)), ("e", 1, call(7, kind="sandbox")), ("e", None, missing)]

    def result_of(finished: CallFinished) -> Mapping[str, Any] | None:
        return {"usage": {"input": 4}, "cost_usd": "1"} if finished.artifact else finished.result

    episode = EpisodeRecord(result_of)
    for event in run_of(*told):
        episode.apply(event)
    assert (episode.spent.calls, episode.spent.usage, episode.spent.cost_usd) == (3, Usage(input=7), None)
    first, second = episode.iterations.values()
    assert (first.spent.calls, str(first.spent.cost_usd), first.spent.seconds) == (1, "0.5", 2.0)
    assert (second.spent.calls, second.spent.usage.input, second.spent.cost_usd) == (1, 2, None)


def test_grades_are_put_to_the_iteration_of_their_candidate_and_never_reach_an_attempt() -> None:
    verdict = Verdict(summary="hidden")
    graded = Graded(candidate_iteration=0, verdict=verdict, score=0.0, passed=False, answer=True)
    episode = EpisodeRecord()
    for event in run_of(("e", 0, proposed("x")), ("e", 0, judged()), ("e", 4, graded)):
        episode.apply(event)
    assert episode.iterations[0].graded == graded
    right = [episode.right(0, graded=graded) for graded in (True, False)]
    assert right == [False, episode[0].verdict.passed]
    assert "hidden" not in episode[0].model_dump_json()


def test_what_belongs_to_no_iteration_opens_none() -> None:
    opened = SandboxOpened(
        sandbox="s", purpose="environment", provider="docker", image="i", controls=(), seconds=0.1
    )  # fmt: skip
    failed = Failed(error="SandboxLost", cause="sandbox", message="gone", retried=True)
    episode = EpisodeRecord()
    for event in run_of(("e", 0, STARTED), ("e", 0, opened), ("e", 3, failed), ("e", 0, SCORED)):
        episode.apply(event)
    assert (episode.started, episode.sandboxes, episode.finished) == (STARTED, [opened], SCORED)
    assert [(one.iteration, one.failed) for one in episode.incidents] == [(3, failed)]
    assert (episode.iterations, len(episode)) == ({}, 0)


@pytest.mark.parametrize("name", [session_name("t", "v"), session_name("t", "v", 2)])
def test_a_session_is_known_by_its_name(name: str) -> None:
    assert is_session(name)
    assert not is_session(name.removesuffix(":session"))


def test_sessions_hold_drift_and_what_they_spent_beside_episodes() -> None:
    alarm = DriftAlarm(
        channel=Channel.B_ERROR, category=Category.BOUNDARIES, at=3, onset=1, worse=True, shift=1.0, severity="severe"
    )
    broke = Failed(error="ValueError", cause="harness", message="off", retried=False)
    got_over = broke.model_copy(update={"retried": True})
    told: list[Told] = [
        (SESSION, 3, alarm),
        (SESSION, None, call(5)),
        (SESSION, None, got_over),
        (SESSION, None, broke),
    ]
    reader = RunReader()
    assert list(reader.read(run_of(*told, *whole("a")))) != []
    (session,) = reader.sessions.values()
    assert (session.id, session.alarms, session.mitigations, session.failures) == (SESSION, (alarm,), (), (broke,))
    assert [event.seq for event in session.drift] == [0, 3]
    assert session.spent.usage == Usage(input=5)


@given(st.data())
def test_episodes_side_by_side_read_like_episodes_alone(data: st.DataObject) -> None:
    names = ["a", "b", "c"]
    left = {name: whole(name, data.draw(st.sampled_from([SCORED, LOST]))) for name in names}
    alone = {name: list(RunReader().read(run_of(*left[name]))) for name in names}
    mixed: list[Told] = []
    while waiting := [name for name in names if left[name]]:
        mixed.append(left[data.draw(st.sampled_from(waiting))].pop(0))
    found = {one.id: one for one in RunReader().read(run_of(*mixed))}
    assert {name: _known(one) for name, one in found.items()} == {name: _known(one) for name, (one,) in alone.items()}


def _known(episode: EpisodeRecord) -> Sequence[object]:
    return [episode.started, episode.finished, list(episode), episode.best, episode.stop_rule]


def test_a_recorded_run_reads_event_by_event_as_at_once(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run", episodes=2)
    builder.episode([Turn(0.5, critique="more"), Turn(1.0, parent=0, hidden=1.0, decision="stop")], instance="1")
    builder.episode([Turn(0.5)], instance="2", finish=False)
    record = read_run(builder.close(None))
    reader, one_by_one = RunReader(record.result), []
    for event in record.events:
        if (episode := reader.apply(event)) is not None:
            one_by_one.append(episode)
    at_once = list(RunReader(record.result).read(record.events))
    assert [_known(one) for one in [*one_by_one, *reader.unfinished.values()]] == [_known(one) for one in at_once]
    assert [one.spent.calls for one in at_once] == [2, 1]


def test_what_people_did_is_no_part_of_an_episode() -> None:
    reader = RunReader()
    steered = RunSteered(action="skip", by="ctl")
    for event in run_of(*whole("a"), ("b", None, steered), (None, None, RunSteered(action="pause", by="view"))):
        reader.apply(event)
    assert [(event.episode, event.data.type) for event in reader.steered] == [
        ("b", "run_steered"),
        (None, "run_steered"),
    ]
    assert reader.unfinished == {}
