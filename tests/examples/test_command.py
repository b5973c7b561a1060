"""The example of a command-line agent, as its file says to run it."""

from __future__ import annotations

from pathlib import Path

import loopwright
from tests.conftest import ROOT


def test_a_command_line_agent_fixes_the_clock(tmp_path: Path) -> None:
    file = "examples/command/clock.yaml"
    (episode,) = loopwright.run(
        file, model="scripted/replies.yaml", project=ROOT / "examples/command", out=tmp_path / "run"
    )
    assert episode.passed
    assert episode.outcome is not None
    assert episode.outcome.model_calls == 3
