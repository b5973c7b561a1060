"""Model calls of an episode, as a reader finds them in the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopwright.errors import StoreError
from loopwright.record import CallRecord, EpisodeRecord, RunReader
from loopwright.store import CallFinished, CallIntended, EpisodeStarted, Event, Failed, read_run
from loopwright.types import Failure
from tests.report.builder import SYSTEM, RunBuilder, Turn

ASKED = {"model": "scripted/one", "messages": [{"role": "user", "content": "Go."}]}


def call(events: list[Event]) -> CallRecord:
    reader = RunReader(with_calls=True)
    (episode,) = reader.read(events)
    assert episode.calls is not None
    (only,) = episode.calls
    return only


def event(seq: int, data: CallIntended | CallFinished | Failed, *, node: str | None = "propose") -> Event:
    at = 0 if node else None
    return Event(seq=seq, time=f"2026-11-23T09:00:0{seq}+00:00", episode="e", iteration=at, node=node, data=data)


def intended(seq: int, key: str = "k", node: str = "propose") -> Event:
    return event(seq, CallIntended(key=key, kind="model", repeatable=True, request=ASKED), node=node)


def failed(seq: int, message: str, *, node: str | None = None) -> Event:
    return event(seq, Failed(error="ModelUnavailable", cause="model", message=message, retried=True), node=node)


def finished(seq: int, key: str = "k", text: str | None = "Gone.") -> Event:
    if text is None:
        return event(seq, CallFinished(key=key, kind="model", failure=Failure(cause="model", message="503")))
    return event(seq, CallFinished(key=key, kind="model", result={"text": text, "model": "one"}, seconds=0.5))


@pytest.mark.parametrize(("models", "role"), [({"auditor": "a/b"}, "auditor"), ({"verifier": "a/b"}, "verifier")])
def test_a_grade_is_asked_for_by_the_auditor_where_there_is_one(models: dict[str, str], role: str) -> None:
    began = EpisodeStarted(task="t", instance="i", variant="v", strategy="s", models=models, repeat=0, seed=0, goal="g")
    first = Event(seq=0, time="2026-11-23T09:00:00+00:00", episode="e", data=began)
    assert call([first, intended(1, node="grade")]).role == role


def test_an_episode_keeps_its_calls_for_those_who_read_them(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    turns = [
        Turn(0.5, prompt="Add.", reply="Added.", reasoning="One and one.", retried="503"),
        Turn(1, parent=0, prompt="Again.", reply="Added again.", cut=True, left_out=("seed",)),
    ]
    run.episode(turns)
    record = read_run(run.close())
    (plain,) = RunReader(record.result).read(record.events)
    assert plain.calls is None
    (episode,) = RunReader(record.result, with_calls=True).read(record.events)
    assert episode.calls is not None
    first, second = episode.calls
    assert [message.content for message in first.request.messages] == [SYSTEM, "Add."]
    assert first.reply is not None
    assert (first.role, first.reply.text, first.reply.reasoning) == ("proposer", "Added.", "One and one.")
    assert [one.message for one in first.failures] == ["503"]
    assert second.reply is not None
    assert (second.reply.finish, second.reply.left_out, second.failures) == ("length", ("seed",), [])
    assert episode.calls.of(1) == [second]


def test_a_call_that_a_crash_interrupted_is_one_call() -> None:
    found = call([intended(0), intended(1), finished(2)])
    assert (found.time, found.reply and found.reply.text) == ("2026-11-23T09:00:00+00:00", "Gone.")


def test_a_call_that_failed_and_was_made_again_has_its_answer_and_its_failures() -> None:
    found = call([intended(0), failed(1, "503"), finished(2, text=None), intended(3), failed(4, "504"), finished(5)])
    assert [one.message for one in found.failures] == ["503", "504"]
    assert found.reply is not None
    assert found.finished is not None
    assert found.finished.failure is None


def test_a_failure_belongs_to_the_call_that_is_under_way_and_to_none_where_it_could_be_several() -> None:
    episode = RunReader(with_calls=True)
    events = [intended(0, "a"), intended(1, "b", "critique"), failed(2, "?"), failed(3, "b's", node="critique")]
    (found,) = episode.read([*events, finished(4, "a"), failed(5, "again b's"), finished(6, "b")])
    assert found.calls is not None
    assert [[one.message for one in each.failures] for each in found.calls] == [[], ["b's", "again b's"]]


@pytest.mark.parametrize("request_", [{"model": "m"}, {"model": "m", "messages": [{"role": "boss", "content": 1}]}])
def test_what_is_no_request_is_told(request_: dict[str, object]) -> None:
    bad = CallIntended(key="k", kind="model", repeatable=True, request=json.loads(json.dumps(request_)))
    with pytest.raises(StoreError, match="event 0 holds no request of a model call: messages"):
        call([event(0, bad)])
    plain = EpisodeRecord()
    plain.apply(event(0, bad))


def test_fields_of_a_newer_version_are_passed_over() -> None:
    newer = CallIntended(key="k", kind="model", repeatable=True, request={**ASKED, "mood": "calm"})
    assert call([event(0, newer), finished(1)]).request.model == "scripted/one"
