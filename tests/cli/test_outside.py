"""Flags, files and streams from outside end in a result or in a message with exit code 2, never in a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from loopwright.cli._app import VERBS, app
from tests.cli.conftest import Invoke, WriteTask, with_path


def _options(*kinds: type[click.ParamType[Any]]) -> list[tuple[str, str]]:
    """Every option or argument of some types, with the verb's words."""
    found: list[tuple[str, str]] = []

    def walk(command: click.Command, words: str) -> None:
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                inner = command.get_command(click.Context(command), name)
                assert inner is not None
                walk(inner, f"{words} {name}".strip())
        found.extend((words, param.opts[0]) for param in command.params if isinstance(param.type, kinds))

    walk(app, "")
    return found


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(("words", "option"), _options(click.types.FloatParamType))
def test_no_option_takes_what_is_no_number(invoke: Invoke, project: Path, words: str, option: str, value: str) -> None:
    # `ctl` takes the run before its verb, and its number as an argument.
    given = ("ctl", "runs/demo", "set", "usd", "--", value) if words == "ctl set" else (*words.split(), option, value)
    result = invoke(*given)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'".lower() in result.stderr.lower()


@pytest.mark.parametrize("value", ["9" * 20, "-" + "9" * 20, "9" * 400])
@pytest.mark.parametrize(("words", "option"), _options(click.types.IntParamType, click.types.FloatParamType))
def test_no_option_takes_a_number_that_no_record_holds(
    invoke: Invoke, project: Path, words: str, option: str, value: str
) -> None:
    given = [*words.split(), option, value]
    if words.startswith("ctl "):  # the run comes before the verb
        given = ["ctl", "runs/demo", *given[1:]] if option.startswith("-") else ["ctl", "r", "set", "usd", "--", value]
    result = invoke(*given)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'".lower() in result.stderr.lower()


@pytest.mark.parametrize(
    ("words", "argument"),
    [
        (["skip", ""], "EPISODE"),
        (["skip", "x" * 1001], "EPISODE"),
        (["skip", "\udcff"], "EPISODE"),
        (["retry", ""], "EPISODE"),
        (["answer", "", "stop"], "QUESTION"),
        (["answer", "q", "stop", "x" * 1_000_000], "TEXT"),
        (["answer", "q", "stop", "\udcff"], "TEXT"),
        (["set", "concurrency", "0"], "VALUE"),
        (["set", "concurrency", "10001"], "VALUE"),
        (["set", "concurrency", "1e9"], "VALUE"),
    ],
)
def test_what_no_run_can_be_told_names_the_argument(invoke: Invoke, words: list[str], argument: str) -> None:
    result = invoke("ctl", "runs/demo", *words)
    assert (result.exit_code, "Traceback" in result.stderr) == (2, False)
    assert f"Invalid value for {argument}" in result.stderr


@pytest.mark.parametrize("seed", ["20261130120000", "-1", str(2**63 - 1)])
def test_a_seed_may_be_a_date(invoke: Invoke, project: Path, write_task: WriteTask, seed: str) -> None:
    done = invoke("run", write_task(), "--model", "scripted/right.yaml", "--seed", seed, "--out", "runs/r")
    assert done.exit_code == 0, done.stderr
    for words in (["show", "runs/r"], ["report", "runs/r"], ["fork", "runs/r", "--at", "say:refine:0:1"]):
        assert invoke(*words, *(["--seed", seed] if words[0] == "fork" else [])).exit_code == 0


_ENV_FILES = [b"\xff\xfeN\0=\0x\0", b"# caf\xe9\n", b"A=b\0c\n"]


@pytest.mark.parametrize("content", _ENV_FILES, ids=["utf-16", "latin-1", "nul"])
def test_an_env_file_that_cannot_be_read_is_named(invoke: Invoke, project: Path, content: bytes) -> None:
    (project / ".env").write_bytes(content)
    result = invoke("models", "list")
    assert result.exit_code == 2
    assert ".env" in result.stderr
    assert "Traceback" not in result.stderr
    result = invoke("schema")
    assert result.exit_code == 0
    assert "note: .env" in result.stderr


_OWN = """
from loopwright.models import Reply, Usage


class Model:
    name = "own/yes"
    repeatable = True

    async def complete(self, request):
        return Reply(text="yes", model=self.name, usage=Usage(input=1, output=1))

    async def close(self):
        pass
"""


