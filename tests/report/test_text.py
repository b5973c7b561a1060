"""The terminal summary at every width, with and without colour."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from loopwright.report import RunSummary, render_html, render_text, summarize_run
from tests.report.builder import RunBuilder, Turn


@pytest.fixture
def summary(tmp_path: Path) -> RunSummary:
    run = RunBuilder(tmp_path / "run", variants=("refine", "a-very-long-variant-name"), episodes=5)
    run.episode([Turn(0.5, hidden=0), Turn(1, hidden=1, parent=0, decision="stop", rule="all_passed")], instance="1")
    run.episode([Turn(0.5, hidden=0, decision="stop", rule="budget")], instance="2")
    run.episode([Turn()], instance="3", failed={"cause": "model", "error": "ModelUnavailable", "message": "503"})
    run.episode([Turn()], instance="4", finish=False)
    run.episode([Turn(1, hidden=1)], instance="5", variant="a-very-long-variant-name", priced=False)
    return summarize_run(run.close("interrupted"))


def shown(summary: RunSummary, width: int, *, colour: bool = False, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width, force_terminal=colour, no_color=not colour, legacy_windows=False)
    console.print(render_text(summary))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_wide(summary: RunSummary) -> None:
    lines = shown(summary, 110).splitlines()
    assert lines[0] == "Run run, interrupted, 4 of 5 episodes"
    row = next(line.split() for line in lines if line.startswith("refine "))
    assert row[:8] == ["refine", "2", "1", "0.50", "[0.09,", "0.91]", "0.50", "5"]
    assert "$0.0050" in row
    assert "refine: failed and not scored: model 1" in lines
    assert "refine: 1 unfinished and not scored" in lines
    assert "refine: stopped by all_passed 1, budget 1" in lines
    assert any("1 wrong to right, 0 right to wrong, gain +1.00 each (by the final grades)" in line for line in lines)


def test_what_servers_do_not_take_or_say_is_told(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode(
        [
            Turn(left_out=("temperature",)),
            Turn(1, usage_reported=False, cut=True, decision="stop", rule="all_passed"),
        ]
    )
    lines = shown(summarize_run(run.close()), 110).splitlines()
    assert any(line.endswith("drawn without temperature, as a server does not take it") for line in lines)
    assert any(line.endswith(": 1 reply was cut at the token limit") for line in lines)
    assert any("1 call counts at the most that was reserved" in line for line in lines)


def test_what_a_check_had_found_out_is_told_with_its_day(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(1, left_out=("seed",), measured="2026-11-29", decision="stop", rule="all_passed")])
    lines = shown(summarize_run(run.close()), 110).splitlines()
    assert any(line.endswith("as a server does not take it (`models check` of 2026-11-29)") for line in lines)


@pytest.mark.parametrize("width", [32, 40, 60, 75, 76, 80, 200])
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(summary: RunSummary, width: int) -> None:
    lines = shown(summary, width).splitlines()
    assert max(map(len, lines)) <= width
    text = "".join("".join(line.split()) for line in lines)
    assert "a-very-long-variant-name" in text
    assert "0.50[0.09,0.91]" in text


def test_plain_without_a_terminal(summary: RunSummary) -> None:
    assert "\x1b" not in shown(summary, 80)
    assert "\x1b[1m" in shown(summary, 80, colour=True)


@pytest.mark.parametrize("width", [40, 110])
def test_terminals_that_know_only_ascii(tmp_path: Path, width: int) -> None:
    run = RunBuilder(tmp_path / "run", variants=("größer→",))
    run.episode([Turn(1)], variant="größer→")
    assert "gr\\xf6" in shown(summarize_run(run.close()), width, encoding="ascii")


def test_names_cannot_drive_the_terminal(tmp_path: Path) -> None:
    name = "x\x1b[31m\x07[bold]\u202egnp"
    run = RunBuilder(tmp_path / "run", variants=(name,))
    run.episode([Turn(1)], variant=name)
    text = shown(summarize_run(run.close()), 110)
    assert "x\\x1b[31m\\x07[bold]\\u202egnp" in text
    assert "\x1b" not in text


def test_nothing_started(tmp_path: Path) -> None:
    summary = summarize_run(RunBuilder(tmp_path / "run", episodes=7).close(None))
    assert shown(summary, 80) == "Run run, not finished, 0 of 7 episodes\nNo episode has started.\n"


def test_importing_the_report_does_not_load_rich() -> None:
    code = "import sys, loopwright.report; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_good_enough_is_told_in_the_text_and_on_the_page(tmp_path: Path) -> None:
    turns = [Turn(0.9, decision="stop", rule="threshold")]
    run = RunBuilder(tmp_path / "run")
    run.episode(turns, threshold=0.8)
    folder = run.close("completed")
    assert "refine: good enough: the score is 0.8 or more (`loop.threshold`)" in shown(summarize_run(folder), 110)
    assert "the score is 0.8 or more" in render_html(folder)
