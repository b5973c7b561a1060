"""A run that somebody sent names code: it is imported only where somebody asked for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import loopwright
from loopwright.errors import UserError
from loopwright.plan import resolve
from loopwright.plugins import import_nothing_for
from loopwright.runner import fork_episode
from loopwright.task import load_task
from loopwright.types import Control

_CODE = """\
from pathlib import Path

Path("CODE_RAN").touch()


class V:
    async def verify(self, candidate, instance):
        from loopwright.verify import Verdict

        return Verdict(summary="seen")
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A finished run without code of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replies.yaml").write_text(json.dumps(["```python\ndef f():\n    return 1\n```"] * 3))
    (tmp_path / "payload_of_tests.py").write_text(_CODE)
    (tmp_path / "task.yaml").write_text(
        "version: 1\nname: t\ngoal: write f\nmodel: scripted/replies.yaml\n"
        "environment: {name: python, tests: 'def test_f(): from solution import f; assert f() == 1'}\n"
        "agents: {critic: rules}\nsandbox: {provider: bubblewrap}\n"
    )
    loopwright.run(["task.yaml"], out="run")
    yield tmp_path / "run"
    import_nothing_for(None)


def _change(run: Path, **config: Any) -> None:
    told = json.loads((run / "run.json").read_text())
    told["config"] |= config
    for task in told["config"]["tasks"]:
        task.setdefault("agents", {})["verifier"] = "payload_of_tests:V"
    (run / "run.json").write_text(json.dumps(told))
    first = (run / "events.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "events.jsonl").write_bytes(first)


def test_code_that_a_changed_manifest_names_is_not_imported(run: Path) -> None:
    _change(run)
    with pytest.raises(UserError, match="payload_of_tests:V, which would be imported from") as caught:
        loopwright.resume(run)
    assert "--project" in caught.value.remedy
    assert not Path("CODE_RAN").exists()


def test_code_in_the_run_folder_is_not_imported(run: Path) -> None:
    shutil.copy("payload_of_tests.py", run)
    _change(run, project="run")
    with pytest.raises(UserError, match="would be imported from"):
        loopwright.resume(run)
    assert not Path("CODE_RAN").exists()


def test_code_is_imported_from_the_folder_that_was_asked_for(run: Path, tmp_path: Path) -> None:
    _change(run)
    loopwright.resume(run, project=tmp_path, changed=True)
    assert Path("CODE_RAN").exists()


def test_a_run_that_was_sent_and_names_no_code_goes_on(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert told.pop("origin")
    (run / "run.json").write_text(json.dumps(told))
    assert loopwright.resume(run).pass_rate == 1


@pytest.mark.parametrize(
    "names",
    [
        {"model": "local//away/weights.gguf"},
        {"image_models": {"generator": ["diffusers/../away"]}},
        {"matrix": {"models": ["scripted/~/replies.yaml"]}},
    ],
)
def test_a_run_that_was_sent_names_models_in_its_project_alone(run: Path, names: dict[str, Any]) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0] |= names
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"model names .*, which is outside its project"):
        loopwright.resume(run)


def test_a_run_that_was_sent_lists_models_in_its_project_alone(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["models"] = ["replay//away/run"]
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="model names /away/run, which is outside its project"):
        loopwright.resume(run)


@pytest.mark.parametrize("model", ["/away", "../away"])
def test_a_run_that_was_sent_names_detectors_in_its_project_alone(run: Path, model: str) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0] |= {"environment": {"name": "images", "detector": {"model": model}}}
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"environment\.detector names .*away, which is outside its project"):
        loopwright.resume(run)


@pytest.mark.parametrize("names", [{"model": "payload_of_tests:V"}, {"environment": {"name": "payload_of_tests:V"}}])
def test_what_follows_from_a_run_that_was_sent_imports_nothing_either(run: Path, names: dict[str, Any]) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0] |= names
    (run / "run.json").write_text(json.dumps(told))

    def fork(source: Path, out: str) -> None:
        loopwright.fork(source, "t:refine:0", at=0, out=out)

    for follow in (
        lambda: fork(run, "forked"),
        lambda: loopwright.resume("forked", changed=True),
        lambda: fork(Path("forked"), "forked again"),
    ):
        with pytest.raises(UserError, match="payload_of_tests:V, which would be imported from"):
            follow()
    assert not Path("CODE_RAN").exists()


