"""Replayed logs: sandboxes as the published ones were, and why rewards differ."""

from __future__ import annotations

import io
import json
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loopwright.bench import Published, find_suite, replay
from loopwright.bench._causes import Evidence, cause_of
from loopwright.errors import TaskError
from loopwright.task import Task

BUILT, RUN = datetime(2023, 5, 20, tzinfo=UTC), datetime(2023, 5, 30, tzinfo=UTC)
FIND = "find /testbed -type f -mtime +2 -printf '%f ' | sort"


def _file(tar: tarfile.TarFile, name: str, mtime: datetime) -> None:
    info = tarfile.TarInfo(f"testbed/{name}")
    info.size, info.mtime, info.mode = 3, mtime.timestamp(), 0o644
    tar.addfile(info, io.BytesIO(b"abc"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two tasks that ask for old files; one file has a time of its own, one is as new as the archive."""
    with tarfile.open(tmp_path / "fs_1.tar.gz", "w:gz") as tar:
        _file(tar, "oldest", datetime(2022, 1, 1, tzinfo=UTC))
        _file(tar, "made", datetime(2026, 1, 1, tzinfo=UTC))
    (tmp_path / "nl2bash_fs_1.json").write_text(json.dumps([{"query": "Which are old?", "gold": FIND}] * 2))
    return tmp_path


def _log(folder: Path, *episodes: list[tuple[str, float]]) -> Path:
    def history(turns: list[tuple[str, float]]) -> dict[str, Any]:
        actions, rewards = zip(*turns, strict=True)
        return {"actions": actions, "rewards": rewards, "observations": [""] * len(turns)}

    log = {str(n): {"task_id": n, "turn_history": history(turns)} for n, turns in enumerate(episodes)}
    (folder / "log.json").write_text(json.dumps(log))
    return folder / "log.json"


@pytest.mark.anyio
async def test_react_executes_what_stands_in_brackets_and_is_scored_when_it_submits(data: Path) -> None:
    """Its other replies execute nothing; its rewards before `submit` are none."""
    (data / "nl2bash_fs_4.json").write_text(json.dumps([{"query": "Say hi.", "gold": "echo hi there"}] * 2))
    right = {
        "thoughts": ["", "", "", ""],
        "actions": ["echo [ho]", "execute[echo '[ho]']", "execute[echo hi there]\nObs", "submit"],
        "observations": ["Error: your last `execute` action did not contain bash code", "[ho]", "ha", "hi there"],
        "rewards": [0, 0, 0, 1.0],
    }
    ended = {"thoughts": [""], "actions": ["echo hi there"], "observations": ["Error"], "rewards": [0]}
    episodes = {str(n): {"task_id": n, "turn_history": turns} for n, turns in enumerate((right, ended))}
    (data / "log.json").write_text(json.dumps({"meta": {}, "logs": episodes}))
    task = find_suite("intercode-bash").task(data, legacy=True)
    replayed = await replay(data / "log.json", task, prefix="fs4-")
    assert [turn.action for turn in replayed.turns] == ["", "echo '[ho]'", "echo hi there", "", ""]
    assert [turn.logged for turn in replayed.turns] == [None, None, None, 1.0, None]
    assert (len(replayed.scored), replayed.share(), replayed.outcomes) == (1, 1.0, (2, 2))
    assert (len(replayed.unscored), replayed.same_output, dict(replayed.output_causes)) == (2, 1, {"unexplained": 1})


def _turns(text: str) -> str:
    return f'{{"0": {{"task_id": 0, "turn_history": {{{text}}}}}}}'


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("[]", "not an experiment log"),
        ('{"0": 1}', "not an experiment log"),
        ("[" * 100_000, "not an experiment log"),
        (_turns('"actions": []'), "turn_history.observations: Field required"),
        (_turns('"actions": ["x"], "observations": ["x"], "rewards": []'), "more actions"),
        (_turns('"actions": [1], "observations": [], "rewards": []'), "valid string"),
        (_turns(f'"actions": [], "observations": [], "rewards": [1{"0" * 400}]'), "turn_history.rewards"),
        (_turns('"actions": [], "observations": [], "rewards": [Infinity]'), "finite"),
    ],
)
@pytest.mark.anyio
async def test_a_file_that_is_no_log_is_refused(data: Path, log: str, told: str) -> None:
    (data / "log.json").write_text(log)
    with pytest.raises(TaskError, match=told):
        await replay(data / "log.json", find_suite("intercode-bash").task(data), prefix="fs1-")


def _in(image: str, data: Path) -> Task:
    task = find_suite("intercode-bash").task(data, legacy=True)
    return task.model_copy(update={"sandbox": task.sandbox.model_validate({"provider": "docker", "image": image})})


@pytest.mark.anyio
@pytest.mark.docker
@pytest.mark.slow
async def test_published_sandboxes_carry_ages_and_ignored_folders_from_task_to_task(data: Path) -> None:
    first = [(FIND, 1.0), ("rm /testbed/oldest; touch /etc/left /testbed/extra; mkdir /testbed/empty", 0.34)]
    then = [(FIND, 0.9), ("ls /etc/left /testbed", 0.9)]
    image = os.environ.get("LOOPWRIGHT_IMAGE", "loopwright/python:latest")
    agreement = await replay(
        _log(data, first, then), _in(image, data), prefix="fs1-", published=Published(built=BUILT, run=RUN)
    )
    assert [turn.output for turn in agreement.turns] == [
        "made oldest",
        "",
        "made",  # Git gave the file back with the time of that moment
        "/etc/left\n\n/testbed:\nmade\noldest",
    ]
    rewards = [turn.scores.rules["intercode"] for turn in agreement.turns]
    assert rewards[:2] == pytest.approx([1.0, 0.34])
    assert 0.67 < rewards[2] < 1.0  # the gold command's sandbox still has the old file


@pytest.mark.anyio
@pytest.mark.docker
async def test_published_sandboxes_need_git(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.bench.intercode._shared_shells._COMMIT", "true")
    image = os.environ.get("LOOPWRIGHT_IMAGE", "loopwright/python:latest")
    with pytest.raises(TaskError, match="Git cannot put files back"):
        await replay(_log(data, [("true", 1.0)]), _in(image, data), prefix="fs1-", published=Published())


@pytest.mark.anyio
async def test_a_log_of_other_tasks_is_refused(data: Path) -> None:
    task = find_suite("intercode-bash").task(data)
    log = _log(data, [("true", 1.0)])
    with pytest.raises(TaskError, match="no task is named spider-NUMBER"):
        await replay(log, task, prefix="spider-")
    episodes = json.loads(log.read_text())
    episodes["0"]["query"] = "How many singers are there?"
    log.write_text(json.dumps(episodes))
    with pytest.raises(TaskError, match="its question for fs1-0 is another"):
        await replay(log, task, prefix="fs1-")


def _evidence(action: str, gold: str = "echo x", output: str = "a", logged: str = "b", **more: Any) -> Evidence:
    return Evidence(action=action, gold=gold, output=output, logged=logged, **more)


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (_evidence("cat x", output="cat: x: Permission denied"), "rights"),
        (_evidence("echo (", output="syntax error near `('"), "shell version"),
        (_evidence("dig -x 127.0.0.1"), "network"),
        (_evidence("xxd a"), "tool"),
        (_evidence("tree a", output="tree: command not found"), "tool"),
        (_evidence("find a -mtime +7"), "time"),
        (_evidence("ls", gold="find / -name '*.txt'"), "files of the image"),
        (_evidence("find /testbed -name a", gold="find /testbed"), "unexplained"),
        (_evidence("find a -name b -exec cp {} c ';'", logged="cp: the same file"), "order of folders"),
        (_evidence("ls", earlier="rights"), "after rights"),
        (_evidence("hostname"), "machine"),
        (_evidence("ls", output="b a", logged="a b"), "order of folders"),
        (_evidence("ls"), "unexplained"),
        # The action came to the same, so that nothing in it can be the cause.
        (_evidence("hostname", output="a", logged="a"), "unexplained"),
        (_evidence("echo a", gold="find / -mtime +7", output="a", logged="a"), "time"),
        (_evidence("ls", expected="1 a\n2 b\n", recorded=" a\n2 b\n"), "gold output cut"),
        (_evidence("ls", expected="1 a\n2 b\n", recorded="1 a\n2 b\n"), "unexplained"),
        # The log says that the end of the gold command's output was right.
        (_evidence("ls", output="0", logged="0", expected="gzip: end of file\n0\n", passed=True), "gold output cut"),
        (_evidence("ls", output="0", logged="0", expected="gzip: end of file\n0\n"), "unexplained"),
        # Git takes empty folders away.
        (_evidence("ls /testbed/dir1", output="a\nsubdir2", logged="a"), "empty folders"),
        (_evidence("ls", output="/testbed/dir1/subdir2\na", logged="a"), "empty folders"),
        (_evidence("ls", output="/testbed/dir1/subdir2/x\na", logged="a"), "unexplained"),
        (_evidence("ls", output="a", logged="a", expected="/testbed/dir1/subdir2\n"), "empty folders"),
        (_evidence("diff -r a b", output="a", logged="a", beyond="Only in dir2/subdir2: subsubdir1"), "empty folders"),
        # A command in backquotes executes the first file that is met.
        (_evidence("```BASH\nfind /testbed -name a\n```", output="a: denied", logged="b: denied"), "order of folders"),
        (_evidence("```BASH\nfind /testbed -name a\n```", output="a", logged="b: denied"), "unexplained"),
        (_evidence("find /testbed -name a", output="a", logged="b", cut=True), "order of folders"),
        (_evidence("apt-get install x", output="a", logged="b"), "files of the image"),
    ],
)
def test_causes(seen: Evidence, cause: str) -> None:
    assert cause_of(seen, missing=()) == cause
