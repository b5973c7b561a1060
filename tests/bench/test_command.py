"""`loopwright bench` and `loopwright data` from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from loopwright.bench import outcomes
from loopwright.cli._app import app

TASKS = [{"query": f"Say {word}.", "gold": f"echo {word}"} for word in ("one", "two", "three")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nl2bash_fs_4.json").write_text(json.dumps(TASKS))
    return tmp_path


def invoke(*args: str) -> Result:
    return CliRunner().invoke(app, args, prog_name="loopwright")


def bench_run(folder: Path, replies: list[str], *args: str) -> Result:
    (folder / "replies.yaml").write_text(yaml.safe_dump(replies))
    common = ("--from", "data", "--model", "scripted/replies.yaml", "--out", "out", "--concurrency", "1")
    return invoke("bench", "run", "intercode-bash", *common, *args)


@pytest.fixture
def done(folder: Path) -> Path:
    # Three tasks, two repeats, one turn: one is right both times, two once, three never.
    replies = ["echo one", "echo one", "echo two", "echo x", "echo x", "echo x"]
    result = bench_run(folder, replies, "--strategy", "try_again", "--turns", "1", "--repeats", "2")
    assert result.exit_code == 0, result.output
    return folder / "out"


def test_rates_have_intervals_that_know_of_repeats(done: Path) -> None:
    (variant,) = outcomes(done)
    rate = variant.passed
    assert rate is not None
    assert (rate.value, rate.n, rate.tasks, variant.oracle) == (0.5, 6, 3, True)
    # Six independent attempts would give a narrower one.
    assert rate.interval.low < 0.19
    assert variant.pass_at_k() == pytest.approx((2, 2 / 3, 1 / 3))
    assert list(variant.by_turn()) == [0.5]
    assert set(variant.by_group()) == {"file system 4"}


def test_where_repeats_part_is_told(done: Path, folder: Path) -> None:
    (variant,) = outcomes(done)
    repeats = variant.repeats
    assert repeats is not None
    # Of three tasks the first and the last were answered the same twice, the second by two different actions.
    assert (repeats.tasks, repeats.identical, repeats.common, repeats.first) == (3, 2, 1, {"action": 1})
    alike = bench_run(
        folder, ["echo x"] * 6, "--strategy", "try_again", "--turns", "1", "--repeats", "2", "--out", "alike"
    )
    assert "repeats: the same to the letter in all tasks" in alike.stdout


def test_the_tables_tell_oracles_apart(folder: Path) -> None:
    result = bench_run(
        folder, ["echo one", "submit"] * 6, "--strategy", "try_again,react", "--limit", "2", "--turns", "2"
    )
    lines = result.stdout.partition("  oracle ")[2].splitlines()
    rows = {line.split()[0]: line for line in reversed(lines) if line.strip()}
    assert " yes " in rows["try_again"]
    assert " yes " not in rows["react"]
    assert "upper bound" in result.stdout


def test_tasks_that_are_not_sound_are_told_and_left_out(folder: Path) -> None:
    tasks = [*TASKS, {"query": "Make a folder that is there.", "gold": "mkdir -p /tmp"}]
    (folder / "data" / "nl2bash_fs_4.json").write_text(json.dumps(tasks))
    result = bench_run(folder, ["echo one", "true", "true", "true"], "--strategy", "try_again", "--turns", "1")
    assert "without 1 tasks that the canaries flagged (fs4-3)" in result.stdout
    (variant,) = outcomes(folder / "out")
    assert variant.passed is not None
    assert variant.sound is not None
    assert variant.passed.value == 0.5
    assert variant.sound.value == pytest.approx(1 / 3)


def test_show_compare_and_report_read_a_run(done: Path) -> None:
    shown = json.loads(invoke("bench", "show", "out", "--json").stdout)
    assert shown[0]["intercode"]["rate"] == 0.5
    assert shown[0]["exact"]["rate"] == 0.5
    assert invoke("bench", "compare", "out", "out").exit_code == 0
    assert invoke("bench", "report", "out").exit_code == 0
    page = re.sub(r"<[^>]+>", " ", (done / "report.html").read_text())
    assert re.search(r"yes +3 +0\.50 \[0\.\d\d, 0\.\d\d\] +0\.50 \[", page), (
        "an oracle, its rate, and the rate by each rule"
    )
    assert "By scoring rule" in page
    assert "file system 4" in page, "the suite's group"
    assert "a pair has 100% of its steps in common" in page, "how alike the repeats are"


def test_it_is_an_ordinary_run(done: Path) -> None:
    assert invoke("show", "out").exit_code == 0
    assert invoke("report", "out").exit_code == 0


def test_a_strategy_that_does_not_fit_is_refused_at_once(folder: Path) -> None:
    result = bench_run(folder, ["x"], "--strategy", "refine")
    assert (result.exit_code, (folder / "out").exists()) == (2, False)
    assert "does not fit" in result.stderr


def test_a_suite_that_is_not_there(folder: Path) -> None:
    assert "there is no suite" in invoke("bench", "run", "nothing", "--model", "scripted/x").stderr


def test_power() -> None:
    told = json.loads(invoke("bench", "power", "--difference", "0.1", "--discordance", "0.3", "--json").stdout)
    assert told["paired_tasks"] == 234
    assert invoke("bench", "power", "--difference", "0.3", "--discordance", "0.1").exit_code == 2


def test_check_and_replay(folder: Path) -> None:
    checked = json.loads(invoke("bench", "check", "intercode-bash", "--from", "data", "--json").stdout)
    assert [canary["flags"] for canary in checked] == [[], [], []]
    history = {"actions": ["echo one", "echo two"], "rewards": [1.0, 0.3], "observations": ["one\n", "two\n"]}
    (folder / "log.json").write_text(json.dumps({"0": {"task_id": 0, "turn_history": history}}))
    told = invoke("bench", "replay", "intercode-bash", "log.json", "--from", "data", "--prefix", "fs4-", "--json")
    (agreement,) = json.loads(told.stdout)
    assert (agreement["turns"], agreement["share"], agreement["same_success"]) == (2, 0.5, 1)
    assert agreement["causes"] == {"unexplained": 1}


def test_data_sets_are_listed_and_copied(folder: Path) -> None:
    (folder / "data" / "nl2bash_fs_4.json").rename(folder / "data" / "nl2bash_more.json")
    assert invoke("data", "fetch", "intercode", "--from", "data").exit_code == 0
    listed = {row["data"]: row["here"] for row in json.loads(invoke("data", "list", "--json").stdout)}
    assert listed == {"intercode": True} | dict.fromkeys(("compbench", "geneval", "humaneval", "mbpp"), False)
