"""Tasks of ours as task folders of Harbor, and back: the same answers get the same grades."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import loopwright
from loopwright.cli._app import app
from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.export import export_task
from loopwright.imports import import_tasks
from loopwright.models import Scripted
from tests.repo.conftest import FAIL_TO_PASS, PASS_TO_PASS, TEST, written

SHELL = r"""
version: 1
name: answer
goal: "Write 42 to /app/answer.txt. Ä \U0001F600"
environment:
  name: bash
  cwd: /app
  env: {GREETING: "it's $5 \"or\" more"}
  files: {/app/in.txt: "41\n"}
  setup: printf %s "$GREETING" > /app/made.txt; false
  hidden:
    tests:
      test.sh: |
        #!/bin/bash
        grep -qx 42 /app/answer.txt && grep -qx 41 /app/in.txt && [ "$(cat /app/made.txt)" = "$GREETING" ] &&
        echo 1 > /logs/verifier/reward.txt || echo 0 > /logs/verifier/reward.txt
    tests_timeout: 50
    solution: {solve.sh: "#!/bin/bash\necho 42 > /app/answer.txt\n"}
agents: {proposer: actor}
loop: {strategy: react}
budget: {seconds: 100}
"""
SHELL_ANSWERS = {
    "good": "echo 42 > answer.txt",
    "wrong": "echo 41 > answer.txt",
    "cheat": "mkdir -p /logs/verifier /tests; echo 1 > /logs/verifier/reward.txt; echo 'echo 1' > /tests/test.sh",
}
REPO = f"""
version: 1
name: shop
goal: Mend the bill.
environment:
  name: repo
  repository: shop
  runner: unittest
  hidden:
    fail_to_pass: {json.dumps(FAIL_TO_PASS)}
    pass_to_pass: {json.dumps(PASS_TO_PASS)}
    test_files: {{tests/test_total.py: {json.dumps(TEST)}}}
    solution: {{file: right.diff}}
