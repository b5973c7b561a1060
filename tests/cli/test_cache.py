"""`loopwright run --cache`: runs share replies, repeats do not, and what is shared costs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.models import Scripted
from loopwright.store import CallFinished, Proposed, read_run
from tests.cli.conftest import CARD, Invoke, WriteTask
from tests.cli.test_secrets import serving
from tests.models.provider import reply

PRICES = "date: 2026-11-01\nmodels:\n  scripted/*: {input: 1000, output: 1000}\n"


def episodes(invoke: Invoke, out: str, replies: list[str], *flags: object) -> list[dict[str, Any]]:
    Path("replies.yaml").write_text(json.dumps(replies))
    Path("prices.yaml").write_text(PRICES)
    fixed = ("--model", "scripted/replies.yaml", "--prices", "prices.yaml", "--concurrency", 1, "--json")
    result = invoke("run", "say.yaml", *fixed, *flags, "--out", out)
    assert result.exit_code in (0, 1), result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)["episodes"]
    return rows


def calls(folder: str) -> list[CallFinished]:
    events = read_run(Path(folder)).events
    return [event.data for event in events if isinstance(event.data, CallFinished)]


def test_a_second_run_takes_the_replies_of_the_first_and_pays_nothing(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    [first] = episodes(invoke, "first", ["no", "yes"], "--cache", "cache")
    [second] = episodes(invoke, "second", ["other"], "--cache", "cache")
    assert first["passed"]
    assert second["passed"]
    assert (first["model_calls"], second["model_calls"]) == (2, 2)
    assert float(first["cost_usd"]) > 0
    assert float(second["cost_usd"]) == 0
    assert [call.cached for call in calls("first")] == [False, False]
    assert [call.cached for call in calls("second")] == [True, True]
    [episode] = loopwright.load_result("second")
    assert episode.outcome is not None
    assert (episode.outcome.cached_calls, episode.outcome.usage.total) == (2, 0)


def test_the_cache_knows_the_settings_of_an_endpoint(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task()
    monkeypatch.setenv("LOOPWRIGHT_SETTINGS", str(project))
    flags = ("--model", "mine/m", "--cache", "cache", "--json")
    passed = []
    with serving(reply("no"), reply("no"), reply("no"), reply("yes")) as base_url:
        for number, body in enumerate(("{}", "{}", "{top_k: 5}")):
            (project / "endpoints.yaml").write_text(f"mine: {{base_url: '{base_url}', body: {body}}}\n")
            told = invoke("run", "say.yaml", *flags, "--out", f"out{number}")
            passed.append(json.loads(told.stdout)["episodes"][0]["passed"])
    assert passed == [False, False, True], "the second run took the replies of the first, the third did not"


def test_a_cut_reply_from_the_cache_is_asked_for_again_as_it_was(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used up its limit, so a larger one was tried; the same is done for the cached reply."""
    write_task()
    (project / "agents" / "sayer.yaml").write_text(
        CARD.replace("reply: text", "reply: files\nsampling: {max_tokens: 900}")
    )
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-test")
    used = {"prompt_tokens": 10, "completion_tokens": 900}
    with serving(reply("I begin", finish="length", usage=used)) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        for out in ("first", "second"):
            invoke("run", "say.yaml", "--model", "openai/m", "--cache", "cache", "--out", out)
    assert len(calls("first")) == len(calls("second")) == 6
    assert all(call.cached for call in calls("second"))
    said = [
        [event.data.problem for event in read_run(Path(out)).events if isinstance(event.data, Proposed)]
        for out in ("first", "second")
    ]
    assert said[0] == said[1]
    assert "after 900 tokens" in said[0][0]


def test_without_the_flag_nothing_is_shared(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    assert episodes(invoke, "first", ["no", "yes"])[0]["passed"]
    assert not episodes(invoke, "second", ["no", "no", "no"])[0]["passed"]
    assert not any(call.cached for call in calls("second"))


def test_repeats_of_a_task_are_samples_of_their_own(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 2\n")
    rows = episodes(invoke, "first", ["yes", "no", "no", "no"], "--cache", "cache")
    assert [row["passed"] for row in rows] == [True, False]
    assert not any(call.cached for call in calls("first"))


def test_another_seed_is_another_call(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    episodes(invoke, "first", ["yes"], "--cache", "cache", "--seed", 1)
    episodes(invoke, "second", ["yes"], "--cache", "cache", "--seed", 2)
    assert not any(call.cached for call in calls("second"))


def test_shared_replies_count_as_calls(invoke: Invoke, write_task: WriteTask) -> None:
    """So that a run under a cap on calls goes the same way whether its replies were shared or not."""
    write_task()
    for out in ("first", "second"):
        [row] = episodes(invoke, out, ["no", "no", "no"], "--cache", "cache", "--max-calls", 2)
        assert (row["model_calls"], row["rule"]) == (2, "budget")


def test_a_resumed_run_counts_shared_replies_as_it_did(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    episodes(invoke, "first", ["no", "yes"], "--cache", "cache")
    episodes(invoke, "second", ["other"], "--cache", "cache")
    whole = loopwright.load_result("second").episodes[0].outcome
    lines = Path("second/events.jsonl").read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if '"proposed"' in line)
    Path("second/events.jsonl").write_text("".join(lines[: at + 1]))
    assert invoke("resume", "second").exit_code == 0
    again = loopwright.load_result("second").episodes[0].outcome
    assert whole is not None
    assert again is not None
    assert (again.model_calls, again.cached_calls, again.cost_usd) == (2, 2, whole.cost_usd)


def test_from_python(write_task: WriteTask) -> None:
    task = write_task()
    passed = [
        loopwright.run(task, model=Scripted(replies), cache="cache", out=out).pass_rate
        for out, replies in (("first", ["no", "yes"]), ("second", ["never asked"]))
    ]
    assert passed == [1.0, 1.0]
