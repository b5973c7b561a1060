"""JUnit XML and CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loopwright.report import RunSummary, render_csv, render_junit, summarize_run
from loopwright.types import Check
from tests.report.builder import LONG_NAME, RunBuilder, Turn

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
    cases = suite.findall("testcase")
    kinds = [[child.tag for child in case] for case in cases]
    assert kinds == [["system-out"], ["failure", "system-out"], ["error", "system-out"], ["skipped", "system-out"]]
    failure, error = cases[1][0], cases[2][0]
    assert failure.get("message") == (
        f"score 0.25 after 1 iterations, stopped by plateau; not passed: imports, {LONG_NAME}"
    )
    evidence = "hidden: AssertionError"
    assert failure.text == f"imports: 0.50\n{evidence}\n\n{LONG_NAME}: 0.00\n{evidence}"
    assert (error.get("type"), error.get("message")) == ("ModelUnavailable", "model: a\ufffd<b>")


def test_junit_tells_what_was_spent(summary: RunSummary) -> None:
    suite = ET.fromstring(render_junit(summary)).find("testsuite")
    assert suite is not None
    told = {one.get("name"): one.get("value") for one in suite.iterfind("properties/property")}
    assert (told["strategy"], told["pass_rate"], told["mean_score"]) == ("refine", "0.5", "0.625")
    assert told["model_calls"] == str(summary.variants[0].model_calls)
    out = suite.findall("testcase")[0].findtext("system-out", "").splitlines()
    assert {"score: 1.0", "model_calls: 2", "input_tokens: 1000", "output_tokens: 200", "cost_usd: 0.0020"} <= set(out)


# What the schema `junit-10`, by which Jenkins reads, allows: element to its attributes and its children.
_SCHEMA: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
_REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "property": {"name", "value"},
}


@pytest.mark.parametrize("evidence", ["a<b>&]]>", "\x00\x1b[31m\u202e\ud800", "line\r\n\ttab", "\ufffe", "x" * 100_000])
def test_junit_fits_the_schema_whatever_stands_in_evidence(tmp_path: Path, evidence: str) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, evidence=evidence, decision="stop", rule="plateau")])
    run.episode([Turn()], instance="3", failed={"cause": "model", "error": "E", "message": evidence[:500]})
    text = render_junit(summarize_run(run.close()))
    assert len(text) < 10_000
    assert not {"\x1b", "\u202e"} & set(text)
    assert ET.fromstring(text).findtext("testsuite/testcase/failure", "").count("\n") >= 1
    for element in ET.fromstring(text.encode()).iter():
        attributes, children = _SCHEMA[element.tag]
        assert element.attrib.keys() <= attributes
        assert element.attrib.keys() >= _REQUIRED.get(element.tag, set())
        assert {child.tag for child in element} <= children
        if element.tag == "testsuite":
            assert re.fullmatch(r"[0-9]+\.[0-9]{3}", element.attrib["time"])


def test_junit_names_twenty_checks_and_counts_the_rest(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, hidden=0, decision="stop", rule="plateau")])
    summary = summarize_run(run.close())
    (row,) = summary.episodes
    checks = tuple(Check(name=f"c{number}", score=0) for number in range(20))
    crowded = replace(summary.variants[0], episodes=(replace(row, failing=checks, failing_more=5),))
    failure = ET.fromstring(render_junit(replace(summary, variants=(crowded,)))).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].endswith("c18, c19, 5 more")


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
