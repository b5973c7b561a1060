"""Predictions for SWE-bench: what its harness reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import UserError
from loopwright.export import ExportOptions, export
from loopwright.repo import PATCH
from tests.report.builder import RunBuilder, Turn

ROOT = Path(__file__).resolve().parents[2]
DIFF = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-é\n+ü\n"
SANDBOX = {"cause": "sandbox", "error": "SandboxLost", "message": "the sandbox is gone"}


def predictions(path: Path) -> list[dict[str, Any]]:
    """Reads a file as the harness does: each line is a mapping with these keys, and no instance comes twice."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        assert {*row} == {"instance_id", "model_name_or_path", "model_patch"}
        assert all(isinstance(value, str) for value in row.values())
    assert len({row["instance_id"] for row in rows}) == len(rows)
    return rows


def test_infrastructure_failures_have_no_row(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=5)
    run.episode([Turn(1, hidden=1.0, files={PATCH: DIFF})], instance="a")
    run.episode([Turn(1, files={PATCH: DIFF})], instance="b", failed=SANDBOX)
    run.episode([], instance="c")
    run.episode([Turn(1, hidden=1.0, files={"solution.py": "x = 1\n"})], instance="d")
    run.episode([Turn(1, files={PATCH: DIFF})], instance="e", finish=False)
    written = export(run.close(None), "swebench", tmp_path / "out")
    (path,) = written.files
    assert [(row["instance_id"], row["model_patch"]) for row in predictions(path)] == [("a", DIFF), ("c", "")]
    assert dict(written.left_out) == {"the episode has no score": 2, "the answer is no change of a repository": 1}


def test_each_repeat_has_a_file(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    for repeat in (0, 1):
        run.episode([Turn(1, hidden=1.0, files={PATCH: DIFF})], instance="a", repeat=repeat)
    files = export(run.close(), "swebench", tmp_path / "out").files
    assert [len(predictions(path)) for path in files] == [1, 1]


def test_a_run_without_repositories_has_no_predictions(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    run.episode([Turn(1, hidden=1.0, text="yes")], instance="a")
    run.episode([], instance="b")
    written = export(run.close(), "swebench", tmp_path / "out")
    assert (written.entries, written.files) == (0, ())
    with pytest.raises(UserError, match="a licence is given"):
        export(tmp_path / "run", "swebench", tmp_path / "other", options=ExportOptions(license="mit"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bill", "notes"])
def test_git_applies_the_prediction_of_a_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    model = f"scripted/examples/repo/{name}-replies.yaml"
    run = loopwright.run(f"examples/repo/{name}.yaml", model=model, project=ROOT, out=tmp_path / "run")
    (path,) = export(run.folder, "swebench", tmp_path / "out").files
    (row,) = predictions(path)
    assert (row["instance_id"], row["model_name_or_path"]) == (name, model)
    folder = tmp_path / "work"
    subprocess.run(["cp", "-r", str(ROOT / "examples" / "repo" / name), str(folder)], check=True)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=row["model_patch"].encode(), check=True)
    done = subprocess.run(["python3", "-m", "unittest"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_instance_of_two_tasks_is_in_a_file_once(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run", episodes=2)
    for task in ("one", "two"):
        run.episode([Turn(1, hidden=1.0, files={PATCH: DIFF})], task=task, instance="a")
    written = export(run.close(), "swebench", tmp_path / "out")
    assert [row["instance_id"] for path in written.files for row in predictions(path)] == ["a"]
    assert dict(written.left_out) == {"another task has an instance of that name": 1}


def test_the_loader_of_the_harness_takes_them(tmp_path: Path) -> None:
    harness = pytest.importorskip("swebench.harness.utils")
    run = RunBuilder(tmp_path / "run", episodes=2)
    run.episode([Turn(1, hidden=1.0, files={PATCH: DIFF})], instance="a")
    run.episode([], instance="b")
    (path,) = export(run.close(), "swebench", tmp_path / "out").files
    loaded = harness.get_predictions_from_file(str(path), "", "test")
    assert [(row["instance_id"], row["model_patch"]) for row in loaded] == [("a", DIFF), ("b", "")]
