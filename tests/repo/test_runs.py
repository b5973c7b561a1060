"""Whole runs on a repository whose agent acts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import loopwright
from loopwright import EpisodeResult
from loopwright.cli._app import app
from loopwright.report import render_html
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


def test_show_and_the_report_tell_what_actions_made_of_the_files(tmp_path: Path) -> None:
    action = "sed -i s/.1f/.2f/ shop/text.py; printf '</script><b>\\033[31m' > '<img src=x>.txt'"
    acted(tmp_path, [action, "submit"])
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "run"), "repair:react:0"]).output
    assert "[changes]\n  diff --git" in shown
    assert "+    return f'{total(prices):.2f} EUR'" in shown
    assert "\033" not in shown
    page = render_html(tmp_path / "run")
    assert "<img src=x>" not in page
    assert "</script><b>" not in page
    assert ".2f} EUR" in page
