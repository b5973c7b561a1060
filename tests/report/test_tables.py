"""JUnit XML and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loopwright.report import RunSummary, render_csv, render_junit, summarize_run
from tests.report.builder import RunBuilder, Turn

PASS = Turn(1, hidden=1, decision="stop", rule="all_passed")


@pytest.fixture
def summary(tmp_path: Path) -> RunSummary:
    run = RunBuilder(tmp_path / "run", episodes=4)
    run.episode([Turn(0.5, hidden=0), Turn(1, hidden=1, parent=0, decision="stop", rule="all_passed")], instance="1")
    run.episode([Turn(0.5, hidden=0.25, decision="stop", rule="plateau")], instance="2")
    run.episode([Turn()], instance="3", failed={"cause": "model", "error": "ModelUnavailable", "message": "a\x00<b>"})
    run.episode([Turn()], instance="4", finish=False)
    return summarize_run(run.close())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv(summary: RunSummary) -> None:
    passed, failed, lost, unfinished = rows(render_csv(summary))
    assert passed["episode"] == "sums.1:refine:0"
    assert (passed["status"], passed["score"], passed["passed"]) == ("scored", "1.0", "true")
    assert (passed["iterations"], passed["rule"], passed["cost_usd"]) == ("2", "all_passed", "0.0020")
    assert (passed["input_tokens"], passed["output_tokens"]) == ("1000", "200")
    assert (passed["wrong_to_right"], passed["right_to_wrong"]) == ("1", "0")
    assert (failed["score"], failed["passed"]) == ("0.25", "false")
    assert (lost["status"], lost["score"], lost["passed"], lost["cause"]) == ("failed", "", "", "model")
    assert (unfinished["status"], unfinished["score"]) == ("unfinished", "")


def test_junit(summary: RunSummary) -> None:
    suite = ET.fromstring(render_junit(summary)).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    kinds = [[child.tag for child in case] for case in suite]
    assert kinds == [[], ["failure"], ["error"], ["skipped"]]
    failure, error = suite[1][0], suite[2][0]
    assert failure.get("message") == "score 0.25 after 1 iterations, stopped by plateau"
    assert (error.get("type"), error.get("message")) == ("ModelUnavailable", "model: a\ufffd<b>")


def test_names_that_other_programs_would_obey(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([PASS], task='=cmd|"x"!A1', instance="<i>\ud800\x0b&")
    summary = summarize_run(run.close())
    (row,) = rows(render_csv(summary))
    assert row["task"] == '\'=cmd|"x"!A1'
    assert render_csv(summary).encode()
    case = ET.fromstring(render_junit(summary).encode()).find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "<i>\\ud800\ufffd& #0"