def test_grades_given_again_of_a_run_that_was_sent_import_nothing_either(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0]["model"] = "payload_of_tests:V"
    (run / "run.json").write_text(json.dumps(told))
    loopwright.regrade(run, out="regraded")
    with pytest.raises(UserError, match="payload_of_tests:V, which would be imported from"):
        loopwright.fork("regraded", "t:refine:0", at=0, out="forked")
    assert not Path("CODE_RAN").exists()


def test_what_follows_from_a_run_of_ones_own_is_ones_own(run: Path) -> None:
    loopwright.fork(run, "t:refine:0", at=0, out="forked")
    assert json.loads(Path("forked/run.json").read_text())["origin"]


def test_a_cap_on_cost_is_not_counted_by_prices_that_were_sent(run: Path) -> None:
    Path("free.yaml").write_text("date: 2026-11-01\nmodels: {scripted/*: {input: 0, output: 0}}\n")
    Path("own.yaml").write_text("date: 2026-11-01\nmodels: {scripted/*: {input: 999999, output: 999999}}\n")
    told = json.loads((run / "run.json").read_text())
    told["config"]["prices"] = str(Path("free.yaml").absolute())
    (run / "run.json").write_text(json.dumps(told))
    _sent(run)
    for go_on in (loopwright.resume, loopwright.regrade):
        with pytest.raises(UserError, match="was made elsewhere, and the cap on cost") as caught:
            go_on(run, budget={"usd": 1})
        assert "--prices" in caught.value.remedy
    result = loopwright.resume(run, budget={"usd": 1}, prices="own.yaml", changed=True)
    (episode,) = result.episodes
    assert episode.score is None
    assert "the cap on usd of 1" in str(episode.outcome)


def _sent_whole(run: Path, config: dict[str, Any] | None = None, **task: Any) -> None:
    """The run as if somebody had sent it, with other settings, or other fields of its task."""
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"] |= config or {}
    told["config"]["tasks"][0] |= task
    (run / "run.json").write_text(json.dumps(told))


def _sent(run: Path, **task: Any) -> None:
    """As `_sent_whole`, without an episode."""
    _sent_whole(run, **task)
    first = (run / "events.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "events.jsonl").write_bytes(first)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"environment": {"name": "bash", "fixture": "/etc"}}, r"environment\.fixture names /etc, which is outside"),
        ({"environment": {"name": "sql", "dump": "../secret.sql"}}, r"environment\.dump names .*secret\.sql"),
        ({"sandbox": {"provider": "bubblewrap", "image": "/"}}, r"sandbox\.image names /,"),
        ({"model": "scripted//etc/passwd"}, r"model names /etc/passwd"),
        ({"models": {"critic": "replay/../secret.jsonl"}}, r"model names .*secret\.jsonl"),
        ({"environment": {"name": "ctf", "assets": "link"}}, r"environment\.assets names .*link"),
        ({"environment": {"name": "ctf", "assets": "/a\0b"}}, r"environment\.assets names"),
        ({"model": "scripted//a\0b"}, "model names"),
        ({"model": "scripted/~no-such-user/x"}, "there is no file"),
    ],
)
def test_a_run_that_was_sent_reads_nothing_outside_the_project(run: Path, task: dict[str, Any], told: str) -> None:
    Path("link").symlink_to("/etc")
    _sent(run, **task)
    with pytest.raises(UserError, match=told) as caught:
        loopwright.resume(run, project=run.parent)
    assert "LOOPWRIGHT_FOLDERS" in caught.value.remedy or "no-such-user" in str(caught.value)


