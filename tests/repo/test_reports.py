"""Repositories in any language: a test command and the JUnit XML that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from loopwright.errors import TaskError
from loopwright.repo import Entry, RepoEnvironment, RepoFields, load_repository
from loopwright.task import Instance
from loopwright.types import Verdict
from tests.conftest import on_every_provider
from tests.repo.conftest import Shop, changed, written

pytestmark = pytest.mark.anyio
pytest_generate_tests = on_every_provider

ADD = "#!/bin/sh\necho $(($1 - $2))\n"
RIGHT = "#!/bin/sh\necho $(($1 + $2))\n"
CASES = """\
case_adds() { [ "$(sh lib/add.sh 1 2)" = 3 ]; }
case_zero() { [ "$(sh lib/add.sh 5 0)" = 5 ]; }
"""
RUN = """\
#!/bin/sh
. tests/cases.sh
failed=0
mkdir -p out
echo '<testsuite name="sh">' > out/report.xml
for name in $(sed -n 's/^case_\\([a-z]*\\).*/\\1/p' tests/cases.sh); do
  printf '<testcase classname="add" name="%s">' "$name" >> out/report.xml
  case_$name || { failed=1; echo '<failure message="wrong sum"/>' >> out/report.xml; }
  echo '</testcase>' >> out/report.xml
