"""The example repositories: recorded replies mend them, and half a repair does not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright
from loopwright import RunResult

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
