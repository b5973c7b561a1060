"""The example of a command-line agent, as its file says to run it."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright
from loopwright.cli import main
from tests.conftest import ROOT


def test_a_command_line_agent_fixes_the_clock(tmp_path: Path) -> None:
    file = "examples/command/clock.yaml"
    (episode,) = loopwright.run(
        file, model="scripted/replies.yaml", project=ROOT / "examples/command", out=tmp_path / "run"
    )
    assert episode.passed
    assert episode.outcome is not None
    assert episode.outcome.model_calls == 3


def test_show_says_how_the_command_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loopwright.run(
        "examples/command/clock.yaml", model="scripted/replies.yaml", project=ROOT / "examples/command", out=tmp_path
    )
    with pytest.raises(SystemExit):
        main(["show", str(tmp_path), "clock:refine:0"])
    assert "[program]\n  ended with 0, 3 requests to the model\n" in capsys.readouterr().out
