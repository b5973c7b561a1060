"""The guide to the command line tells what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from loopwright.cli._app import VERBS
from loopwright.cli._exit import ExitCode
from tests.cli.conftest import Invoke, WriteTask


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "docs" / "guides" / "command-line.md").read_text()


def _documented(guide: str, verb: str) -> set[str]:
    """The keys in the row of a verb."""
    (row,) = [line for line in guide.splitlines() if line.startswith("| ") and verb in line.split("|")[1]]
    return set(re.findall(r"`(\w+)`", row.split("|")[2])) - {"show"}


def _keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set().union(*map(set, value))


def test_every_verb_is_in_the_table_of_json(guide: str) -> None:
    assert [verb for verb in VERBS if f"`{verb}" not in guide.partition("## JSON")[2]] == []


def test_the_exit_codes_are_all_told(guide: str) -> None:
    table = guide.partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) ", table, re.MULTILINE)} == set(ExitCode)


@pytest.fixture
def run(invoke: Invoke, write_task: WriteTask) -> dict[str, Any]:
    write_task()
    result = invoke(
        "run", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "refine", "--out", "out", "--json"
    )
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_a_runs_keys_are_told(guide: str, run: dict[str, Any]) -> None:
    shown = _documented(guide, "`show RUN` ")
    assert _keys(run) == _documented(guide, "`run`, `resume`, `fork`") | shown
    for name, values in (("A variant has", run["variants"]), ("An episode has", run["episodes"])):
        sentence = guide.partition(name)[2].partition(".\n")[0].partition(". An")[0]
        assert set(re.findall(r"`(\w+)`", sentence)) == _keys(values)


@pytest.mark.parametrize(
    ("row", "args"),
    [
        ("`show RUN` ", ("show", "out")),
        ("`show RUN EPISODE`", ("show", "out", "say")),
        ("`run --dry-run`", ("run", "say.yaml", "--model", "scripted/right.yaml", "--dry-run")),
        (
            "`run --dry-run --rates`",
            ("run", "say.yaml", "--model", "scripted/right.yaml", "--dry-run", "--rates", "out"),
        ),
        ("`report`", ("report", "out", "--junit", "j.xml", "--csv", "c.csv")),
        ("`regrade`", ("regrade", "out")),
        ("`explain`", ("explain", "say.yaml", "--model", "scripted/right.yaml")),
        ("`validate --solutions`", ("validate", "say.yaml", "--solutions")),
        ("`validate`", ("validate", "say.yaml", "--model", "scripted/right.yaml")),
        ("`schema --out`", ("schema", "--out", "s.json")),
        ("`export`", ("export", "out", "--format", "chat")),
        ("`init`", ("init", "new")),
        ("`env list`", ("env", "list")),
        ("`models list`", ("models", "list")),
    ],
)
def test_the_keys_of_other_verbs_are_told(
    guide: str, run: dict[str, Any], invoke: Invoke, row: str, args: Iterable[str]
) -> None:
    assert _keys(json.loads(invoke(*args, "--json").stdout)) == _documented(guide, row)


def test_the_keys_of_an_import_are_told(guide: str, invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text('{"input": "What is 1 + 1?", "target": "2"}')
    told = invoke("import", "inspect", tmp_path / "samples.jsonl", "--out", tmp_path / "questions", "--json").stdout
    assert _keys(json.loads(told)) == _documented(guide, "`import`")


def test_the_keys_of_a_comparison_and_of_an_error_are_told(guide: str, run: dict[str, Any], invoke: Invoke) -> None:
    invoke("run", "say.yaml", "--model", "scripted/right.yaml", "--strategy", "refine", "--out", "again")
    assert _keys(json.loads(invoke("compare", "out", "again", "--json").stdout)) == _documented(guide, "`compare`")
    assert _keys(json.loads(invoke("show", "nowhere", "--json").stderr)) == _documented(guide, "an error, on stderr")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["doctor", "gc"])
def test_the_keys_of_what_looks_at_the_machine_are_told(guide: str, invoke: Invoke, verb: str) -> None:
    told = json.loads(invoke(verb, "--json").stdout)
    assert not told or _keys(told) == _documented(guide, f"`{verb}`")


def test_the_variables_are_told(guide: str, repository: Path) -> None:
    sources = "".join(path.read_text() for path in (repository / "src" / "loopwright").rglob("*.py"))
    table = guide.partition("## Where settings come from")[2].partition("\n## ")[0]
    assert set(re.findall(r'"(LOOPWRIGHT_\w+)"', sources)) == set(re.findall(r"`(LOOPWRIGHT_\w+)`", table))