@pytest.mark.parametrize("module", ["local_model", "openai_proxy", "my_openai", "replays", "script", "nope", "grok"])
def test_a_module_may_be_named_like_a_provider(
    invoke: Invoke, project: Path, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    (project / f"{module}.py").write_text(_OWN)
    result = invoke("run", write_task(), "--model", f"{module}:Model", "--strategy", "single")
    assert result.exit_code == 0, result.stderr


_LEAVERS = [("import sys\nsys.exit()\n", "__main__"), (_OWN.replace("return", "raise SystemExit #"), "sys.exit")]


@pytest.mark.parametrize(("source", "told"), _LEAVERS, ids=["at import", "in a call"])
def test_code_that_exits_is_an_error(
    invoke: Invoke, project: Path, write_task: WriteTask, monkeypatch: pytest.MonkeyPatch, source: str, told: str
) -> None:
    monkeypatch.delitem(sys.modules, "leaver", raising=False)
    (project / "leaver.py").write_text(source)
    result = invoke("run", write_task(), "--model", "leaver:Model", "--strategy", "single")
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(invoke: Invoke, project: Path, write_task: WriteTask, closed: str) -> None:
    command = f"-m loopwright.cli run {write_task()} --model scripted/right.yaml --out runs/r {closed}"
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} {command}"],
        env=with_path(), cwd=project, timeout=120, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = invoke("show", "runs/r")
    assert shown.exit_code == 0, shown.stderr


def test_reports_make_the_folders_that_they_go_to(invoke: Invoke, project: Path, write_task: WriteTask) -> None:
    invoke("run", write_task(), "--model", "scripted/right.yaml", "--out", "runs/r")
    result = invoke("report", "runs/r", "--out", "a/b.html", "--junit", "c/d/e.xml", "--csv", "f/g.csv")
    assert result.exit_code == 0, result.stderr
    assert all((project / name).is_file() for name in ("a/b.html", "c/d/e.xml", "f/g.csv"))
    for words in (["report", "runs/r", "--out"], ["schema", "--out"], ["compare", "runs/r", "runs/r", "--out"]):
        result = invoke(*words, "right.yaml/x.html")
        assert result.exit_code == 2, result.stderr
        assert "right.yaml/x.html cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "say.yaml", "--model", "os:system", "--out", "runs/r"], "os:system is not a model"),
        (["export", "--format", "os:system", "runs/r"], "os:system is not an export format"),
        (["drift", "simulate", "--seeds", "1", "--detector", "os:system"], "os:system cannot be made"),
        (["drift", "simulate", "--seeds", "1", "--detector", "builtins:str"], "builtins:str is not a detector"),
        (["import", "os:system", "say.yaml"], "os:system is not an import format"),
    ],
)
def test_code_that_is_no_such_part_is_told(
    invoke: Invoke, project: Path, write_task: WriteTask, words: list[str], told: str
) -> None:
    write_task()
    if words[0] == "export":
        assert invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--out", "runs/r").exit_code == 0
    result = invoke(*words)
    assert (result.exit_code, told in result.stderr, "Traceback" in result.stderr) == (2, True, False), result.stderr


def test_an_address_for_checkpoints_that_is_none_is_told(invoke: Invoke, write_task: WriteTask) -> None:
    result = invoke("run", write_task(), "--model", "scripted/right.yaml", "--checkpoints", "http://[::1", "--out", "r")
    assert "the URL is of neither" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_folder_may_have_a_name_that_is_not_utf_8(invoke: Invoke, write_task: WriteTask) -> None:
    name = "runs/z\udcff"
    assert invoke("run", write_task(), "--model", "scripted/right.yaml", "--out", name).exit_code == 0
    for words in (["show", name], ["report", name], ["resume", name], ["fork", name, "--at", "say:refine:0:1"]):
        result = invoke(*words, *(["--out", f"{name}2"] if words[0] == "fork" else []))
        assert "Traceback" not in result.stderr
        assert result.exit_code == 0, result.stderr


def test_an_env_file_has_a_bound(invoke: Invoke, project: Path) -> None:
    with (project / ".env").open("wb") as file:
        file.truncate(2**32)
    result = invoke("models", "list")
    assert result.exit_code == 2
    assert ".env cannot be read" in result.stderr


def test_a_line_of_a_log_has_a_bound(invoke: Invoke, project: Path) -> None:
    (project / "log.jsonl").write_bytes(b'"' + b"x" * 17 * 1024 * 1024)
    result = invoke("drift", "baseline", "freeze", "log.jsonl", "--out", "b.json", "--embedding", "none")
    assert result.exit_code == 2
    assert "log.jsonl:1: a line has at most" in result.stderr


def test_there_are_options_to_try() -> None:
    assert {words.split()[0] for words, _ in _options(click.types.FloatParamType)} <= VERBS.keys()
    assert len(_options(click.types.FloatParamType)) > 5