def test_files_of_a_run_that_was_sent_lie_in_the_project_that_is_named(run: Path, tmp_path: Path) -> None:
    _sent(run, environment={"name": "bash", "fixture": "/home/somebody/work/files/start", "hidden": {"gold": "true"}})
    told = json.loads((run / "run.json").read_text())
    told["config"]["project"] = "/home/somebody/work"
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=f"environment.fixture: {tmp_path}/files/start: No such file"):
        loopwright.resume(run, project=tmp_path, changed=True)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"data": [{"id": "a", "picture": "photos/id.png"}]}, r"photos/id\.png cannot be used: No such file"),
        ({"model": "scripted/mine.yaml"}, r"mine\.yaml"),
        ({"agents": {"proposer": "mine", "critic": "rules"}}, "mine"),
    ],
    ids=["picture", "replies", "card"],
)
def test_a_run_that_was_sent_reads_nothing_in_a_project_that_its_sender_chose(
    run: Path, tmp_path: Path, task: dict[str, Any], told: str
) -> None:
    chosen = tmp_path / "chosen"
    (chosen / "photos").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(chosen / "photos" / "id.png")
    (chosen / "mine.yaml").write_text(json.dumps(["private"]))
    (chosen / "agents").mkdir()
    (chosen / "agents" / "mine.yaml").write_text("version: 1\nname: mine\nrole: proposer\nprompt: code\n")
    _sent_whole(run, {"project": str(chosen)}, **task)
    first = (run / "events.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "events.jsonl").write_bytes(first)
    shutil.rmtree(run / "artifacts", ignore_errors=True)
    shutil.copy("replies.yaml", run)
    with pytest.raises(UserError, match=told):
        loopwright.resume(run)
    assert "private" not in (run / "events.jsonl").read_text()
    assert not list(run.glob("artifacts/*/*"))


_LOOSE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"network": "host"}, r"sandbox\.network: host"),
    ({"user": "root"}, r"sandbox\.user: root"),
    ({"require": ["seccomp"]}, r"sandbox\.require: without capabilities, init, network,"),
    ({"image": "private:latest"}, r"sandbox\.image: 'private:latest'"),
    ({"runtime": "own"}, r"sandbox\.runtime: 'own'"),
    ({"memory_mb": 4097}, r"sandbox\.memory_mb: 4097, more than 4096"),
    ({"pids": 1025}, r"sandbox\.pids"),
    ({"cpus": 8.5}, r"sandbox\.cpus: 8\.5"),
    ({"scratch_mb": 1025}, r"sandbox\.scratch_mb"),
    ({"timeout": 601}, r"sandbox\.timeout"),
)


@pytest.mark.parametrize(("sandbox", "told"), _LOOSE, ids=[next(iter(sandbox)) for sandbox, _ in _LOOSE])
def test_a_run_that_was_sent_loosens_no_sandbox(run: Path, sandbox: dict[str, Any], told: str) -> None:
    _sent_whole(run, sandbox={"provider": "bubblewrap", **sandbox})
    for go_on in (
        lambda: loopwright.resume(run),
        lambda: loopwright.fork(run, "t:refine:0", at=0, out="forked"),
        lambda: loopwright.regrade(run, out="regraded"),
        lambda: loopwright.resume(run, project=run.parent),
    ):
        with pytest.raises(UserError, match=told) as caught:
            go_on()
        assert "--trust-sandbox" in caught.value.remedy
    assert not Path("forked").exists()
    assert not Path("regraded").exists()


@pytest.mark.parametrize(
    "task",
    [
        {"environment": {"name": "bash", "timeout": 604_800}},
        {"environment": {"name": "python", "timeout": "604800"}},
        {"environment": {"name": "discovery", "verify_timeout": 601}},
        {"environment": {"name": "sql"}, "data": [{"id": "a", "timeout": 5}, {"id": "b", "timeout": 601}]},
        {
            "environment": {"name": "ctf", "timeout": {"template": "{{ most }}"}},
            "data": [{"id": "a", "vars": {"most": 601}}],
        },
    ],
    ids=["field", "text", "verifier", "record", "template"],
)
def test_a_run_that_was_sent_gives_its_commands_no_more_time(run: Path, task: dict[str, Any]) -> None:
    _sent_whole(run, **task)
    with pytest.raises(UserError, match=r"environment\.(verify_)?timeout: \d+, more than 600") as caught:
        loopwright.resume(run)
    assert "--trust-sandbox" in caught.value.remedy


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ({"tests_image": "private:latest", "artifacts": ["/app"]}, r"hidden\.tests_image: 'private:latest'"),
        ({"tests": {"test.sh": "true"}, "tests_timeout": 601}, r"tests_timeout: 601, more than 600"),
    ],
    ids=["image", "time"],
)
def test_a_run_that_was_sent_chooses_no_sandbox_for_its_tests(run: Path, hidden: dict[str, Any], told: str) -> None:
    _sent_whole(run, environment={"name": "bash", "hidden": hidden})
    with pytest.raises(UserError, match=told) as caught:
        loopwright.resume(run)
    assert "--trust-sandbox" in caught.value.remedy


def test_the_ordinary_time_for_a_command_needs_no_trust(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())["config"]["tasks"][0]
    _sent_whole(run, environment={**told["environment"], "timeout": 600})
    fork_episode(run, Path("forked"), episode="t:refine:0", at=0, model=None, seed=None, calls=None).store.close()


def test_a_sandbox_that_is_no_weaker_needs_no_trust(run: Path) -> None:
    strict = [control.value for control in Control]
    _sent_whole(run, sandbox={"provider": "bubblewrap", "require": strict, "memory_mb": 1024, "timeout": 60})
    fork_episode(run, Path("forked"), episode="t:refine:0", at=0, model=None, seed=None, calls=None).store.close()
    (task,) = json.loads(Path("forked/run.json").read_text())["config"]["tasks"]
    assert task["sandbox"]["memory_mb"] == 1024