agents: {{proposer: actor}}
loop: {{strategy: react}}
"""
RIGHT = "sed -i 's/\\[1:\\]//' shop/prices.py; sed -i s/.1f/.2f/ shop/text.py"
LINK = "a link in place of the tests"
REPO_ANSWERS = {
    "good": RIGHT,
    "half": "sed -i 's/\\[1:\\]//' shop/prices.py",
    "wrong": "sed -i 's/\\[1:\\]/[2:]/' shop/prices.py",
    "edits the tests": "printf 'import unittest\\n' > tests/test_text.py; echo 'x = 1' > tests/test_total.py",
    "ends the runner": "printf 'import os\\nos._exit(0)\\n' > shop/prices.py",
    "patches unittest": "printf 'import unittest\\nunittest.TestCase.assertEqual = lambda *a: None\\ntotal = sum\\n' "
    "> shop/prices.py",
    "a reward of its own": "mkdir -p /logs/verifier /tests; echo 1 > /logs/verifier/reward.txt; echo > /tests/test.sh",
    LINK: "mv tests mine; ln -s mine tests",
    "sitecustomize": "printf 'import unittest\\nunittest.TestCase.assertEqual = lambda *a: None\\n' > sitecustomize.py",
}
REPORTS = """
version: 1
name: sums
goal: Add.
environment:
  name: repo
  repository: sums
  test_command: sh tests/run.sh
  junit: [out/*.xml]
  hidden: {fail_to_pass: ["add::sum"]}
agents: {proposer: actor}
loop: {strategy: react}
"""
RUN = """\
mkdir -p out
case "$(sh add.sh 1 2)" in
  3) echo '<testsuite><testcase classname="add" name="sum"/></testsuite>' ;;
  *) echo '<testsuite><testcase classname="add" name="sum"><failure/></testcase></testsuite>' ;;
esac > out/report.xml
"""
REPORTS_ANSWERS = {
    "good": "echo 'echo $(($1 + $2))' > add.sh",
    "wrong": "echo 'echo 4' > add.sh",
    "edits the runner": "sed -i 's/3)/4)/; s/1 2)/1 3)/' tests/run.sh; echo 'echo 4' > add.sh",
}
DIFF = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,2 +1,2 @@
 def total(prices):
-    return sum(prices[1:])
+    return sum(prices)
diff --git a/shop/text.py b/shop/text.py
--- a/shop/text.py
+++ b/shop/text.py
@@ -5 +5 @@
-    return f'{total(prices):.1f} EUR'
+    return f'{total(prices):.2f} EUR'
"""


def task(folder: Path, text: str) -> Path:
    path = folder / "task.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if "repository: shop" in text:
        written(folder / "shop")
        (folder / "right.diff").write_text(DIFF)
    if "repository: sums" in text:
        written(folder / "sums", {"add.sh": "echo 0\n", "tests/run.sh": RUN})
    return path


def grade(path: Path, action: str, out: Path) -> float | None:
    (episode,) = loopwright.run(path, model=Scripted([f"```bash\n{action}\n```", "submit"]), out=out)
    return episode.score


def brought_back(path: Path, folder: Path) -> Path:
    """The task after the way to Harbor and back, with its image built."""
    export_task(path, "harbor", folder / "there", include=["tests", "solution"])
    import_tasks("harbor", folder / "there", folder / "back")
    (made,) = (folder / "back").glob("*.yaml")
    command = ["env", "build", made.stem, "--project", str(folder / "back"), "--base-image", "loopwright/python:latest"]
    built = CliRunner().invoke(app, command)
    assert built.exit_code == 0, built.output
    return made


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "answers", "grades"),
    [
        (SHELL, SHELL_ANSWERS, {"good": 1.0}),
        (REPO, REPO_ANSWERS, {"good": 1.0, "half": 0.75, "wrong": 0.5}),
        (REPORTS, REPORTS_ANSWERS, {"good": 1.0}),
    ],
    ids=["bash", "repo", "reports"],
)
def test_there_and_back_the_grades_are_the_same(
    tmp_path: Path, text: str, answers: dict[str, str], grades: dict[str, float]
) -> None:
    here = task(tmp_path / "here", text)
    back = brought_back(here, tmp_path)
    mine = {name: grade(here, action, tmp_path / f"{name} here") for name, action in answers.items()}
    theirs = {name: grade(back, action, tmp_path / f"{name} back") for name, action in answers.items()}
    # There a folder of tests that became a link is put back before tests run; here such a diff passes nothing.
    assert {name: mine[name] for name in mine if name != LINK} == {name: theirs[name] for name in mine if name != LINK}
    assert all((score or 0.0) < 1 for name, score in theirs.items() if name != "good")
    assert {name: mine[name] for name in grades} == grades
    assert all((score or 0.0) < 1 for name, score in mine.items() if name != "good")


@pytest.mark.parametrize("text", [SHELL, REPO, REPORTS], ids=["bash", "repo", "reports"])
def test_what_is_hidden_leaves_only_by_its_name(tmp_path: Path, text: str) -> None:
    here = task(tmp_path / "here", text)
    with pytest.raises(TaskError, match="leave only if they are named"):
        export_task(here, "harbor", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    made = export_task(here, "harbor", tmp_path / "out", include=["tests"])
    (folder,) = (tmp_path / "out").iterdir()
    assert not (folder / "solution").exists()
    agent = [path for path in made.files if path.parent.name == "environment" or path.name == "instruction.md"]
    assert agent
    for secret in ("test.sh", "test_all_prices_count", "solve.sh", "grep -qx 42"):
        assert not any(secret.encode() in path.read_bytes() for path in agent)


def test_settings_are_those_that_harbor_reads(tmp_path: Path) -> None:
    export_task(task(tmp_path / "here", SHELL), "harbor", tmp_path / "out", include=["tests", "solution"])
    folder = tmp_path / "out" / "answer"
    settings = tomllib.loads((folder / "task.toml").read_text())
    assert settings["agent"] == {"timeout_sec": 100.0}
    assert settings["verifier"] == {"timeout_sec": 50.0}
    assert settings["environment"]["env"] == {"GREETING": 'it\'s $5 "or" more'}
    assert (folder / "instruction.md").read_text() == "Write 42 to /app/answer.txt. Ä \U0001f600"
    assert (folder / "tests" / "test.sh").stat().st_mode & 0o100
    assert (folder / "solution" / "solve.sh").read_text().endswith("42 > /app/answer.txt\n")


def test_each_record_is_a_folder(tmp_path: Path) -> None:
    text = SHELL + 'data: [{id: a/b, goal: One}, {id: a b, goal: Two}, {id: "A-B", goal: Three}]\n'
    export_task(task(tmp_path / "here", text), "harbor", tmp_path / "out", include=["tests"])
    found = {path.name: (path / "instruction.md").read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {"answer-a-b": "One", "answer-a-b-2": "Two", "answer-A-B-3": "Three"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SHELL[: SHELL.index("  hidden:")] + "  hidden: {gold: echo 42}\n", "a gold command grades it"),
        ("version: 1\nname: t\ngoal: g\nenvironment: {name: text, hidden: {target: x}}\n", "graded here alone"),
    ],
)
def test_what_cannot_be_carried_over_is_told(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(TaskError, match=why):
        export_task(task(tmp_path / "here", text), "harbor", tmp_path / "out", include=["tests"])
    assert not (tmp_path / "out").exists()


def test_names_that_there_are_not(tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match="no format 'harbour'"):
        export_task(task(tmp_path / "here", SHELL), "harbour", tmp_path / "out")
    with pytest.raises(UserError, match="nothing is called 'gold'"):
        export_task(tmp_path / "here" / "task.yaml", "harbor", tmp_path / "out", include=["gold"])
