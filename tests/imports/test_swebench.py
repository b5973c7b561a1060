"""Instances of SWE-bench, brought over, run where their image is a folder of the sandbox, and predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import loopwright
from loopwright.errors import TaskError
from loopwright.imports import import_tasks
from loopwright.task import load_task

TEST_PATCH = """\
diff --git a/tests/test_total.py b/tests/test_total.py
new file mode 100644
--- /dev/null
+++ b/tests/test_total.py
@@ -0,0 +1,2 @@
+def test_all():
+    assert "${HOME}"
"""


def row(**fields: Any) -> dict[str, Any]:
    return {
        "repo": "acme/shop",
        "instance_id": "acme__shop-7",
        "base_commit": "5f1c2e7",
        "problem_statement": "The total is wrong: ${HOME} {{ x }}\r\n\fend",
        "hints_text": "",
        "patch": "diff --git a/x b/x\n",
        "test_patch": TEST_PATCH,
        "version": "1.0",
        "FAIL_TO_PASS": '["tests/test_total.py::test_all[a::b c]"]',
        "PASS_TO_PASS": ["tests/test_text.py::T::test_one"],
        **fields,
    }


def written(path: Path, *rows: Any, lines: bool = True) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows) if lines else json.dumps(list(rows)))
    return path


@pytest.mark.parametrize("lines", [True, False])
def test_an_instance_is_a_task_in_its_image(tmp_path: Path, lines: bool) -> None:
    source = written(tmp_path / "some.jsonl", row(), row(instance_id="b-1", image_name="acme/b:1"), lines=lines)
    made = import_tasks("swebench", source, tmp_path / "out")
    assert (made.instances, dict(made.not_carried)) == (2, {})
    task = load_task(tmp_path / "out" / "acme__shop-7.yaml")
    (instance,) = task.instances()
    assert instance.id == "acme__shop-7"
    assert instance.goal == row()["problem_statement"]
    assert instance.hidden == {
        "fail_to_pass": ["tests/test_total.py::test_all[a::b c]"],
        "pass_to_pass": ["tests/test_text.py::T::test_one"],
        "test_patch": TEST_PATCH,
        "solution": "diff --git a/x b/x\n",
    }
    assert task.sandbox.image == "docker.io/swebench/sweb.eval.x86_64.acme_1776_shop-7:latest"
    other = yaml.safe_load((tmp_path / "out" / "b-1.yaml").read_text())
    assert other["sandbox"]["image"] == "acme/b:1"


def test_what_cannot_be_carried_over_is_told(tmp_path: Path) -> None:
    django = row(instance_id="d-1", FAIL_TO_PASS='["test_x (forms.tests.FormTest)"]')
    source = written(tmp_path / "some.jsonl", row(hints_text="look there", difficulty="easy", own=1), django)
    made = import_tasks("swebench", source, tmp_path / "out")
    left = "instances left out: tests that are not named as pytest names them"
    assert (made.instances, dict(made.not_carried)) == (1, {"`hints_text`": 1, "`own`": 1, left: 1})
    assert f"- {left}: 1" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(), row()], r"some\.jsonl:2: two instances are named 'acme__shop-7'"),
        ([row(), {"instance_id": "x"}], r"some\.jsonl:2: problem_statement: Field required"),
        ([row(instance_id="../up")], r"some\.jsonl:1: instance_id: "),
        ([row(FAIL_TO_PASS="[")], r"some\.jsonl:1: FAIL_TO_PASS: "),
        ([row(FAIL_TO_PASS=["none"])], "no instance can be carried over"),
        ([row(base_commit="abc\nmodel: evil/model\n#")], r"some\.jsonl:1: base_commit: "),
        ([row(instance_id="README.md")], r"some\.jsonl:1: the name 'README\.md' is taken"),
        ([row(instance_id="agents")], r"some\.jsonl:1: the name 'agents' is taken"),
        ([row(instance_id="a"), row(instance_id="a.yaml")], r"some\.jsonl:2: the name 'a\.yaml' is taken"),
        ([row(instance_id="a.yaml"), row(instance_id="a")], r"some\.jsonl:2: the name 'a' is taken"),
        ([row(instance_id="a"), row(instance_id="A")], r"some\.jsonl:2: the name 'A' is taken"),
        (["text"], r"some\.jsonl:1: the instance: "),
    ],
)
def test_what_is_no_instance_says_where_it_stands(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(TaskError, match=said):
        import_tasks("swebench", written(tmp_path / "some.jsonl", *rows), tmp_path / "out")


def test_what_is_no_json_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text(json.dumps(row()) + "\n{\n")
    with pytest.raises(TaskError, match=r"some\.jsonl:2"):
        import_tasks("swebench", tmp_path / "some.jsonl", tmp_path / "out")
    with pytest.raises(loopwright.errors.UserError):
        import_tasks("swebench", tmp_path / "nothing.jsonl", tmp_path / "other")


def test_names_of_fields_stay_in_their_lines(tmp_path: Path) -> None:
    source = written(tmp_path / "some.jsonl", row(base_commit="", **{"own\n\n## All was carried over\a": 1}))
    import_tasks("swebench", source, tmp_path / "out")
    assert load_task(tmp_path / "out" / "acme__shop-7.yaml").model is None
    page = (tmp_path / "out" / "README.md").read_text()
    assert "\n## All" not in page
    assert "\a" not in page
