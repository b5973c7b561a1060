"""Whatever stands in a file that a verb reads, the verb ends in a result or in a message: never in a traceback."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from loopwright.drift import SCENARIOS, draw_session
from tests.cli.conftest import TASK, Invoke, go_to, write_project

_TASK = ["validate", "say.yaml", "--model", "scripted/right.yaml"]
_RUN = ["run", "say.yaml", "--model", "scripted/right.yaml", "--out", "runs/new"]
_OF_A_RUN = [
    ["compare", "runs/r", "runs/s"],
    ["gate", "runs/s", "runs/r"],
    ["fork", "runs/r", "--at", "say:refine:0:1", "--model", "scripted/right.yaml", "--out", "runs/new"],
    ["regrade", "runs/r", "--out", "runs/new"],
    ["bench", "show", "runs/r"],
    ["bench", "report", "runs/r"],
]
_BENCH = ["bench", "run", "intercode-bash", "--from", "suite", "--model", "scripted/right.yaml", "--strategy", "single"]
_BENCH = [*_BENCH, "--limit", "1", "--no-check", "--out", "runs/new"]
_REPLAY = ["bench", "replay", "intercode-bash", "turns.json", "--from", "suite", "--prefix", "fs4-"]
# Every file that a verb reads, and the verbs that read it.
_READERS: dict[str, list[list[str]]] = {
    "say.yaml": [_TASK, ["explain", "say.yaml"]],
    "data.json": [_TASK],
    "data.jsonl": [_TASK],
    "data.csv": [_TASK],
    "data.yaml": [_TASK],
    "agents/sayer.yaml": [_TASK],
    "prompts/sayer.md": [_TASK],
    "right.yaml": [_RUN],
    "prices.yaml": [[*_TASK, "--prices", "prices.yaml"]],
    "recorded.jsonl": [["run", "say.yaml", "--model", "replay/recorded.jsonl", "--out", "runs/new"]],
    ".env": [["models", "list"], _TASK, ["show", "runs/r"]],
    "runs/r/run.json": [["show", "runs/r"], ["report", "runs/r"], ["resume", "runs/r"], ["show"], *_OF_A_RUN],
    "runs/r/events.jsonl": [["show", "runs/r", "say"], ["report", "runs/r", "--junit", "j.xml"], *_OF_A_RUN],
    "runs/g/run.json": [["show", "runs/g"], ["regrade", "runs/r", "--out", "runs/g"], ["resume", "runs/g"]],
    "runs/g/events.jsonl": [["show", "runs/g"], ["regrade", "runs/r", "--out", "runs/g"], ["resume", "runs/g"]],
    "mended.yaml": [["regrade", "runs/r", "--task", "mended.yaml", "--out", "runs/new"]],
    "runs/r/canaries.json": [["bench", "show", "runs/r"], ["bench", "report", "runs/r"]],
    "suite/nl2bash_fs_4.json": [_BENCH],
    "turns.json": [_REPLAY],
    "log.jsonl": [
        ["drift", "report", "log.jsonl", "--baseline", "b.json"],
        ["drift", "baseline", "freeze", "log.jsonl", "--out", "new.json", "--embedding", "none"],
    ],
    "b.json": [["drift", "baseline", "show", "b.json"], ["drift", "report", "log.jsonl", "--baseline", "b.json"]],
}
_ODD = [
    b"", b"\0", b"\xff\xfeN\0", b"\xe9", b"null", b"[]", b"{}", b"[[[[", b'"\\ud83d"', b"1e999", b"NaN", b"-1",
    b"9" * 5000, b"[" * 3000, b"{" * 3000, b'{"a":' * 3000, b"- " * 3000, b"!!python/object:os.system x", b"&a [*a]",
    b'[{"id": "\\ud83d"}]', b'{"id": {}}', b'{"id": [], "time": 1e400, "tools": [1]}', b"a: {b: [c, d: }",
    b"\x1b]0;x\x07",
    b'[{"query": {}, "gold": 1}]', b'{"0": {"task_id": [], "turn_history": {"actions": 1}}}', b'{"say": [1]}',
]  # fmt: skip
_WORDS = [b"\0", b"\xff", b"{}", b"[]", b"null", b"1e999", b"-1", b'"\\ud83d"', b"\n", b":", b'"', b"9" * 400]


@pytest.fixture(scope="module")
def good_files(invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one good file of every kind."""
    project = tmp_path_factory.mktemp("good") / "project"
    project.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_project(project)
        go_to(project, monkeypatch)
        _fill(project, invoke)
    shutil.copytree(project, project.with_name("kept"))
    return project


