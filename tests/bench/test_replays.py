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
        (_evidence("ls", expected="1 a\n2 b\n", recorded=" a\n2 b\n"), "gold output cut in the log"),
        (_evidence("ls", expected="1 a\n2 b\n", recorded="1 a\n2 b\n"), "unexplained"),
    ],
)
def test_causes(seen: Evidence, cause: str) -> None:
    assert cause_of(seen, missing=()) == cause
