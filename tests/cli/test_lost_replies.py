"""Replies that break off half-way cost something: they count, caps hold, and the record says where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from loopwright.store import CallFinished, Event, Failed, read_run
from tests.cli.conftest import Invoke, WriteTask
from tests.cli.test_resume import cut
from tests.cli.test_secrets import serving
from tests.models.provider import Answer, events, fault, piece, reply
from tests.models.servers.listed import TOGETHER
from tests.models.servers.test_first_task import serving as playing

PRICES = "date: 2026-11-01\nmodels:\n  openai/*: {input: 1000, output: 1000}\n"
BROKEN = events(piece("n"), piece("o"), done=False, then="reset")
THINKING = events(piece(reasoning_content="Let me see"), done=False, then="reset")


@pytest.fixture(autouse=True)
def key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    (project / "prices.yaml").write_text(PRICES)


def _run(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, *answers: Answer, flags: tuple[object, ...] = ()) -> str:
    with serving(*answers) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        told = invoke("run", "say.yaml", "--model", "openai/m", "--prices", "prices.yaml", "--out", "out", *flags)
    return told.output


def _failures() -> list[Event]:
    return [event for event in read_run(Path("out")).events if isinstance(event.data, Failed)]


@pytest.mark.parametrize("broken", [BROKEN, THINKING])
def test_a_reply_that_broke_off_counts_at_its_reserve(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch, broken: Answer
) -> None:
    write_task(more="budget: {tokens: 100000}\n")
    output = _run(invoke, monkeypatch, broken, reply("yes"))
    (event,) = _failures()
    assert isinstance(event.data, Failed)
    assert (event.iteration, event.node) == (0, "propose")
    assert event.data.usage is not None
    assert event.data.usage.output > 1000
    (episode,) = loopwright.load_result("out").episodes
    assert episode.outcome is not None
    assert episode.outcome.model_calls == 1
    assert episode.outcome.usage.total == event.data.usage.total + 14
    assert float(episode.outcome.cost_usd or 0) == pytest.approx(float(event.data.cost_usd or 0) + 0.014)
    assert "1 reply broke off and counts at the most that was reserved" in output


def test_a_failure_before_any_reply_costs_nothing(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    _run(invoke, monkeypatch, fault(500), reply("yes"))
    (event,) = _failures()
    assert isinstance(event.data, Failed)
    assert (event.iteration, event.node, event.data.usage) == (0, "propose", None)
    (episode,) = loopwright.load_result("out").episodes
    assert episode.outcome is not None
    assert episode.outcome.usage.total == 14


def test_a_cap_holds_although_replies_break_off(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for one call at its largest, not for its repetition too."""
    write_task(more="budget: {tokens: 9000}\n")
    output = _run(invoke, monkeypatch, BROKEN, reply("yes"), flags=("--json",))
    (row,) = json.loads(output[output.index("{") :])["episodes"]
    assert row["failure"]["cause"] == "budget"
    assert 8000 < sum(row["usage"].values()) <= 9000


def test_the_limit_of_an_endpoint_holds_under_a_cap(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what is sent, and what is reserved: three such calls fit where one of the largest would not."""
    write_task(more="budget: {tokens: 2000}\n")
    monkeypatch.setenv("LOOPWRIGHT_SETTINGS", str(project))
    with playing(TOGETHER) as stub:
        endpoint = f"{{base_url: '{stub.provider.base_url}', sampling: {{max_tokens: 300}}}}"
        (project / "endpoints.yaml").write_text(f"mine: {endpoint}\n")
        told = json.loads(invoke("run", "say.yaml", "--model", "mine/m", "--json").stdout)
    assert told["episodes"][0]["model_calls"] == 3
    assert {request.body["max_tokens"] for request in stub.provider.requests} == {300}


def test_what_broke_off_counts_after_a_resume(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task(more="budget: {tokens: 20000}\n")
    _run(invoke, monkeypatch, BROKEN, fault(400, "no"))
    lost = next(event.data for event in _failures() if isinstance(event.data, Failed) and event.data.usage)
    with serving(reply("yes")) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        told = json.loads(invoke("resume", "out", "--json").stdout)
    assert lost.usage is not None
    assert sum(told["episodes"][0]["usage"].values()) > lost.usage.total


def test_a_reply_that_broke_off_waits_for_what_other_calls_hold(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for what was lost and one call more; the other one holds it until it is answered."""
    write_task(more="budget: {run: {tokens: 20000}}\ndata: [{id: one}, {id: two}]\n")
    output = _run(invoke, monkeypatch, BROKEN, reply("yes"), flags=("--json",))
    rows = json.loads(output[output.index("{") :])["episodes"]
    assert [(row["status"], row["passed"]) for row in rows] == [("scored", True)] * 2


def test_a_first_cap_pays_no_recorded_call_again(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    _run(invoke, monkeypatch, reply("no"), reply("yes"))
    cut(Path("out"), "call_finished")
    with playing(TOGETHER) as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.provider.base_url)
        told = json.loads(invoke("resume", "out", "--max-tokens", 50_000, "--json").stdout)
    assert told["episodes"][0]["usage"]["output"] >= 4
    calls = [event for event in read_run(Path("out")).events if isinstance(event.data, CallFinished)]
    assert len(calls) == 1 + len(stub.provider.requests)
    assert [call.iteration for call in calls][:2] == [0, 1]
    assert {request.body["max_tokens"] for request in stub.provider.requests} == {8192}