@pytest.fixture
def files(good_files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same project, as it was before any test broke it: records name the folder that they were made in."""
    shutil.rmtree(good_files)
    shutil.copytree(good_files.with_name("kept"), good_files)
    go_to(good_files, monkeypatch)
    return good_files


def _fill(project: Path, invoke: Invoke) -> None:
    session = draw_session(SCENARIOS["S1"], 1, length=250, baseline=210)
    (project / "log.jsonl").write_text("".join(json.dumps(asdict(one)) + "\n" for one in session.baseline))
    (project / "prices.yaml").write_text("date: 2026-01-01\nmodels:\n  scripted/*: {input: 1.5, output: 2}\n")
    (project / "data.json").write_text('[{"id": "a"}, {"id": "b", "want": "yes"}]')
    (project / "data.jsonl").write_text('{"id": "a"}\n{"id": "b", "want": "yes"}\n')
    (project / "data.csv").write_text('id,want\na,yes\nb,"no"\n')
    (project / "data.yaml").write_text("- id: a\n- {id: b, want: 'yes'}\n")
    (project / ".env").write_text("LW_FUZZ=x\n")
    (project / "recorded.jsonl").write_text("")
    (project / "say.yaml").write_text(TASK.format(name="say"))
    for name in ("r", "s"):
        assert invoke(*_RUN[:-1], f"runs/{name}").exit_code == 0
    assert invoke("regrade", "runs/r", "--out", "runs/g").exit_code == 0
    (project / "mended.yaml").write_text((project / "say.yaml").read_text())
    (project / "runs" / "r" / "canaries.json").write_text('{"say": ["gold fails"]}')
    (project / "suite").mkdir()
    (project / "suite" / "nl2bash_fs_4.json").write_text('[{"query": "Say hi.", "gold": "echo hi"}]')
    turns = {"actions": ["echo hi"], "rewards": [1.0], "observations": [""]}
    (project / "turns.json").write_text(json.dumps({"0": {"task_id": 0, "turn_history": turns}}))
    freeze = ["drift", "baseline", "freeze", "log.jsonl", "--out", "b.json", "--embedding", "none"]
    assert invoke(*freeze).exit_code == 0


def _broken(good: bytes, draws: random.Random) -> list[bytes]:
    """Contents that stand for nothing, and the good one with a place torn."""
    torn = []
    for _ in range(8):
        at, length = draws.randrange(len(good) + 1), draws.randrange(6)
        torn.append(good[:at] + draws.choice(_WORDS) + good[at + length :])
    return [*_ODD, *torn]


@pytest.mark.parametrize("name", _READERS)
def test_no_verb_ends_in_a_traceback(invoke: Invoke, files: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LW_FUZZ", "x")
    if name.startswith("data"):
        (files / "say.yaml").write_text(TASK.format(name="say") + f"data: {{file: {name}}}\n")
    path = files / name
    good = path.read_bytes()
    for content in _broken(good, random.Random(name)):
        path.write_bytes(content)
        for words in _READERS[name]:
            shutil.rmtree(files / "runs" / "new", ignore_errors=True)
            result = invoke(*words)
            assert "Traceback" not in result.output, (content[:200], words, result.output[-2000:])
            assert result.exit_code in {0, 1, 2, 3}, (content[:200], words, result.exception)
        path.write_bytes(good)
