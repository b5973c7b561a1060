"""The verbs around a run: init, validate, explain, schema, compare, report, models, doctor, gc."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loopwright.cli._app import VERBS
from loopwright.task import task_schema
from loopwright.types import Control
from tests.cli.conftest import Invoke, WriteTask


@pytest.mark.slow
def test_a_new_project_runs_at_once(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = json.loads(invoke("init", "my 🙂 project", "--json").stdout)
    assert ".gitignore" in written["files"]
    monkeypatch.chdir(tmp_path / "my 🙂 project")
    assert invoke("validate", "tasks").exit_code == 0
    told = json.loads(invoke("run", "tasks", "--json").stdout)
    assert [(row["passed"], row["iterations"]) for row in told["episodes"]] == [(True, 2)]


def test_init_writes_over_nothing(invoke: Invoke, project: Path) -> None:
    (project / "replies.yaml").write_text("mine")
    before = sorted(project.rglob("*"))
    result = invoke("init")
    assert result.exit_code == 2
    assert "replies.yaml is there already" in result.stderr
    assert (sorted(project.rglob("*")), (project / "replies.yaml").read_text()) == (before, "mine")


def test_init_names_the_model(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("init", tmp_path / "new", "--model", "openai/gpt-5-mini").exit_code == 0
    assert "model: ${MODEL:-openai/gpt-5-mini}" in (tmp_path / "new/tasks/invitation.yaml").read_text()


def test_init_where_nothing_can_be_written(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("init", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_validate_tells_of_every_file(invoke: Invoke, write_task: WriteTask) -> None:
    write_task("good", more="repeats: 3\n")
    write_task("typo", more="reapeats: 3\n")
    write_task("lost", more="model: scripted/no.yaml\n")
    result = invoke("validate", "good.yaml", "typo.yaml", "lost.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert "good.yaml: good, 1 instance, 3 episodes" in result.stdout
    assert "typo.yaml:13:1: unknown key 'reapeats'\n  Did you mean 'repeats'?" in result.stdout
    told = json.loads(invoke("validate", "typo.yaml", "lost.yaml", "--json").stdout)
    assert [(one["valid"], one["message"].partition(":")[0]) for one in told] == [
        (False, "typo.yaml"),
        (False, "lost.yaml"),
    ]
    assert invoke("validate", "good.yaml", "--model", "scripted/right.yaml").exit_code == 0


def test_a_model_may_still_be_to_be_named(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="budget: {model_calls: 3}\n")
    result = invoke("validate", "say.yaml")
    assert result.exit_code == 0
    assert "say.yaml: good, 1 instance, 1 episode\n  note: say: no model is named for the proposer: " in result.stdout
    assert "--model" in result.stdout
    (told,) = json.loads(invoke("validate", "say.yaml", "--json").stdout)
    assert len(told["notes"]) == 1
    assert "note" not in invoke("validate", "say.yaml", "--model", "scripted/right.yaml").stdout
    Path("agents/sayer.yaml").write_text(Path("agents/sayer.yaml").read_text() + "model: scripted/right.yaml\n")
    assert "note" not in invoke("validate", "say.yaml").stdout
    assert invoke("run", "say.yaml", "--model", "unnamed/model").exit_code == 2


_HIDDEN_ONLY = """\
version: 1
name: t
goal: g
environment: {name: ENVIRONMENT}
model: scripted/right.yaml
"""


@pytest.mark.parametrize(
    ("environment", "more", "flags", "noted"),
    [
        ("python, hidden: {tests: 'def test_x(): pass'}", "", (), True),
        ("python, hidden: {tests: 'def test_x(): pass'}", "", ("--strategy", "best_of_n"), True),
        ("python, hidden: {tests: 'def test_x(): pass'}", "", ("--strategy", "single"), False),
        ("python, hidden: {tests: 'def test_x(): pass'}", "agents: {verifier: verifier}\n", (), False),
        ("python, tests: 'def test_x(): pass'", "", (), False),
        ("text", "", (), True),
        ("text", "agents: {verifier: verifier}\n", (), False),
    ],
)
def test_a_loop_without_a_visible_check_is_noted(
    invoke: Invoke, project: Path, environment: str, more: str, flags: tuple[str, ...], noted: bool
) -> None:
    Path("t.yaml").write_text(_HIDDEN_ONLY.replace("ENVIRONMENT", environment) + more)
    result = invoke("validate", "t.yaml", *flags)
    assert result.exit_code == 0, result.stdout
    assert ("note: t: no visible check: " in result.stdout) == noted


def test_a_run_begins_with_its_notes(invoke: Invoke, project: Path) -> None:
    Path("t.yaml").write_text(_HIDDEN_ONLY.replace("ENVIRONMENT", "text"))
    assert "note: t: no visible check: " in invoke("run", "t.yaml", "--calls", 1).stderr


def test_a_loosened_sandbox_is_told_before_and_after_a_run(
    invoke: Invoke, project: Path, write_task: WriteTask
) -> None:
    write_task(more="sandbox: {network: host, require: [memory]}\n")
    waived = "capabilities, init, network, no_new_privileges, read_only_root, seccomp, unprivileged_user"
    told = ("network: host (say)", f"require: without {waived} (say)")
    run = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "runs/loose")
    assert [run.stderr.count(f"note: the sandbox is loosened by {what}") for what in told] == [1, 1]
    shown = invoke("show", "runs/loose")
    checked = invoke("validate", "say.yaml")
    for what in told:
        assert f"loosened sandbox: {what}" in shown.stdout
        assert f"note: the sandbox is loosened by {what}" in checked.stdout
    assert json.loads(invoke("show", "runs/loose", "--json").stdout)["loosened"] == list(told)


def test_more_controls_than_by_default_loosen_nothing(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more=f"sandbox: {{require: [{', '.join(Control)}]}}\n")
    assert "loosened" not in invoke("validate", "say.yaml").stdout


def test_explain_tells_what_is_shown_to_whom(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="sandbox: {network: host}\nbudget: {run: {tokens: 900000}}\n")
    page = invoke("explain", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "single,refine").stdout
    assert "say: 1 instance, 2 episodes, at most 8 model calls" in page
    assert "START -> propose\n  propose -> act\n  act -> verify\n  verify -> critique" in page
    assert "proposer     scripted/right.yaml, card sayer, prompt sayer, replies with text" in page
    assert "Never shown to any: hidden.want" in page
    assert "all episodes: tokens  900000" in page
    assert "loosened: network: host" in page
    told = json.loads(invoke("explain", "say.yaml", "--model", "scripted/right.yaml", "--prompt", "--json").stdout)
    assert [message["content"] for message in told["prompt"]] == ["You say words.", "Say yes."]
    assert told["never_shown"] == ["hidden.want"]


def test_a_proposer_that_is_no_card_has_no_prompt_to_show(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "promptless.py").write_text(
        "class Own:\n    role = 'proposer'\n    async def act(self, view, models):\n        raise NotImplementedError\n"
    )
    task = write_task()
    task.write_text(task.read_text().replace("proposer: sayer", "proposer: promptless:Own"))
    result = invoke("explain", "say.yaml", "--prompt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "promptless:Own has no prompt to show" in result.stderr
    assert "--transcript" in result.stderr
    assert invoke("explain", "say.yaml").exit_code == 0


def test_schema_can_be_named_in_a_task(invoke: Invoke, project: Path) -> None:
    assert json.loads(invoke("schema").stdout) == task_schema()
    result = invoke("schema", "--out", "task.schema.json")
    assert "# yaml-language-server: $schema=task.schema.json" in result.stdout
    assert json.loads((project / "task.schema.json").read_text()) == task_schema()


@pytest.fixture
def two_runs(invoke: Invoke, write_task: WriteTask) -> tuple[Path, Path]:
    for number in range(3):
        write_task(f"t{number}", file=f"tasks/t{number}.yaml") if number else Path("tasks").mkdir()
    write_task("t0", file="tasks/t0.yaml")
    Path("good.yaml").write_text('- "yes"\n' * 9)
    Path("bad.yaml").write_text('- "yes"\n' + '- "no"\n' * 9)
    for name in ("good", "bad"):
        flags = ("--strategy", "single", "--concurrency", 1, "--out", f"runs/{name}")
        assert invoke("run", "tasks", "--model", f"scripted/{name}.yaml", *flags).exit_code == 0
    return Path("runs/good"), Path("runs/bad")


def test_two_runs_are_compared_task_by_task(invoke: Invoke, two_runs: tuple[Path, Path]) -> None:
    told = json.loads(invoke("compare", *two_runs, "--json").stdout)
    (pair,) = told["pairs"]
    assert (pair["a"], pair["b"]) == ("good single", "bad single")
    assert pair["passed"]["difference"] == pytest.approx(2 / 3)
    assert (pair["only_a"], pair["only_b"]) == (["t1", "t2"], [])
    assert told["differs"] == ["models.0"]
    assert told["differences"] == ["models (scripted/good.yaml / scripted/bad.yaml)"]
    page = invoke("compare", *two_runs, "--out", "comparison.html").stdout
    assert page.endswith("\nwrote comparison.html\n")
    assert "good single" in Path("comparison.html").read_text()
    assert "good single is better than bad single on t1, t2" in page
    assert "The runs differ in: models (scripted/good.yaml / scripted/bad.yaml)" in page


def test_variants_of_one_run_are_compared(invoke: Invoke, write_task: WriteTask, two_runs: tuple[Path, Path]) -> None:
    result = invoke("compare", two_runs[0])
    assert result.exit_code == 2
    assert "has one variant" in result.stderr
    flags = ("--strategy", "single,best_of_n,refine", "--calls", 1, "--concurrency", 1, "--out", "runs/three")
    invoke("run", "tasks", "--model", "scripted/good.yaml", *flags)
    pairs = json.loads(invoke("compare", "three", "--json").stdout)["pairs"]
    assert [(pair["a"], pair["b"]) for pair in pairs] == [
        ("single", "best_of_n"),
        ("single", "refine"),
        ("best_of_n", "refine"),
    ]


def test_runs_without_a_common_variant_cannot_be_compared(invoke: Invoke, two_runs: tuple[Path, Path]) -> None:
    flags = ("--strategy", "best_of_n,refine", "--calls", 1, "--out", "runs/other")
    invoke("run", "tasks", "--model", "scripted/good.yaml", *flags)
    result = invoke("compare", "good", "other")
    assert result.exit_code == 2
    assert "no variant of good is one of other by name, or by strategy and models" in result.stderr
    for name in ("single", "best_of_n", "refine"):
        assert f"{name} ({name}, scripted/good.yaml)" in result.stderr


def test_a_report_and_its_tables(invoke: Invoke, two_runs: tuple[Path, Path]) -> None:
    result = invoke("report", "bad", "--junit", "junit.xml", "--csv", "episodes.csv")
    assert result.exit_code == 0
    assert (two_runs[1] / "report.html").read_text().startswith("<!doctype html>")
    suite = ET.parse("junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert len(Path("episodes.csv").read_text().splitlines()) == 4
    told = json.loads(invoke("report", "bad", "--out", "page.html", "--json").stdout)
    assert Path(told["html"]).is_file()


def test_what_two_runs_differ_in_is_told_in_words(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    Path("all.yaml").write_text('- "yes"\n' * 8)
    run = ("run", "say.yaml", "--model", "scripted/all.yaml", "--out")
    invoke(*run, "a", "--max-calls", 9)
    task.write_text(task.read_text().replace("Say yes", "Say it"))
    invoke(*run, "b", "--calls", 2, "--seed", 7)
    told = invoke("compare", "a", "b").stdout.splitlines()[-1]
    assert told == (
        "The runs differ in: task say: goal; model calls per instance (none / 2); seed (none / 7); "
        "cap on model_calls (9 / none)"
    )
    invoke("fork", "b", "--at", "say:refine:0:0", "--out", "c")
    assert "which episodes were to run (none / say:refine:0)" in invoke("compare", "b", "c").stdout


@pytest.mark.parametrize("loop", ["", "loop: {repetition: 2}\n"])
def test_explain_tells_when_it_starts_afresh(invoke: Invoke, write_task: WriteTask, loop: str) -> None:
    task = write_task()
    task.write_text(task.read_text().partition("loop:")[0] + loop)
    page = invoke("explain", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "best_of_n,refine").stdout
    times = 2 if loop else 3
    assert f"repetition      the same failure came {times} times in a row (refine)\n" in page
    assert ("refine     1. the same failure came twice in a row: restart from the task" in page) == (not loop)
    assert "best_of_n  restart from the task" in page


def test_what_explain_says_of_repetition_is_what_happens(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="budget: {model_calls: 9}\n")
    Path("same.yaml").write_text('- "no"\n' * 9)
    invoke("run", "say.yaml", "--model", "scripted/same.yaml", "--calls", 9, "--out", "out")
    page = invoke("show", "out", "say").stdout
    assert "continue from iteration 0" in page
    assert "restart, by repetition: the same failure came twice in a row" in page
    assert "--- iteration 2, afresh ---" in page
    assert "stop, by repetition: the same failure came 3 times in a row" in page


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("local/smolm2-135m", "Did you mean local/smollm2-135m?"), ("local/none.gguf", "Write the path of a GGUF file")],
)
def test_a_misspelt_local_model_is_told(invoke: Invoke, write_task: WriteTask, name: str, remedy: str) -> None:
    write_task()
    assert remedy in invoke("run", "say.yaml", "--model", name).stderr


def test_a_name_that_no_file_can_have_is_told(invoke: Invoke, write_task: WriteTask) -> None:
    task = write_task()
    task.write_text(task.read_text().replace("proposer: sayer", f"proposer: {'s' * 300}"))
    result = invoke("validate", task)
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert "no file can have so long a name" in result.output


def test_explain_says_what_it_can_without_a_model(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    result = invoke("explain", "say.yaml")
    assert result.exit_code == 0, result.output
    assert "note: say: no model is named for the proposer" in result.stderr
    assert "proposer     a model still to be named, card " in result.stdout
    assert "max_iterations" in result.stdout


@pytest.mark.parametrize(("typed", "told"), [("reprot", "Did you mean report"), ("xyzzy", "no verb 'xyzzy'.\n")])
def test_a_misspelt_verb_is_told(invoke: Invoke, typed: str, told: str) -> None:
    result = invoke(typed, "task.yaml")
    assert result.exit_code == 2
    assert told in result.stderr


def test_models_are_listed(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(tmp_path))
    (model,) = json.loads(invoke("models", "list", "--json").stdout)["local"]
    assert (model["name"], model["path"]) == ("smollm2-135m", None)
    assert "not pulled" in invoke("models", "list").stdout
    wrong = invoke("models", "pull", "smollm3")
    assert wrong.exit_code == 2
    assert "smollm2-135m" in wrong.stderr


def test_endpoints_are_listed_with_whether_their_key_is_set(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endpoints.yaml").write_text("mine: {base_url: 'http://127.0.0.1:9/v1', api_key_env: MINE_KEY}\n")
    monkeypatch.setenv("LOOPWRIGHT_SETTINGS", str(tmp_path))
    monkeypatch.setenv("MINE_KEY", "sk-canary-0123456789")
    shown = invoke("models", "list").stdout
    assert "MINE_KEY is set" in shown
    assert "sk-canary" not in shown
    assert json.loads(invoke("models", "list", "--json").stdout)["endpoints"]["mine"]["api_key_env"] == "MINE_KEY"


@pytest.mark.slow
def test_the_doctor_tells_of_every_control(invoke: Invoke) -> None:
    result = invoke("doctor", "--json")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    assert [diagnosis["provider"] for diagnosis in found] == ["docker", "bubblewrap"]
    assert result.exit_code == (0 if any(diagnosis["available"] for diagnosis in found) else 3)
    for diagnosis in found:
        assert len(diagnosis["controls"]) == (10 if diagnosis["available"] else 0)
        assert diagnosis["available"] or diagnosis["remedy"]


@pytest.mark.slow
def test_gc_leaves_what_is_alive(invoke: Invoke) -> None:
    result = invoke("gc", "--json")
    assert result.exit_code == 0
    assert all(not box["removed"] or "dead" in box["why"] for box in json.loads(result.stdout))


@pytest.mark.parametrize(
    "verb", [verb for verb in VERBS if verb not in ("doctor", "fork", "gate", "gc", "init", "models", "schema")]
)
def test_every_verb_refuses_what_is_not_there_without_a_traceback(invoke: Invoke, project: Path, verb: str) -> None:
    words = {
        "ctl": ("nowhere", "status"),
        "export": ("nowhere", "--format", "chat"),
        "import": ("inspect", "nowhere", "--out", "out"),
    }
    result = invoke(verb, *words.get(verb, ("nowhere",)))
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert "nowhere" in result.stderr


def test_an_export_of_nothing_is_told_by_the_exit_code(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    invoke("run", "say.yaml", "--model", "scripted/wrong.yaml", "--out", "out")
    result = invoke("export", "out", "--format", "chat", "--out", "data")
    assert (result.exit_code, "nothing was exported" in result.stdout) == (1, True)
    assert invoke("export", "out", "--format", "atif", "--out", "told").exit_code == 0
