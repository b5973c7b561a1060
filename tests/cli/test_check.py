"""What a run names is looked for before it starts: no folder is left behind, and the place is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask

_PRICES = "date: 2026-11-01\nmodels:\n  scripted/*: {input: 1, output: 10}\n"


@pytest.mark.parametrize(
    ("more", "flags", "told"),
    [
        ("loop2: {}\n", (), "say.yaml:13:1: unknown key 'loop2'"),
        ("model: opnai/x\n", (), "say.yaml:13:1: model 'opnai/x'"),
        ("models:\n  proposer: scripted/no.yaml\n", (), "say.yaml:14:3: scripted model: there is no file"),
        ("matrix:\n  models: [scripted/no.yaml]\n", (), "say.yaml:14:3: scripted model"),
        ("matrix:\n  strategies: [refin]\n", (), "say.yaml:14:3: there is nothing named 'refin'"),
        ("", ("--model", "opnai/x"), "--model: model 'opnai/x'"),
        ("", ("--strategy", "refin"), "--strategy: there is nothing named 'refin'"),
        ("budget:\n  usd: 3\n", (), "say.yaml:14:3: a cap on cost needs prices"),
        ("budget:\n  run:\n    usd: 3\n", (), "say.yaml:15:5: a cap on cost needs prices"),
        ("", ("--max-usd", 3), "--max-usd: a cap on cost needs prices"),
        ("", ("--prices", "none.yaml"), "there is no price file"),
    ],
)
def test_the_place_is_told(
    invoke: Invoke, write_task: WriteTask, more: str, flags: tuple[object, ...], told: str
) -> None:
    write_task(more=more)
    model = () if "model" in more or "--model" in flags else ("--model", "scripted/right.yaml")
    result = invoke("run", "say.yaml", *model, *flags)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("proposer: sayer", "proposer: nobody", "say.yaml:10:3: there is no agent 'nobody'"),
        ("proposer: sayer", "proposer: critic", "say.yaml:10:3: the agent 'critic' is a critic, not a proposer"),
        ("proposer: sayer", "proposer: sayer\n  verifier: no_module:V", "say.yaml:11:3: verifiers: 'no_module:V'"),
        ("echo_environment:Echo", "ecko", "say.yaml:5:3: there is nothing named 'ecko' among the environments"),
        ("echo_environment:Echo", "echo_environment:Ecko", "say.yaml:5:3: environments: 'echo_environment:Ecko'"),
    ],
)
def test_the_line_that_names_it_is_told(invoke: Invoke, write_task: WriteTask, old: str, new: str, told: str) -> None:
    task = write_task()
    task.write_text(task.read_text().replace(old, new))
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert told in result.stderr


def test_tasks_of_two_projects_are_run_apart(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    write_task("here")
    (project / "other" / "agents").mkdir(parents=True)
    write_task("there", file="other/there.yaml")
    result = invoke("run", "here.yaml", "other/there.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert "--project FOLDER" in result.stderr
    together = invoke(
        *("run", "here.yaml", "other/there.yaml", "--model", "scripted/right.yaml", "--project", "."),
        *("--calls", 1, "--json"),
    )
    assert len(json.loads(together.stdout)["episodes"]) == 2


def _ceiling(invoke: Invoke, *flags: object) -> list[tuple[str, int | None, str | None]]:
    told = json.loads(invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--dry-run", "--json", *flags).stdout)
    return [(v.get("variant", "total"), v["model_calls"], v["usd"]) for v in (*told["variants"], told["total"])]


def test_a_dry_run_tells_the_most_there_can_be(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 2\n")
    Path("prices.yaml").write_text(_PRICES)
    assert _ceiling(invoke) == [("refine", 6, None), ("total", 6, None)]
    assert _ceiling(invoke, "--strategy", "single,best_of_n", "--calls", 5) == [
        ("single", 10, None),
        ("best_of_n", 10, None),
        ("total", 20, None),
    ]
    assert _ceiling(invoke, "--max-calls", 4)[-1] == ("total", 4, None)
    assert _ceiling(invoke, "--max-tokens", 5000, "--prices", "prices.yaml")[-1] == ("total", 6, "0.05")
    assert _ceiling(invoke, "--max-usd", 0.02, "--prices", "prices.yaml")[-1] == ("total", 6, "0.02")
    assert not Path("runs").exists()


def test_caps_of_episode_task_and_run_all_count(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 4\nbudget:\n  usd: 0.5\n  model_calls: 2\n  run: {usd: 1.5, model_calls: 7}\n")
    Path("prices.yaml").write_text(_PRICES)
    assert _ceiling(invoke, "--prices", "prices.yaml") == [("refine", 8, "2"), ("total", 7, "1.5")]


def test_a_model_that_judges_may_be_asked_twice(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(
        task.read_text().replace("proposer: sayer", "proposer: sayer\n  critic: critic\n  verifier: verifier")
    )
    assert _ceiling(invoke)[-1] == ("total", 3 * (1 + 2 + 2), None)


def test_what_nobody_can_bound_has_no_ceiling(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("own_strategy.py").write_text("from loopwright.loop import Refine\n\nclass Own(Refine):\n    pass\n")
    assert _ceiling(invoke, "--strategy", "own_strategy:Own")[-1] == ("total", None, None)
    page = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "own_strategy:Own", "--dry-run")
    assert "no ceiling" in page.stdout
    assert "Nothing was run. Calls: set a ceiling with --max-calls" in page.stdout
