"""Suites, their data and their canaries."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.bench import SUITES, find_suite
from loopwright.bench._canaries import canary, flags_of
from loopwright.bench._suites import spread
from loopwright.errors import MissingContent, TaskError
from loopwright.models import Scripted
from loopwright.sandbox import open_provider
from loopwright.task import Instance, Record

FS4 = [{"query": "Add up.", "gold": "seq 3 | paste -sd+ | bc"}, {"query": "Say hi.", "gold": ["cd /tmp", "echo hi"]}]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "nl2bash_fs_4.json").write_text(json.dumps(FS4))
    (folder / "spider_dbs.sql").write_text(
        "CREATE DATABASE `d`;\nUSE `d`;\nCREATE TABLE `t` (\n `a` int NOT NULL AUTO_INCREMENT,\n `b` text,\n"
        " PRIMARY KEY (`a`)\n) ENGINE=InnoDB;\nINSERT INTO `t` VALUES (1,'it\\'s; x'),(2,NULL);\n"
    )
    row = {"query": "All?", "gold": "SELECT a FROM t", "db": "d", "hardness": "easy", "db_tables": {"t": ["a", "b"]}}
    (folder / "ic_spider_dev.json").write_text(json.dumps([row]))
    return folder


def test_bash_records(data: Path) -> None:
    task = find_suite("intercode-bash").task(data)
    assert [record.id for record in task.data] == ["fs4-0", "fs4-1"]
    assert task.instances()[1].hidden == {"gold": "cd /tmp;echo hi"}


def test_a_file_system_that_is_missing_is_told(data: Path) -> None:
    (data / "nl2bash_fs_1.json").write_text(json.dumps(FS4))
    with pytest.raises(MissingContent, match=r"setup_nl2b_fs_1\.sh"):
        find_suite("intercode-bash").task(data)
    (data / "setup_nl2b_fs_1.sh").write_text("mkdir /testbed")
    assert find_suite("intercode-bash").task(data).instances()[0].public["setup"] == "mkdir /testbed"


@pytest.mark.parametrize("suite", [name for name, suite in SUITES.items() if suite.data])
def test_data_that_is_not_there_is_told(tmp_path: Path, suite: str) -> None:
    with pytest.raises(MissingContent, match="holds no"):
        find_suite(suite).task(tmp_path)


def test_data_that_is_no_list_of_tasks_is_told(data: Path) -> None:
    (data / "nl2bash_fs_4.json").write_text('[{"query": "x"}]')
    with pytest.raises(TaskError, match="query and gold"):
        find_suite("intercode-bash").task(data)


PROBLEM = {
    "task_id": "HumanEval/0",
    "prompt": 'from typing import List\n\n\ndef total(values: List[int]) -> int:\n    """Add up."""\n',
    "entry_point": "total",
    "canonical_solution": "    return sum(values)\n",
    "test": "\n\ndef check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0\n",
}


def test_humaneval_grades_with_hidden_tests_alone(tmp_path: Path) -> None:
    (tmp_path / "HumanEval.jsonl").write_text(json.dumps(PROBLEM) + "\n")
    task = find_suite("humaneval").task(tmp_path)
    wrong, right = "def total(values):\n    return 3", "def total(values):\n    return sum(values)"
    for code, passed in ((wrong, False), (right, True)):
        model = Scripted([f"```python\n{code}\n```"])
        (episode,) = loopwright.run(task, model=model, out=tmp_path / str(passed))
        assert episode.passed is passed
        assert not any("candidate([])" in message.content for r in model.requests for message in r.messages)


def test_humaneval_tests_take_helpers_from_the_prompt_and_not_from_the_answer(tmp_path: Path) -> None:
    prompt = (
        "import string\n\n\n"
        "def shifted(text):\n    return ''.join(chr(ord(c) + len(string.digits)) for c in text)\n\n\n"
        'def back(text):\n    """Undoes shifted."""\n'
    )
    test = "def check(candidate):\n    assert candidate(shifted('abc')) == 'abc'\n"
    row = {"task_id": "X/0", "prompt": prompt, "entry_point": "back", "test": test}
    row["canonical_solution"] = "    return ''.join(chr(ord(c) - 10) for c in text)\n"
    (tmp_path / "HumanEval.jsonl").write_text(json.dumps(row) + "\n")
    fooled = "def shifted(text):\n    return text\n\ndef back(text):\n    return text\n"
    alone = "def back(text):\n    return ''.join(chr(ord(c) - 10) for c in text)\n"
    answers = (prompt + row["canonical_solution"], fooled, alone)
    model = Scripted([f"```python\n{answer}```" for answer in answers])
    task = find_suite("humaneval").task(tmp_path)
    result = loopwright.run(task, model=model, repeats=3, concurrency=1, out=tmp_path / "run")
    assert [episode.passed for episode in result] == [True, False, True]


def test_mbpp_tests_take_classes_from_the_gold(tmp_path: Path) -> None:
    row = {
        "query": "Write a function to tell the larger value.",
        "gold": "class Pair:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n"
        "def larger(pair):\n    return max(pair.a, pair.b)",
        "tests": ["assert larger(pair) == 2", "assert larger(Pair(4, 3)) == 4"],
        "test_setup_code": "pair = Pair(1, 2)",
    }
    (tmp_path / "ic_mbpp.json").write_text(json.dumps([row]))
    model = Scripted(["```python\ndef larger(pair):\n    return pair.a if pair.a > pair.b else pair.b\n```"])
    (episode,) = loopwright.run(find_suite("mbpp").task(tmp_path), model=model, out=tmp_path / "run")
    assert episode.passed


def test_mbpp_shows_its_first_test(tmp_path: Path) -> None:
    row = {
        "query": "Write a function to double.",
        "gold": "def helper(x):\r\n  return x\r\ndef double(x):\r\n  return 2 * helper(x)",
        "tests": ["assert double(1) == 2", "assert double(4) == 8"],
        "test_setup_code": "",
    }
    (tmp_path / "ic_mbpp.json").write_text(json.dumps([row]))
    model = Scripted(
        ["```python\ndef double(x):\n    return 2\n```", "```python\ndef double(x):\n    return 2 * x\n```"]
    )
    task = find_suite("mbpp").task(tmp_path)
    first, second = loopwright.run(task, model=model, repeats=2, concurrency=1, out=tmp_path / "run")
    assert (first.passed, second.passed) == (False, True)
    shown = [message.content for request in model.requests for message in request.messages]
    assert any("double(1) == 2" in text for text in shown)
    assert not any("double(4)" in text for text in shown)


@pytest.mark.parametrize(("chosen", "rules"), [({}, "intercode"), ({"scoring": "exact"}, ["exact", "intercode"])])
def test_the_published_reward_is_recorded_whichever_rule_decides(
    data: Path, chosen: dict[str, Any], rules: object
) -> None:
    assert find_suite("intercode-bash").task(data, **chosen).instances()[0].public["scoring"] == rules


def test_only_the_handicap_shows_tables(data: Path) -> None:
    suite = find_suite("intercode-sql")
    assert "tables" not in suite.task(data).instances()[0].public
    assert suite.task(data, handicap=True).instances()[0].public["tables"] == {"t": ["a", "b"]}


def test_a_limit_takes_tasks_from_all_over_the_suite() -> None:
    records = tuple(Record(id=str(number)) for number in range(10))
    assert [record.id for record in spread(records, 5)] == ["0", "2", "4", "6", "8"]
    assert spread(records, 20) == records


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("gold", "flags"),
    [
        ("cat /data/a", ()),
        ("mkdir -p /tmp", ("idle passes (intercode)", "idle passes (exact)")),
        ("echo $RANDOM$RANDOM", ("gold fails (intercode)", "gold fails (exact)")),
    ],
)
async def test_canaries_find_tasks_that_are_not_sound(gold: str, flags: tuple[str, ...]) -> None:
    provider = await open_provider("bubblewrap")
    public = {"files": {"/data/a": "word\n"}, "scoring": "intercode"}
    instance = Instance(id="t", goal="do", public=public, hidden={"gold": gold})
    try:
        assert (await canary(instance, "bash", provider)).flags == flags
    finally:
        await provider.close()


def test_shell_suites_take_every_strategy_that_acts_and_single() -> None:
    published = ("single", "try_again", "react", "plan_and_solve", "plan_and_solve_refine")
    assert set(published) < set(find_suite("intercode-bash").strategies)
    assert set(find_suite("humaneval").strategies) == {"single", "best_of_n", "refine"}


@pytest.mark.anyio
async def test_what_canaries_found_is_found_again_where_its_file_is_damaged(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path))
    task = find_suite("intercode-sql").task(data)
    found = await flags_of(task)
    [kept] = await asyncio.to_thread(lambda: list(tmp_path.glob("canaries/*.json")))
    kept.write_bytes(b'{"a": 5}')
    assert await flags_of(task) == found
    assert json.loads(kept.read_bytes()) == found
