"""`loopwright run --dry-run --rates`: what a run will take."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Invoke, WriteTask


def test_the_rates_of_an_earlier_run_are_told_beside_the_ceiling(
    invoke: Invoke, project: Path, write_task: WriteTask
) -> None:
    write_task()
    run = ("run", "say.yaml", "--model", "scripted/right.yaml")
    assert invoke(*run, "--repeats", "1", "--out", "pilot").exit_code == 0
    asked = (*run, "--repeats", "50", "--dry-run", "--rates", "pilot")
    shown = invoke(*asked)
    assert shown.exit_code == 0
    assert "By the rates of pilot" in shown.stdout
    assert "With 4 episodes at a time: " in shown.stdout
    assert "Of an episode's time: " in shown.stdout
    told = json.loads(invoke(*asked, "--json").stdout)
    assert told["forecast"]["model_calls"]["mean"] == 100
    refused = invoke(*run, "--rates", "pilot")
    assert (refused.exit_code, "--rates" in refused.stderr) == (2, True)
