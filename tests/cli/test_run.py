from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, WriteTask


def test_a_run_ends_with_its_summary_and_where_it_is(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out/here")
    assert result.exit_code == 0
    assert "[1/1] say:refine:0: passed, score 1.00, 2 iterations (all_passed), 2 calls" in result.stderr
    assert "1.00   [0.21, 1.00]" in result.stdout
    assert "loopwright show out/here" in result.stdout
    assert Path("out/here/events.jsonl").is_file()


def test_a_folder_is_all_its_task_files_in_order(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "tasks").mkdir()
    write_task("second", file="tasks/b.yaml")
    write_task("first", file="tasks/a.yml")
    (project / "tasks" / "notes.txt").write_text("not a task")
    (project / "tasks" / ".hidden.yaml").write_text("not a task")
    result = invoke("run", "tasks", "--model", "scripted/right.yaml", "--calls", 1, "--json")
    assert [row["task"] for row in json.loads(result.stdout)["episodes"]] == ["first", "second"]


def test_strategies_are_compared_side_by_side(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    (Path.cwd() / "many.yaml").write_text('- "no"\n' * 9)
    result = invoke(
        "run", "say.yaml", "--model", "scripted/many.yaml", "--strategy", "single, best_of_n,refine", "--calls", 3,
        "--concurrency", 1, "--json",
    )  # fmt: skip
    told = json.loads(result.stdout)
    assert [(v["name"], v["n"], v["model_calls"]) for v in told["variants"]] == [
        ("single", 3, 3),
        ("best_of_n", 1, 3),
        ("refine", 1, 3),
    ]


@pytest.mark.parametrize(
    ("model", "accept", "flag", "code"),
    [
        ("right", "", (), 0),
        ("wrong", "", (), 0),
        ("right", "accept: 1\n", (), 0),
        ("wrong", "accept: 0.5\n", (), 1),
        ("wrong", "accept: 0.5\n", ("--accept", 0), 0),
        ("right", "", ("--accept", 1), 0),
        ("wrong", "", ("--accept", 0.1), 1),
    ],
)
def test_the_exit_code_tells_whether_the_threshold_was_met(
    invoke: Invoke, write_task: WriteTask, model: str, accept: str, flag: tuple[object, ...], code: int
) -> None:
    write_task(more=accept)
    assert invoke("run", "say.yaml", "--model", f"scripted/{model}.yaml", *flag).exit_code == code


@pytest.mark.parametrize("threshold", ["accept: 0.5\n", "--accept 0.5"])
def test_each_variant_is_compared_with_the_threshold_and_the_one_below_is_named(
    invoke: Invoke, write_task: WriteTask, threshold: str
) -> None:
    write_task(more="" if threshold.startswith("--") else threshold)
    flags = threshold.split() if threshold.startswith("--") else []
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml,scripted/wrong.yaml", *flags)
    assert result.exit_code == 1
    told = result.stdout.partition("Not accepted:\n")[2].splitlines()[:2]
    assert told[0] == ("  refine@scripted/wrong.yaml: 0 of 1 passed, 0.00 [0.00, 0.79], 0.50 below the threshold 0.50")
    assert "right.yaml" not in told[1]
    told_as_json = invoke("run", "say.yaml", "--model", "scripted/right.yaml,scripted/wrong.yaml", *flags, "--json")
    assert json.loads(told_as_json.stdout)["reasons"] == [told[0].strip()]


def test_infrastructure_is_no_score_and_exits_3(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="accept: 0\n")
    (Path.cwd() / "lost.yaml").write_text("- lost\n")
    result = invoke("run", "say.yaml", "--model", "scripted/lost.yaml")
    assert result.exit_code == 3
    assert "say:refine:0: not scored, sandbox: the sandbox is gone" in result.stderr
    assert "Infrastructure failed" in result.stdout


@pytest.mark.parametrize(("flags", "code"), [((), 3), (("--accept", 1), 3), (("--accept", 0), 3)])
def test_a_variant_without_a_score_is_named_although_another_passed(
    invoke: Invoke, write_task: WriteTask, flags: tuple[object, ...], code: int
) -> None:
    write_task()
    Path("lost.yaml").write_text("- lost\n")
    models = "scripted/right.yaml,scripted/lost.yaml"
    told = json.loads(invoke("run", "say.yaml", "--model", models, "--json", *flags).stdout)
    assert told["exit_code"] == code
    assert [reason.partition(":")[0] for reason in told["reasons"]] == ["refine@scripted/lost.yaml"]


@pytest.mark.parametrize(
    ("replies", "accept", "code"),
    [(("yes", "lost", "yes", "yes"), 0.75, 0), (("yes", "lost", "yes", "yes"), 0.9, 3), (("no", "lost"), 0.6, 1)],
)
def test_a_threshold_that_lost_episodes_leave_open_is_not_told(
    invoke: Invoke, write_task: WriteTask, replies: tuple[str, ...], accept: float, code: int
) -> None:
    write_task()
    Path("mixed.yaml").write_text("".join(f'- "{reply}"\n' for reply in replies))
    flags = ("--strategy", "single", "--repeats", len(replies), "--concurrency", 1, "--accept", accept)
    assert invoke("run", "say.yaml", "--model", "scripted/mixed.yaml", *flags).exit_code == code


def test_a_bug_in_a_plug_in_is_told_by_its_own_line(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    source = "class Buggy:\n    async def verify(self, candidate, instance):\n        raise {}\n"
    (project / "buggy_verifier.py").write_text(source.format('ValueError("my bug\\nand more")'))
    task = write_task()
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  verifier: buggy_verifier:Buggy\n"))
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out")
    assert result.exit_code == 3
    assert "say:refine:0: not scored, harness: ValueError: my bug\n" in result.stderr
    page = invoke("show", "out", "say").stdout
    assert "not scored, harness: ValueError: my bug\n" in page
    assert "buggy_verifier.py" in page, "the traceback follows"
    assert invoke("report", "out", "--junit", "junit.xml").exit_code == 0
    assert "<bdi>ValueError: my bug</bdi>" in Path("out/report.html").read_text()
    assert 'message="harness: ValueError: my bug"' in Path("junit.xml").read_text()


def test_a_remedy_follows_what_failed(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    (project / "picky_verifier.py").write_text(
        "from loopwright.errors import VerifierError\n\nclass Picky:\n"
        "    async def verify(self, candidate, instance):\n"
        '        raise VerifierError("no ruler", remedy="Bring one.")\n'
    )
    task = write_task()
    task.write_text(task.read_text().replace("sayer\n", "sayer\n  verifier: picky_verifier:Picky\n"))
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out")
    assert "not scored, verifier: no ruler. Bring one.\n" in result.stderr


def test_a_missing_model_is_told_with_what_to_do(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    result = invoke("run", "say.yaml")
    assert result.exit_code == 2
    assert "local/smollm2-135m" in result.stderr
    assert "Traceback" not in result.output


def test_flags_beat_the_environment_beats_the_file(
    invoke: Invoke, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_task(more="model: scripted/missing.yaml\n")
    monkeypatch.setenv("LOOPWRIGHT_MODEL", "scripted/wrong.yaml")
    told = json.loads(invoke("run", "say.yaml", "--json").stdout)
    assert told["variants"][0]["models"] == {"proposer": "scripted/wrong.yaml"}
    told = json.loads(invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--json").stdout)
    assert told["variants"][0]["models"] == {"proposer": "scripted/right.yaml"}


def test_two_tasks_of_one_name_are_refused(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(file="a.yaml")
    write_task(file="b.yaml")
    result = invoke("run", "a.yaml", "b.yaml", "--model", "scripted/right.yaml")
    assert result.exit_code == 2
    assert "b.yaml:2:1: the name 'say' is taken by a.yaml" in result.stderr


@pytest.mark.parametrize("path", ["nowhere.yaml", "agents/../empty"])
def test_a_path_without_tasks_is_told(invoke: Invoke, project: Path, path: str) -> None:
    (project / "empty").mkdir()
    result = invoke("run", path)
    assert result.exit_code == 2
    assert path in result.stderr


def test_a_cost_cap_needs_prices(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--max-usd", 1)
    assert result.exit_code == 2
    assert "--prices" in result.stderr


def test_failures_are_json_too(invoke: Invoke) -> None:
    told = json.loads(invoke("run", "nowhere.yaml", "--json").stderr)
    assert told["error"] == "MissingContent"
    assert told["exit_code"] == 2
    assert told["remedy"]


def test_a_run_folder_in_use_is_not_overwritten(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out").exit_code == 0
    before = Path("out/events.jsonl").read_bytes()
    again = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out")
    assert again.exit_code != 0
    assert Path("out/events.jsonl").read_bytes() == before


def test_a_run_that_its_user_must_mend_can_be_resumed(invoke: Invoke, write_task: WriteTask) -> None:
    write_task(more="repeats: 2\n")
    Path("short.yaml").write_text('- "yes"\n')
    result = invoke("run", "say.yaml", "--model", "scripted/short.yaml", "--concurrency", 1, "--out", "out")
    assert result.exit_code == 2
    assert "loopwright resume out" in result.stderr
    assert "has 1 replies and was asked 2 times" in result.stderr
    Path("short.yaml").write_text('- "yes"\n- "yes"\n')
    told = json.loads(invoke("resume", "out", "--json").stdout)
    assert [(row["passed"], row["model_calls"]) for row in told["episodes"]] == [(True, 1), (True, 1)]


@pytest.mark.parametrize("folder", [".", "sub"])
def test_an_env_file_is_read_and_goes_last(
    invoke: Invoke, write_task: WriteTask, project: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    for name in ("LW_TEST_MODEL", "LW_TEST_REPEATS"):
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)
    write_task(more="model: scripted/${LW_TEST_MODEL}.yaml\nrepeats: ${LW_TEST_REPEATS:-1}\n")
    (project / ".env").write_text("LW_TEST_MODEL=wrong\nLW_TEST_REPEATS=1\n")
    (project / "sub").mkdir()
    monkeypatch.chdir(project / folder)
    monkeypatch.setenv("LW_TEST_MODEL", "right")
    told = json.loads(invoke("run", project / "say.yaml", "--json").stdout)
    assert [(row["passed"], told["variants"][0]["models"]) for row in told["episodes"]] == [
        (True, {"proposer": "scripted/right.yaml"})
    ]


def test_a_secret_does_not_reach_a_message(invoke: Invoke, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LW_TEST_API_KEY", "unset")
    monkeypatch.delenv("LW_TEST_API_KEY")
    (project / ".env").write_text("LW_TEST_API_KEY=sk-very-secret-value\n")
    result = invoke("run", "sk-very-secret-value.yaml")
    assert result.exit_code == 2
    assert "sk-very-secret-value" not in result.output
    assert "***.yaml" in result.stderr


def test_a_folder_that_is_taken_is_a_mistake_of_the_user(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    Path("out").mkdir()
    Path("out/notes.txt").touch()
    result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "out")
    assert result.exit_code == 2
    assert "out is not empty: it holds notes.txt" in result.stderr
    assert "resume" not in result.stderr
    for told in ("Run folder: ran", "ran holds a run already"):
        result = invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "ran")
        assert told in result.output
    assert "loopwright resume ran" in result.stderr


def test_the_block_for_ci_works_again_in_one_workspace(invoke: Invoke, write_task: WriteTask) -> None:
    write_task()
    for _ in range(2):
        folder = json.loads(invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--json").stdout)["folder"]
        assert invoke("report", "--junit", "junit.xml").exit_code == 0
        assert f'name="{Path(folder).name}"' in Path("junit.xml").read_text()


@pytest.mark.parametrize(
    ("server", "what"),
    [
        ("{command: [touch, made], outside: true}", "starts touch made on"),
        ("{url: 'http://h/x', outside: true}", "asks"),
    ],
)
def test_servers_outside_of_the_sandbox_need_leave(
    invoke: Invoke, write_task: WriteTask, project: Path, server: str, what: str
) -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    file = write_task()
    file.write_text(f"{file.read_text()}mcp_servers:\n  s: {server}\n")
    arguments = ("run", file.name, "--model", "scripted/right.yaml", "--out", "out")
    refused = invoke(*arguments)
    assert (refused.exit_code, Path("out").exists()) == (2, False)
    assert f"mcp_servers.s of the task 'say' {what}" in refused.stderr
    assert "--trust-sandbox" in refused.stderr
    assert invoke(*arguments, "--dry-run").exit_code == 0
    allowed = invoke(*arguments, "--trust-sandbox")
    assert allowed.exit_code == 0
    assert "the sandbox is loosened by mcp_servers.s" in allowed.stderr