def test_who_trusts_a_sandbox_gets_it_each_time_anew(run: Path) -> None:
    _sent_whole(run, sandbox={"provider": "bubblewrap", "require": []})
    assert loopwright.fork(run, "t:refine:0", at=0, out="forked", trust_sandbox=True).pass_rate == 1
    for go_on in (loopwright.resume, loopwright.regrade):
        with pytest.raises(UserError, match="is not the ordinary one"):
            go_on("forked")
    assert loopwright.resume("forked", trust_sandbox=True).pass_rate == 1
    assert len(loopwright.regrade("forked", out="graded", trust_sandbox=True).episodes) == 1


def test_who_names_the_project_makes_no_run_of_ones_own_of_one_that_was_sent(run: Path) -> None:
    """Its code may be imported then; its sandbox is asked for anew each time."""
    _sent_whole(run, sandbox={"provider": "bubblewrap", "require": []})
    loopwright.fork(run, "t:refine:0", at=0, out="forked", project=run.parent, trust_sandbox=True)
    loopwright.regrade(run, out="graded", project=run.parent, trust_sandbox=True)
    loopwright.fork("graded", "t:refine:0", at=0, out="again", project=run.parent, trust_sandbox=True)
    for follows in ("forked", "graded", "again"):
        assert not json.loads(Path(follows, "run.json").read_text())["origin"]
        with pytest.raises(UserError, match="is not the ordinary one"):
            loopwright.resume(follows, project=run.parent)


def test_a_run_of_ones_own_stays_ones_own_whatever_its_project(run: Path) -> None:
    loopwright.fork(run, "t:refine:0", at=0, out="forked", project=run.parent)
    loopwright.regrade(run, out="graded", project=run.parent)
    assert all(json.loads(Path(at, "run.json").read_text())["origin"] for at in ("forked", "graded"))


def test_what_follows_from_a_run_whose_project_came_with_its_folder_is_not_ones_own(run: Path) -> None:
    (run / "inside").mkdir()
    shutil.copy("replies.yaml", run / "inside")
    loopwright.fork(run, "t:refine:0", at=0, out="forked", project=run / "inside")
    assert not json.loads(Path("forked/run.json").read_text())["origin"]


def test_a_task_file_of_ones_own_grades_with_its_own_sandbox(run: Path) -> None:
    _sent_whole(run, sandbox={"provider": "bubblewrap", "network": "host", "require": []})
    loopwright.regrade(run, ["task.yaml"], out="regraded")
    graded = json.loads(Path("regraded/run.json").read_text())
    assert graded["config"]["tasks"][0]["sandbox"]["network"] == "none"


def test_an_environment_that_was_sent_names_no_image(run: Path) -> None:
    folder = run / "environments" / "python"
    folder.mkdir(parents=True)
    (folder / "environment.yaml").write_text("name: python\nimage: private:latest\n")
    _sent_whole(run, {"project": "run"})
    with pytest.raises(UserError, match="the image of environment 'python': 'private:latest'"):
        loopwright.resume(run)


def _sent_with_environment(run: Path, environment: str) -> None:
    """As `_sent_whole`, with an environment of its own in the project of the sender."""
    folder = run / "environments" / "python"
    folder.mkdir(parents=True)
    (folder / "environment.yaml").write_text(environment)
    _sent_whole(run, {"project": str(run)}, sandbox={"provider": "bubblewrap", "network": "host"})


def test_a_task_file_of_ones_own_runs_in_no_image_that_was_sent(run: Path) -> None:
    _sent_with_environment(run, "name: python\nimage: private:latest\n")
    with pytest.raises(UserError, match="one: the image of environment 'python': 'private:latest'") as caught:
        loopwright.regrade(run, ["task.yaml"], out="regraded")
    assert "--project" in caught.value.remedy
    assert not Path("regraded").exists()
    assert len(loopwright.regrade(run, ["task.yaml"], out="regraded", project=run.parent).episodes) == 1


def test_a_task_file_of_ones_own_takes_no_time_that_was_sent(run: Path) -> None:
    _sent_with_environment(run, "name: python\nfields: {timeout: 604800}\n")
    with pytest.raises(UserError, match=r"environment\.timeout: 604800, more than 600"):
        loopwright.regrade(run, ["task.yaml"], out="regraded")


