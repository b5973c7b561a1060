from __future__ import annotations

import json
from pathlib import Path

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
