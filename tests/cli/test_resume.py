"""`loopwright resume`: what changed meanwhile, and calls in doubt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopwright.store import CallIntended, RunResumed, read_run
from tests.cli.conftest import Invoke, WriteTask


def cut(folder: Path, kind: str) -> None:
    """Ends the record behind its first event of a kind, as a crash right there does."""
    kept: list[str] = []
    for line in (folder / "events.jsonl").read_text().splitlines(keepends=True):
        kept.append(line)
        if json.loads(line)["data"]["type"] == kind:
            break
    (folder / "events.jsonl").write_text("".join(kept))


@pytest.fixture
def run(invoke: Invoke, write_task: WriteTask) -> Path:
    """A run that crashed after its first candidate; the next one will pass."""
    write_task(more="data:\n  - id: one\n    vars: {lang: de}\n  - id: two\n")
    Path("right.yaml").write_text('- "no"\n- "yes"\n- "yes"\n')
    flags = ("--model", "scripted/right.yaml", "--concurrency", 1, "--out", "old")
    assert invoke("run", "say.yaml", *flags).exit_code == 0
    cut(Path("old"), "proposed")
    Path("right.yaml").write_text('- "yes"\n- "yes"\n')
    return Path("old")


def prompt() -> None:
    Path("prompts/sayer.md").write_text("You shout words.\n--- user ---\n{{ view.goal }}\n")


def card() -> None:
    Path("agents/sayer.yaml").write_text(Path("agents/sayer.yaml").read_text() + "sampling: {temperature: 1}\n")


def code() -> None:
    Path("echo_environment.py").write_text(Path("echo_environment.py").read_text() + "\nMORE = 1\n")


def goal() -> None:
    Path("say.yaml").write_text(Path("say.yaml").read_text().replace("Say yes.", "Say no."))


def data() -> None:
    Path("say.yaml").write_text(Path("say.yaml").read_text().replace("lang: de", "lang: fr"))


def gone() -> None:
    Path("say.yaml").unlink()


def version() -> None:
    manifest = json.loads(Path("old/run.json").read_text())
    manifest["content"]["loopwright"] = "0.0.1"
    Path("old/run.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (prompt, "prompts/sayer.md"),
        (card, "agents/sayer.yaml"),
        (code, "module echo_environment"),
        (goal, "task say (goal)"),
        (data, "task say (data.0.vars.lang)"),
        (gone, "task say (not there, or broken)"),
        (version, "loopwright (0.0.1, now "),
    ],
)
def test_what_changed_is_told_and_stops_the_run_unless_allowed(
    invoke: Invoke, run: Path, change: Callable[[], None], told: str
) -> None:
    before = (run / "events.jsonl").read_bytes()
    change()
    refused = invoke("resume", run)
    assert refused.exit_code == 2
    assert told in " ".join(refused.stderr.split())
    assert "--changed" in refused.stderr
    assert (run / "events.jsonl").read_bytes() == before

    result = invoke("resume", run, "--changed", "--json")
    assert result.exit_code == 0
    assert [row["passed"] for row in json.loads(result.stdout)["episodes"]] == [True, True]
    [going_on] = [event.data for event in read_run(run).events if isinstance(event.data, RunResumed)]
    assert list(going_on.changed) == [told.partition(" (")[0]]
    # What was allowed once is known from then on.
    assert invoke("resume", run).exit_code == 0


def test_nothing_changed_and_nothing_is_asked(invoke: Invoke, run: Path) -> None:
    assert invoke("resume", run).exit_code == 0
    [going_on] = [event.data for event in read_run(run).events if isinstance(event.data, RunResumed)]
    assert going_on.changed == {}


def test_a_task_goes_on_as_it_was_recorded(invoke: Invoke, run: Path) -> None:
    goal()
    assert invoke("resume", run, "--changed").exit_code == 0
    asked: list[Any] = [event.data.request for event in read_run(run).events if isinstance(event.data, CallIntended)]
    assert {message["content"] for request in asked for message in request["messages"][1:]} == {"Say yes."}


def test_a_fork_keeps_the_task_though_its_file_changed(invoke: Invoke, run: Path) -> None:
    goal()
    result = invoke("fork", run, "--at", "say.one:refine:0:1", "--out", "new", "--json")
    assert result.exit_code == 0, result.stderr
    assert [row["passed"] for row in json.loads(result.stdout)["episodes"]] == [True]


def test_checkpoints_are_kept_where_they_are_asked_for(invoke: Invoke, run: Path) -> None:
    assert not (run / "checkpoints.sqlite").exists()
    assert invoke("resume", run, "--checkpoints", "sqlite").exit_code == 0
    assert (run / "checkpoints.sqlite").stat().st_size > 0
    refused = invoke("resume", run, "--checkpoints", "redis://localhost")
    assert (refused.exit_code, "SQLite or Postgres" in refused.stderr) == (3, True)


def test_before_the_first_call_there_is_nothing_to_protect(invoke: Invoke, run: Path) -> None:
    cut(run, "run_started")
    card()
    assert invoke("resume", run).exit_code == 0


def test_a_call_in_doubt_is_repeated_with_leave_alone(invoke: Invoke, run: Path) -> None:
    cut(run, "call_intended")
    body = (run / "events.jsonl").read_text()
    assert '"repeatable":true' in body
    from loopwright.store._codec import decode, encode

    lines = [decode(line.encode(), "old") for line in body.splitlines()]
    lines[-1]["data"]["repeatable"] = False
    (run / "events.jsonl").write_bytes(b"".join(encode(line, "old") for line in lines))

    refused = invoke("resume", run)
    assert refused.exit_code == 3
    assert "its outcome was never recorded" in " ".join(refused.stderr.split())
    assert "--repeat-in-doubt" in refused.stderr
    finished = [event.episode for event in read_run(run).events if event.data.type == "episode_finished"]
    assert finished == ["say.two:refine:0"], "the other episode goes on, and the one in doubt stays open"

    result = invoke("resume", run, "--repeat-in-doubt", "--json")
    assert result.exit_code == 0
    assert {row["episode"]: row["passed"] for row in json.loads(result.stdout)["episodes"]} == {
        "say.one:refine:0": True,
        "say.two:refine:0": True,
    }


def test_a_cap_that_is_spent_is_raised_by_resume(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 3\nbudget:\n  run: {model_calls: 1}\n")
    Path("many.yaml").write_text('- "yes"\n' * 9)
    flags = ("--model", "scripted/many.yaml", "--strategy", "single", "--concurrency", 1, "--accept", 1)
    first = invoke("run", "say.yaml", *flags, "--out", "runs/r")
    assert first.exit_code == 3, first.output
    assert "A cap is spent" in first.stdout
    assert "loopwright resume runs/r --max-calls N" in first.stdout
    assert "Mend the cause" not in first.stdout
    again = invoke("resume", "runs/r", "--accept", 1)
    assert again.exit_code == 3
    assert "loopwright resume runs/r --max-calls N" in again.stdout
    raised = invoke("resume", "runs/r", "--max-calls", 3, "--accept", 1, "--json")
    # Episodes that a run tries again are not done before they are.
    assert [line[:5] for line in raised.stderr.splitlines() if line.startswith("[")] == ["[2/3]", "[3/3]"]
    assert raised.exit_code == 0, raised.output
    told = json.loads(raised.stdout)
    assert [(row["status"], row["model_calls"]) for row in told["episodes"]] == [("scored", 1)] * 3
    resumed = [event.data for event in read_run(Path("runs/r")).events if isinstance(event.data, RunResumed)]
    assert [event.budget for event in resumed] == [{}, {"model_calls": 3}]