done
echo '</testsuite>' >> out/report.xml
exit $failed
"""
FILES = {"lib/add.sh": ADD, "tests/run.sh": RUN, "tests/cases.sh": CASES}
NEGATIVE = 'case_negative() { [ "$(sh lib/add.sh -1 -2)" = -3 ]; }\n'
ALWAYS = "case_never() { [ 1 = 2 ]; }\n"
PUBLIC = {"test_command": "sh tests/run.sh", "junit": ["out/*.xml"]}
HIDDEN = {
    "fail_to_pass": ["add::adds", "add::negative"],
    "pass_to_pass": ["add::zero"],
    "must_fail": ["add::never"],
    "test_files": {"tests/cases.sh": CASES + NEGATIVE + ALWAYS},
}
FORGED = (
    "<testsuite>"
    + "".join(f'<testcase classname="add" name="{name}"/>' for name in ("adds", "negative", "zero", "never"))
    + "</testsuite>"
)
Files = Mapping[str, str | Entry | None]


@pytest.fixture
def sums(shop: Shop) -> Shop:
    folder = written(shop.folder.parent / "sums", FILES)
    shop.folder, shop.base = folder, load_repository(_fields(str(folder)))
    return shop


def _fields(repository: str) -> RepoFields:
    return RepoFields(repository=repository)


async def graded(sums: Shop, files: Files, hidden: Mapping[str, Any] = HIDDEN, **public: Any) -> Verdict:
    told = {"repository": str(sums.folder), **PUBLIC, **public}
    await sums.environment.reset(Instance(id="sums", goal="Add.", public=told, hidden=hidden))
    return await sums.environment.submit(changed(sums.base, files))


def passed(verdict: Verdict) -> dict[str, bool]:
    return {check.name: check.passed for check in verdict.checks}


async def test_each_named_test_is_a_check(sums: Shop) -> None:
    assert passed(await graded(sums, {"lib/add.sh": RIGHT})) == {
        "add::adds": True,
        "add::negative": True,
        "add::zero": True,
    }
    verdict = await graded(sums, {"lib/add.sh": ADD + "# still wrong\n"})
    assert passed(verdict) == {"add::adds": False, "add::negative": False, "add::zero": True}
    assert verdict.failed[0].evidence == "wrong sum"


async def test_visible_tests_are_all_that_the_report_tells(sums: Shop) -> None:
    told = {"repository": str(sums.folder), **PUBLIC}
    await sums.environment.reset(Instance(id="sums", goal="Add.", public=told))
    seen = await sums.environment.step(changed(sums.base, {"lib/add.sh": ADD + "\n"}))
    assert seen.verdict is not None
    assert passed(seen.verdict) == {"add::adds": False, "add::zero": True}
    assert "add::adds failed:\nwrong sum" in seen.text


async def test_a_report_of_nothing_but_tests_that_must_fail_passes_nothing(sums: Shop) -> None:
    hidden = {"must_fail": ["add::never"], "test_files": {"tests/cases.sh": ALWAYS}}
    verdict = await graded(sums, {"lib/add.sh": RIGHT}, hidden)
    assert passed(verdict) == {"test_command": False}
    assert "no other test than those that must fail" in verdict.failed[0].evidence


CHEATS: Mapping[str, Files] = {
    "a report of its own": {"out/report.xml": FORGED, "out/mine.xml": FORGED},
    "writes the report when it is tested": {"lib/add.sh": f"mkdir -p out; echo '{FORGED}' > out/a.xml\n"},
    "writes the report and ends the runner": {
        "lib/add.sh": f"echo '{FORGED}' > out/report.xml\nkill -9 $PPID $(ps -o ppid= -p $PPID 2>/dev/null)\n"
    },
    "keeps writing the report": {
        "lib/add.sh": f"(for i in 1 2 3 4 5 6 7 8 9; do echo '{FORGED}' > out/report.xml; sleep 0.05; done) &\n"
    },
    "edits the runner": {"tests/run.sh": f"mkdir -p out; echo '{FORGED}' > out/report.xml\n"},
    "edits the cases": {"tests/cases.sh": "case_adds() { true; }\ncase_negative() { true; }\n"},
    "a folder in place of the report": {"out/report.xml/x": "1"},
    "a link in place of the reports": {"out": Entry(b"lib", "link"), "lib/x.xml": FORGED},
    "a link in place of the report": {"out/report.xml": Entry(b"../lib/x.xml", "link"), "lib/x.xml": FORGED},
    "a pipe in place of the report": {"lib/add.sh": "rm -f out/report.xml; mkfifo out/z.xml\n"},
    "a huge report": {"lib/add.sh": "truncate -s 3G out/z.xml\n"},
    "entities": {
        "lib/add.sh": f"echo '<!DOCTYPE x [<!ENTITY a \"b\">]>{FORGED}' > out/z.xml\n",
    },
    "many reports": {f"out/{number}.xml": FORGED for number in range(2100)},
}


@pytest.mark.parametrize("cheat", CHEATS)
async def test_no_cheat_passes(sums: Shop, cheat: str) -> None:
    verdict = await graded(sums, CHEATS[cheat])
    assert not {name for name, good in passed(verdict).items() if good} & {"add::adds", "add::negative"}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("true", "left no report at out/*.xml"),
        ("mkdir -p out; echo junk > out/report.xml", "out/report.xml cannot be read: it is no XML"),
        ("mkdir -p out; echo '<testsuite/>' > out/report.xml", "tells of no test"),
        (
            'mkdir -p out; echo \'<testsuite name="add"><testcase name="never"><failure/></testcase>'
            '<testcase name="zero"/></testsuite>\' > out/report.xml',
            "the report has no such test",
        ),
        (f"mkdir -p out; echo '{FORGED}' > out/report.xml", "a test that must fail passes"),
        ("mkdir -p out; echo '<testsuite><testcase name=\"x\"/></testsuite>' > out/report.xml", "is not in the report"),
    ],
)
async def test_what_is_not_reported_has_not_passed(sums: Shop, command: str, why: str) -> None:
    verdict = await graded(sums, {"lib/add.sh": RIGHT}, {**HIDDEN, "test_command": command})
    assert why in verdict.failed[0].evidence
    assert not verdict.passed


async def test_a_report_without_failures_and_a_failing_command_disagree(sums: Shop) -> None:
    hidden = {"test_command": "sh tests/run.sh; exit 3"}
    verdict = await graded(sums, {"lib/add.sh": RIGHT}, hidden)
    assert [(check.name, check.score) for check in verdict.checks] == [("test_command", 0.0)]
    assert "the command ended with 3" in verdict.checks[0].evidence


async def test_a_report_of_the_base_commit_is_stale(sums: Shop) -> None:
    written(sums.folder, {"out/report.xml": FORGED})
    sums.base = load_repository(_fields(str(sums.folder)))
    verdict = await graded(sums, {"lib/add.sh": RIGHT}, {**HIDDEN, "test_command": "true"})
    assert "left no report" in verdict.failed[0].evidence


async def test_what_takes_too_long_has_not_passed(sums: Shop) -> None:
    verdict = await graded(sums, {"lib/add.sh": RIGHT}, {"test_command": "sh tests/run.sh; sleep 60"}, test_timeout=1.0)
    assert "more than 1 s" in verdict.failed[0].evidence


async def test_files_of_the_tests_are_put_back_by_patterns(sums: Shop) -> None:
    told = {"Makefile": "check:\n\tsh tests/run.sh\n"}
    written(sums.folder, told)
    sums.base = load_repository(_fields(str(sums.folder)))
    lie = {"Makefile": f"check:\n\tmkdir -p out; echo '{FORGED}' > out/report.xml\n"}
    hidden = {
        "fail_to_pass": ["add::adds"],
        "test_command": "make check 2>/dev/null || sh Makefile 2>/dev/null; cat Makefile",
    }
    verdict = await graded(sums, lie, hidden, test_paths=["Make*"])
    assert [(check.name, check.evidence) for check in verdict.failed] == [("add::adds", "wrong sum")]


async def test_many_tests_are_one_check_beyond_a_thousand(sums: Shop) -> None:
    many = "".join(f'<testcase classname="m" name="t{number}"/>' for number in range(1500))
    bad = '<testcase classname="m" name="bad"><failure/></testcase>'
    command = f"mkdir -p out; (printf '<testsuite>'; cat many.txt; echo '{bad}</testsuite>') > out/r.xml"
    verdict = await graded(sums, {"many.txt": many}, {"test_command": command})
    assert [check.name for check in verdict.failed] == ["m::bad"]
    assert (verdict.checks[-1].name, verdict.checks[-1].weight) == ("(the other tests)", 501)


@pytest.mark.parametrize(
    ("public", "hidden", "why"),
    [
        ({"junit": ["../x.xml"], "test_command": "true"}, {}, "no path of a report"),
        ({"junit": ["x.xml"], "tests": ["a::b"]}, {}, "nothing writes the report"),
        ({"junit": ["x.xml"]}, {"fail_to_pass": ["a::b"]}, "nothing writes the report"),
        ({}, {"must_fail": ["a::b"], "test_command": "true"}, "goes by reports"),
        ({}, {"fail_to_pass": ["add::adds"]}, "no name of a test"),
    ],
)
def test_fields_that_cannot_be(public: dict[str, Any], hidden: dict[str, Any], why: str) -> None:
    with pytest.raises(TaskError, match=why):
        RepoEnvironment.check(Instance(id="a", goal="b", public=public, hidden=hidden))