def test_the_environment_of_the_task_file_is_looked_at_too(run: Path) -> None:
    """The recorded task names another one, which brings no image."""
    _sent_with_environment(run, "name: python\nimage: private:latest\n")
    told = json.loads((run / "run.json").read_text())
    told["config"]["tasks"][0]["environment"] = {"name": "bash", "hidden": {"gold": "echo"}}
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="the image of environment 'python'"):
        loopwright.regrade(run, ["task.yaml"], out="regraded")


def test_a_run_that_was_sent_does_not_say_how_many_run_at_a_time(run: Path) -> None:
    _sent_whole(run, {"concurrency": 100_000})
    fork_episode(run, Path("forked"), episode="t:refine:0", at=0, model=None, seed=None, calls=None).store.close()
    assert json.loads(Path("forked/run.json").read_text())["config"]["concurrency"] == 16


def test_a_run_of_ones_own_keeps_the_sandbox_that_its_task_says(run: Path) -> None:
    Path("loose.yaml").write_text(Path("task.yaml").read_text().replace("bubblewrap}", "bubblewrap, require: []}"))
    loopwright.run(["loose.yaml"], out="loose")
    assert loopwright.resume("loose").pass_rate == 1


def test_the_cache_of_a_run_that_was_sent_is_left_alone(run: Path, tmp_path: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    told["config"]["cache"] = str(tmp_path / "cache")
    (run / "run.json").write_text(json.dumps(told))
    _sent(run)
    assert loopwright.resume(run, changed=True).pass_rate == 1
    assert not (tmp_path / "cache").exists()


def test_a_task_file_reads_below_its_project_unless_the_user_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder beside the project, such as a fixture that a task file from somebody names."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("right.yaml").write_text('["```bash\\necho hi\\n```"]')
    Path("task.yaml").write_text(
        "version: 1\nname: t\ngoal: g\nmodel: scripted/right.yaml\nloop: {strategy: single}\n"
        "environment: {name: bash, fixture: ../beside, hidden: {gold: echo hi}}\n"
    )
    with pytest.raises(UserError, match=r"environment\.fixture names .*beside, which is outside"):
        resolve(["task.yaml"])
    monkeypatch.setenv("LOOPWRIGHT_FOLDERS", f"/nowhere:{tmp_path / 'beside'}")
    assert len(resolve(["task.yaml"]).episodes) == 1
    # What you type yourself is yours: a model over the task's, or a task made in Python.
    monkeypatch.delenv("LOOPWRIGHT_FOLDERS")
    assert len(resolve(load_task("task.yaml")).episodes) == 1


@pytest.mark.parametrize("role", ["proposer", "auditor"])
def test_a_card_reads_below_its_project_as_the_task_does(run: Path, role: str) -> None:
    Path("agents").mkdir()
    kind, reply = ("proposer", "text") if role == "proposer" else ("verifier", "verdict")
    Path("agents/mine.yaml").write_text(
        f"version: 1\nname: mine\nrole: {kind}\nprompt: {kind}.md\nreply: {reply}\nmodel: scripted/../outside.json\n"
    )
    own = Path("task.yaml").read_text().replace("{critic: rules}", f"{{critic: rules, {role}: mine}}")
    Path("own.yaml").write_text(own)
    with pytest.raises(UserError, match=r"model names .*outside\.json, which is outside its project"):
        resolve(["own.yaml"])
    _sent(run, agents={"critic": "rules", role: "mine"})
    with pytest.raises(UserError, match=r"model names .*outside\.json, which is outside its project"):
        loopwright.resume(run, project=run.parent, changed=True)


@pytest.mark.parametrize("server", [{"command": ["touch", "CODE_RAN"]}, {"url": "http://127.0.0.1:9/mcp"}])
def test_a_run_that_was_sent_starts_and_asks_no_server_outside(run: Path, server: dict[str, Any]) -> None:
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0]["mcp_servers"] = {"away": {**server, "outside": True}}
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"mcp_servers\.away: .* outside of it") as caught:
        loopwright.resume(run)
    assert "--trust-sandbox" in caught.value.remedy
    assert not Path("CODE_RAN").exists()


def test_a_run_that_was_sent_takes_no_more_time_for_its_agents_program(run: Path, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "slow.yaml").write_text(
        "version: 1\nname: slow\nrole: proposer\nprompt: command\nprogram: {command: [sleep], timeout: 80000}\n"
    )
    told = json.loads((run / "run.json").read_text())
    del told["origin"]
    told["config"]["tasks"][0].setdefault("agents", {})["proposer"] = "slow"
    (run / "run.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"program\.timeout of agent 'slow': 80000"):
        loopwright.resume(run)
