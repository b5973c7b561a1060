"""Interactions from records, spans and streams, and the page that is made of them."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from bench.paper_index import PaperMonitor, paper_scores, similarity
from loopwright.drift import (
    SCENARIOS,
    Baseline,
    Interaction,
    ToolCall,
    draw_session,
    find_onsets,
    from_mapping,
    from_spans,
    from_updates,
    observations,
    review,
)
from loopwright.errors import UserError
from loopwright.report import render_drift
from loopwright.store import (
    CallFinished,
    CallIntended,
    Critiqued,
    Decided,
    EpisodeFinished,
    EpisodeStarted,
    Event,
    Failed,
    Graded,
    Judged,
    Payload,
    Proposed,
    RunStarted,
)
from loopwright.types import Candidate, Verdict


def _events(*payloads: Payload) -> list[Event]:
    return [
        Event(seq=seq, time=f"2026-01-01T00:00:{seq:02}+00:00", episode="e", iteration=0, node="propose", data=data)
        for seq, data in enumerate(payloads)
    ]


REQUEST = {"model": "a/b", "sampling": {"temperature": 0.5, "seed": 4}}
STARTED = EpisodeStarted(
    task="sum", instance="1", variant="v", strategy="refine", models={"proposer": "a/b"}, repeat=0, goal="g"
)


def test_an_iteration_of_a_run_is_one_interaction() -> None:
    verdict = Verdict()
    found = list(
        observations(
            _events(
                STARTED,
                CallIntended(
                    key="k",
                    kind="model",
                    repeatable=True,
                    request={"model": "a/b", "sampling": {"temperature": 0.5, "seed": 4}},
                ),
                CallFinished(key="k", kind="model", result={"text": "x", "usage": {"output": 12}}),
                Proposed(candidate=Candidate(text="ls -l"), digest="d"),
                Judged(verdict=verdict, score=0.5, passed=False, best=True),
                Critiqued(critic="c", feedback="f", decision="continue"),
                Decided(decision="stop", rule="critic", why="w"),
                Graded(candidate_iteration=0, verdict=verdict, score=0, passed=False, answer=True),
                EpisodeFinished(status="scored"),
            )
        )
    )
    assert found == [
        Interaction(
            id="e/0",
            time="2026-01-01T00:00:01+00:00",
            task="sum",
            agent="a/b",
            output="ls -l",
            steps=("propose", "verify: failed", "critique: continue", "decide: stop"),
            confidence=0.5,
            correct=False,
            tools=(ToolCall("model: propose", {"model": "a/b", "temperature": 0.5}), ToolCall("action: ls")),
            votes=(False, False, False),
            messages=1,
            length=12,
            error="",
            override=None,
        )
    ]


def test_what_failed_is_an_error_and_what_is_under_way_is_left_out() -> None:
    failed = Failed(error="SandboxLost", cause="sandbox", message="m", retried=True)
    told = observations(_events(STARTED, failed, EpisodeFinished(status="failed")))
    assert [one.error for one in told] == ["SandboxLost"]
    assert list(observations(_events(STARTED, failed))) == []
    run = Event(
        seq=0, time="2026-01-01T00:00:00+00:00", data=RunStarted(loopwright="1", tasks={}, variants=(), episodes=1)
    )
    assert list(observations([run, *_events(failed)])) == []


def test_plain_data_is_checked() -> None:
    one = from_mapping({"task": "t", "tools": [{"name": "search", "params": {"q": 1}}], "votes": [True, "no"]})
    assert one == Interaction(task="t", tools=(ToolCall("search", {"q": 1}),), votes=(True, "no"))
    with pytest.raises(UserError, match="confidence"):
        from_mapping({"confidence": "high"})
    with pytest.raises(UserError, match="no field 'more'"):
        from_mapping({"task": "t", "more": 1})
    with pytest.raises(UserError, match="no field 'parameters'"):
        from_mapping({"tools": [{"name": "search", "parameters": {"q": 1}}]})


@pytest.mark.parametrize("field", ["tools", "votes", "steps", "embedding"])
@pytest.mark.parametrize("value", [1, 1.5, True, "x", {"a": 1}, [1e400], [10**400], [[1]]])
def test_plain_data_of_another_kind_is_refused_or_read(field: str, value: object) -> None:
    with contextlib.suppress(UserError):
        from_mapping({field: value})


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 21, "-1", "٣" * 9999, "", True, 2.5, 2**70, None])
def test_numbers_of_spans_that_cannot_be_are_passed_over(number: object) -> None:
    counted = [{"key": "gen_ai.usage.output_tokens", "value": {"intValue": number}}]
    (one,) = from_spans([{"traceId": "1", "name": "chat", "startTimeUnixNano": number, "attributes": counted}])
    assert one.length is None


def test_spans_of_a_trace_are_one_interaction() -> None:
    chat = {"gen_ai.operation.name": "chat", "gen_ai.usage.output_tokens": 7}
    invoke = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "sql", "error.type": "timeout"}
    spans: list[dict[str, Any]] = [
        {"trace_id": "1", "name": "chat m", "start_time": "2", "attributes": chat},
        {"trace_id": "1", "name": "invoke", "start_time": "1", "attributes": invoke},
        {
            "trace_id": "1",
            "name": "tool",
            "start_time": "3",
            "attributes": {**tool, "gen_ai.tool.call.arguments": {"table": "x"}},
        },
        {"trace_id": "2", "name": "chat m", "attributes": "broken"},
    ]
    first, second = from_spans(spans)
    assert first.steps == ("invoke_agent", "chat", "execute_tool")
    assert (first.agent, first.length, first.messages, first.error) == ("clerk", 7, 1, "timeout")
    assert first.tools == (ToolCall("sql", {"table": "x"}),)
    assert (second.id, second.steps, second.error) == ("2", ("chat m",), "")


def test_a_stream_of_a_graph_is_one_interaction() -> None:
    call = {"name": "search", "args": {"q": "x"}}
    asked = SimpleNamespace(type="ai", content="", tool_calls=[call])
    answered = {"role": "assistant", "content": "done"}
    updates: list[dict[str, Any]] = [
        {"agent": {"messages": [asked]}},
        {"tools": {"messages": [{"role": "tool", "content": "r"}]}},
        {"agent": {"messages": answered}},
    ]
    one = from_updates(updates, id="7", task="t")
    assert one.steps == ("agent", "tools", "agent")
    assert (one.output, one.messages, one.length) == ("done", 2, 4)
    assert one.tools == (ToolCall("search", {"q": "x"}),)


def test_the_page_shows_alarms_and_escapes_what_came_from_outside(baseline: Baseline) -> None:
    stream = list(draw_session(SCENARIOS["S2"], 1, length=1100).stream)
    found = review(baseline, stream)
    assert found.worse
    assert len(found.points) == 22
    page = render_drift(found, "<script>alert(1)</script>")
    assert "<script>" not in page
    assert "C_sem" in page
    assert page.count("<svg") == 13
    assert "No change for the worse" not in page
    calm = render_drift(review(baseline, stream[:60]), "calm")
    assert "No change for the worse was found, in 60 interactions" in calm


def test_a_session_without_a_complete_window_says_nothing_about_a_change(baseline: Baseline) -> None:
    short = review(baseline, list(draw_session(SCENARIOS["S2"], 1, length=1100).stream)[:40])
    empty = review(baseline, [])
    for found in (short, empty):
        assert not found.compared
        assert "nothing can be said about a change" in found.outcome
        assert found.as_dict()["outcome"] == found.outcome
        page = render_drift(found, "short")
        assert "Nothing can be said about a change" in page
        assert "for the worse was found" not in page


def test_the_onset_is_dated_afterwards(baseline: Baseline) -> None:
    pytest.importorskip("ruptures", reason="the drift extra is not installed")
    stream = draw_session(SCENARIOS["S4"], 1, length=1200).stream
    assert find_onsets(review(baseline, stream))[0] in {950, 1000}


def test_the_papers_rule_alarms_on_a_healthy_agent() -> None:
    session = draw_session(SCENARIOS["S1"], 1, length=500)
    monitor = PaperMonitor()
    assert sum(monitor.observe(one) for one in session.stream) > 1
    assert monitor.index is not None
    assert monitor.index.value is not None
    assert monitor.index.value < 0.8


def test_edit_similarity() -> None:
    assert similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert similarity((), ()) == 1
    assert similarity("a", "") == 0
    assert paper_scores([], []) == {}
