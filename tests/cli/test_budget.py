from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from tests.cli.conftest import Invoke, WriteTask


def test_the_budget_of_a_run_is_shared_by_the_episodes_of_its_task(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 4\nbudget:\n  model_calls: 2\n  run: {model_calls: 5}\n")
    Path("many.yaml").write_text('- "no"\n' * 9)
    told = json.loads(invoke("run", "say.yaml", "--model", "scripted/many.yaml", "--concurrency", 1, "--json").stdout)
    assert [row["model_calls"] for row in told["episodes"]] == [2, 2, 1, 0]
    assert [row["rule"] for row in told["episodes"]] == ["budget"] * 4
    assert told["episodes"][3]["failure"]["cause"] == "budget"


def test_the_cap_of_a_run_is_shared_by_its_tasks(invoke: Invoke, write_task: WriteTask) -> None:
    write_task("a", file="tasks_a.yaml")
    write_task("b", file="tasks_b.yaml")
    Path("many.yaml").write_text('- "no"\n' * 9)
    result = invoke(
        *("run", "tasks_a.yaml", "tasks_b.yaml", "--model", "scripted/many.yaml", "--concurrency", 1),
        *("--max-calls", 4, "--json"),
    )
    assert [row["model_calls"] for row in json.loads(result.stdout)["episodes"]] == [3, 1]


def test_what_finished_episodes_spent_counts_after_a_resume(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 3\n")
    Path("many.yaml").write_text('- "no"\n' * 9)
    flags = ("--model", "scripted/many.yaml", "--concurrency", 1, "--max-calls", 5, "--out", "out", "--json")
    whole = json.loads(invoke("run", "say.yaml", *flags).stdout)
    lines = Path("out/events.jsonl").read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if '"episode_finished"' in line)
    Path("out/events.jsonl").write_text("".join(lines[: at + 1]))
    again = json.loads(invoke("resume", "out", "--json").stdout)
    calls = [[row["model_calls"] for row in told["episodes"]] for told in (whole, again)]
    assert calls == [[3, 2, 0], [3, 2, 0]]


def test_candidates_are_stopped_when_sandbox_time_is_used_up(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task(more="repeats: 3\nbudget:\n  run: {sandbox_seconds: 1.2}\n")
    task.write_text(task.read_text().replace('want: "yes"\n  hidden', 'want: "yes"\n  slow: 3600\n  hidden'))
    Path("many.yaml").write_text('- "no"\n' * 9)
    result = invoke("run", "say.yaml", "--model", "scripted/many.yaml", "--out", "out", "--json")
    episodes = [episode.outcome for episode in loopwright.load_result("out") if episode.outcome]
    assert [outcome.rule for outcome in episodes] == ["budget"] * 3, result.output
    spent = sum(outcome.sandbox_seconds for outcome in episodes)
    assert 0.5 < spent <= 1.2
    assert all(outcome.working_seconds >= outcome.sandbox_seconds > 0 for outcome in episodes)


def test_what_is_left_is_told_while_the_run_goes_on(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 2\n")
    Path("many.yaml").write_text('- "no"\n' * 9)
    flags = ("--concurrency", 1, "--max-calls", 5, "--max-tokens", 10**6)
    told = invoke("run", "say.yaml", "--model", "scripted/many.yaml", *flags).stderr.splitlines()
    assert "; left: 2 calls, 9" in told[0]
    assert "; left: 0 calls, 9" in told[1]
    plain = invoke("run", "say.yaml", "--model", "scripted/many.yaml").stderr
    assert "left" not in plain


def test_wall_time_of_earlier_processes_counts(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task(more="budget: {seconds: 2}\n")
    text = task.read_text().replace("max_iterations: 3", "max_iterations: 9")
    task.write_text(text.replace('want: "yes"\n  hidden', 'want: "yes"\n  slow: 0.9\n  hidden'))
    Path("many.yaml").write_text("".join(f"- no {number}\n" for number in range(9)))
    invoke("run", "say.yaml", "--model", "scripted/many.yaml", "--out", "out")
    lines = Path("out/events.jsonl").read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if '"observed"' in line)
    Path("out/events.jsonl").write_text("".join(lines[: last + 1]))
    invoke("resume", "out")
    [episode] = loopwright.load_result("out")
    assert episode.outcome is not None
    assert episode.outcome.rule == "budget"
    assert episode.outcome.iterations <= 3
    assert episode.outcome.seconds >= 1.8


PRICED = "date: 2026-11-01\nmodels:\n  scripted/many.yaml: {input: 1, output: 2}\n"


@pytest.mark.parametrize(
    ("flags", "more", "told"),
    [
        (
            ("--max-usd", 0.001),
            "",
            "--max-usd: no call fits under $0.001: one of scripted/many.yaml takes",
        ),
        (
            ("--max-tokens", 500),
            "",
            "--max-tokens: no call fits under 500 tokens: one of scripted/many.yaml",
        ),
        ((), "budget: {tokens: 500}\n", "say.yaml:13:10: budget.tokens: no call fits under 500 tokens"),
        ((), "budget: {run: {usd: 0.001}}\n", "say.yaml:13:16: budget.run.usd: no call fits under $0.001"),
    ],
)
def test_a_cap_below_one_call_is_refused(
    invoke: Invoke, write_task: WriteTask, flags: tuple[object, ...], more: str, told: str
) -> None:
    write_task(more=more)
    Path("many.yaml").write_text('- "no"\n' * 9)
    Path("prices.yaml").write_text(PRICED)
    for dry in ((), ("--dry-run",)):
        result = invoke("run", "say.yaml", "--model", "scripted/many.yaml", "--prices", "prices.yaml", *flags, *dry)
        assert result.exit_code == 2
        assert told in result.stderr
    assert not Path("runs").exists()
