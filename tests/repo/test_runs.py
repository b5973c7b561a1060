"""Whole runs on a repository whose agent acts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright
from loopwright import EpisodeResult
from tests.repo.conftest import written

pytestmark = pytest.mark.slow

TASK = """\
version: 1
name: repair
goal: Mend the bill.
environment:
  name: repo
  repository: shop
  runner: unittest
  test_command: grep -q 2f shop/text.py
agents: {proposer: actor}
loop: {strategy: react, max_iterations: 2}
sandbox: {provider: bubblewrap}
"""


def acted(folder: Path, actions: list[str]) -> EpisodeResult:
    written(folder / "shop")
    (folder / "task.yaml").write_text(TASK)
    (folder / "replies.json").write_text(json.dumps([f"```bash\n{action}\n```" for action in actions]))
    model = f"scripted/{folder}/replies.json"
    return loopwright.run(folder / "task.yaml", model=model, out=folder / "run").episodes[0]


@pytest.mark.parametrize(
    ("action", "passed"), [("sed -i s/.1f/.2f/ shop/text.py", True), ("sed -i s/.1f/.3f/ shop/text.py", False)]
)
def test_an_agent_that_never_submits_gets_the_grade_of_the_visible_tests(
    tmp_path: Path, action: str, passed: bool
) -> None:
    episode = acted(tmp_path, ["ls", action])
    (grade,) = episode.graded
    assert [check.name for check in grade.verdict.checks] == ["test_command"]
    assert (episode.passed, episode.score) == (passed, float(passed))
