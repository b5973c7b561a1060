"""Runs of every kind, executed, exported in every format, and read back by the code of others."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import Scripted
from loopwright.export import export
from tests.discovery.test_search import TASK as SEARCH
from tests.export.inspect_logs import bundle, read_log
from tests.export.test_otel import sent

EXAMPLES = Path(__file__).parents[2] / "examples"
WRONG, RIGHT = (f"```python\ndef double(n):\n    return n {sign} 2\n```" for sign in "+*")
PLACES = 40
"""Of the example's counties."""

pytestmark = pytest.mark.slow


def code(folder: Path) -> None:
    task = {
        "name": "double",
        "goal": "Write `double(n)`.",
        "environment": {
            "name": "python",
            "tests": "from solution import double\n\ndef test_it():\n    assert double(3) == 6\n",
        },
    }
    loopwright.run(loopwright.Task.model_validate(task), model=Scripted([WRONG, RIGHT]), out=folder)


def shell(folder: Path) -> None:
    task = {
        "name": "files",
        "goal": "Print 3.",
        "environment": {"name": "bash", "hidden": {"gold": "echo 3"}},
        "agents": {"proposer": "actor"},
        "loop": {"strategy": "react", "max_iterations": 4},
    }
    replies = ["```bash\nls /tmp\n```", "```bash\necho 3\n```", "submit", "```bash\necho 3\n```", "submit"]
    loopwright.run(loopwright.Task.model_validate(task), model=Scripted(replies), repeats=2, concurrency=1, out=folder)


def repository(folder: Path) -> None:
    task = EXAMPLES / "repo" / "bill.yaml"
    loopwright.run(task, model=f"scripted/{EXAMPLES / 'repo' / 'bill-replies.yaml'}", out=folder)


def pictures(folder: Path) -> None:
    loopwright.run(EXAMPLES / "images" / "shapes.yaml", out=folder)


def a_map(folder: Path) -> None:
    small = folder.with_name("counties")
    small.mkdir()
    for name in ("counties.csv", "unemployment.csv"):
        with (EXAMPLES / "geo" / name).open(newline="") as file:
            lines = list(csv.reader(file))[: PLACES + 1]
        with (small / name).open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    (small / "task.yaml").write_text((EXAMPLES / "geo" / "counties.yaml").read_text())
    loopwright.run(small / "task.yaml", project=EXAMPLES.parent, out=folder)


def search(folder: Path) -> None:
    task = folder.with_name("hill.yaml")
    task.write_text(SEARCH)
    loopwright.run(task, seed=3, out=folder)


@pytest.fixture(
    scope="module", params=[code, shell, repository, pictures, a_map, search], ids=lambda kind: kind.__name__
)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run whose episodes all have a score."""
    make: Callable[[Path], None] = request.param
    folder = tmp_path_factory.mktemp(make.__name__) / "run"
    make(folder)
    assert all(episode.score is not None for episode in loopwright.load_result(folder))
    return folder


def test_trajectories(run: Path, tmp_path: Path) -> None:
    atif = pytest.importorskip("atif")
    written = export(run, "atif", tmp_path / "out")
    read = [atif.Trajectory.model_validate(json.loads(path.read_bytes())) for path in written.files]
    assert len(read) == written.entries == len(loopwright.load_result(run).episodes)


def test_logs_of_inspect(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    written = export(run, "inspect", tmp_path / "out")
    samples = [sample for path in written.files for sample in read_log(path).samples]
    assert len(samples) == written.entries == len(loopwright.load_result(run).episodes)
    bundle(tmp_path / "out", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "index.html").exists()


def test_spans(run: Path, tmp_path: Path) -> None:
    (path,) = export(run, "otel", tmp_path / "out").files
    names = [span.name for spans in sent(path) for span in spans]
    assert names


@pytest.mark.parametrize("name", ["chat", "preferences", "journey", "rewards", "turns"])
def test_data_sets(run: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    written = export(run, name, tmp_path / "out")
    rows = (tmp_path / "out" / "train.jsonl").exists()
    assert rows == (written.entries > 0)
    if rows:
        found: Any = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
        assert found.num_rows == written.entries
    else:
        assert written.left_out
