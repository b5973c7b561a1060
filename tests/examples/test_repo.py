"""The example repositories: recorded replies mend them, and half a repair does not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from loopwright import RunResult
from loopwright.cli import main

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, out: Path) -> RunResult:
    replies = f"scripted/examples/repo/{name}-replies.yaml"
    return loopwright.run(f"examples/repo/{name}.yaml", model=replies, project=ROOT, out=out)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bill", "notes", "routes"])
def test_recorded_replies_mend_it(name: str, tmp_path: Path) -> None:
    (episode,) = run(name, tmp_path / "run").episodes
    assert (episode.passed, episode.score) == (True, 1.0)
    if name != "notes":
        first, second = episode.attempts
        assert (first.verdict.score, second.verdict.score) == (0.5, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bill", "notes", "routes"])
def test_its_solution_passes_and_no_change_does_not(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    replies = f"scripted/examples/repo/{name}-replies.yaml"
    command = ["validate", f"examples/repo/{name}.yaml", "--solutions", "--model", replies, "--json"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code in (0, None)
    (told,) = json.loads(capsys.readouterr().out)
    (found,) = told["solutions"]
    assert found["flags"] == []
    assert (found["gold"], found["idle"]["exact"] < 1) == ({"exact": 1.0}, True)
