"""Reports of JUnit: those of many runners, broken ones and hostile ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.repo._junit import merged, read_report

SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.acme.SumTest" tests="4" failures="1">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="adds" classname="com.acme.SumTest" time="0.01"/>
  <testcase name="subtracts" classname="com.acme.SumTest" time="0.01">
    <failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="Failed"><![CDATA[at SumTest:7]]></failure>
  </testcase>
  <testcase name="later" classname="com.acme.SumTest"><skipped/></testcase>
  <testcase name="shaky" classname="com.acme.SumTest"><flakyFailure message="once">x</flakyFailure></testcase>
</testsuite>
"""
GOOGLE = """<testsuites tests="2" name="AllTests"><testsuite name="Sum" tests="3">
<testcase name="Adds" status="run" result="completed" classname="Sum" />
<testcase name="Later" status="notrun" result="suppressed" classname="Sum" />
<testcase name="Fails" status="run" result="completed" classname="Sum"><failure message="no"></failure></testcase>
</testsuite></testsuites>"""
GO = """<testsuites><testsuite name="acme/sum"><testcase name="TestSum/one" classname="acme/sum"></testcase>
<testcase name="TestSum" classname=""></testcase></testsuite></testsuites>"""


def told(data: str) -> dict[str, bool]:
    return {name: case.passed for name, case in merged(read_report(data.encode())).items()}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            SUREFIRE,
            {
                "com.acme.SumTest::adds": True,
                "com.acme.SumTest::subtracts": False,
                "com.acme.SumTest::later": False,
                "com.acme.SumTest::shaky": True,
            },
        ),
        (GOOGLE, {"Sum::Adds": True, "Sum::Later": False, "Sum::Fails": False}),
        (GO, {"acme/sum::TestSum/one": True, "acme/sum::TestSum": True}),
    ],
)
def test_reports_of_other_runners(report: str, expected: dict[str, bool]) -> None:
    assert told(report) == expected


def test_the_report_of_pytest_itself(tmp_path: Path) -> None:
    (tmp_path / "test_sum.py").write_text(
        "import pytest\n\ndef test_good(): pass\n\ndef test_bad(): assert 1 == 2\n\n"
        "@pytest.mark.skip\ndef test_later(): pass\n\n@pytest.mark.xfail\ndef test_odd(): assert 0\n\n"
        "@pytest.fixture\ndef broken(): raise OSError\n\ndef test_error(broken): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml"]
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    cases = merged(read_report((tmp_path / "report.xml").read_bytes()))
    assert [name for name, case in cases.items() if case.passed] == ["test_sum::test_good"]
    assert "assert 1 == 2" in cases["test_sum::test_bad"].why
    assert not cases["test_sum::test_later"].failed
    assert len(cases) == 5


def test_of_several_tests_of_one_name_each_must_pass() -> None:
    twice = "<testcase name='a'/><testcase name='a'><error/></testcase><testcase name='a'/>"
    assert told(f"<testsuite name='s'>{twice}</testsuite>") == {"s::a": False}


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("<?xml version='1.0' encoding='rot13'?><testsuite/>", "no XML"),
        ("<?xml version='1.0' encoding='hex'?><testsuite/>", "no XML"),
        ("<testsuite><testcase>" + "<a/>" * 1_000_001 + "</testcase></testsuite>", "elements"),
        ("<testsuite " + " ".join(f"a{n}=''" for n in range(200_000)) + "/>", "a tag of more than"),
        ("<testsuite><!--" + "-a" * 600_000 + "--></testsuite>", "a tag of more than"),
    ],
    ids=["rot13", "hex", "elements", "attributes", "comment"],
)
def test_reports_that_would_end_or_hold_up_the_run_are_refused(report: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_report(report.encode())


def test_a_report_may_hold_much_text() -> None:
    much = f"<testcase name='a'><system-out>{'x' * 3_000_000}</system-out></testcase>"
    long = f"<testcase name='b'><failure message='{'y' * 500_000}'/></testcase>"
    assert told(f"<testsuite name='s'>{much}{long}</testsuite>") == {"s::a": True, "s::b": False}


LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><testsuite><testcase name='&b;'/></testsuite>"
FETCHES = (
    "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><testsuite><testcase name='x'>&a;</testcase></testsuite>"
)


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("", "no XML"),
        ("not xml", "no XML"),
        ("<testsuite><testcase name='a'/>", "no XML"),
        ("<html><testcase name='a'/></html>", "begins with 'html'"),
        (LAUGHS, "document type"),
        (FETCHES, "document type"),
        ("<testsuite>" + "<testcase name='a'/>" * 100_001 + "</testsuite>", "more than 100,000 tests"),
        ("<testsuite><testcase name='a\udcff'/></testsuite>", "no XML"),
    ],
)
def test_what_is_no_report_is_refused(report: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_report(report.encode("utf-8", "surrogateescape"))


def test_a_deep_report_takes_no_stack() -> None:
    deep = "<properties>" * 50_000 + "</properties>" * 50_000
    assert told(f"<testsuite name='s'><testcase name='a'>{deep}</testcase></testsuite>") == {"s::a": True}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30), st.booleans())
def test_names_come_as_they_are_written(name: str, passed: bool) -> None:
    name = " ".join(name.split()).replace("\ufffe", "").replace("\uffff", "")
    inner = "" if passed else "<failure/>"
    report = f"<testsuite><testcase classname='c' name={quoteattr(name)}>{inner}</testcase></testsuite>"
    assert told(report) == {f"c::{name}": passed}
