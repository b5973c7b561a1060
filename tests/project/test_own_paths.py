"""Paths of fixtures and repositories start at the file that names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.environments import find_environment
from loopwright.project import Project, started_at
from loopwright.task import load_task

TASK = """\
version: 1
name: paths
goal: Look.
environment:
  name: bash
  fixture: files/start.tar
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_path_starts_at_the_task_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {"tasks/paths.yaml": TASK})
    monkeypatch.chdir(tmp_path)
    fixture = load_task("tasks/paths.yaml").instances()[0].public["fixture"]
    assert fixture == str(tmp_path / "tasks" / "files" / "start.tar")


def test_a_path_of_a_section_in_a_file_of_its_own_starts_there(tmp_path: Path) -> None:
    task = "version: 1\nname: paths\ngoal: Look.\nenvironment: {file: parts/shell.yaml}\n"
    written(tmp_path, {"task.yaml": task, "parts/shell.yaml": "name: bash\nfixture: start.tar\n"})
    assert load_task(tmp_path / "task.yaml").instances()[0].public["fixture"] == str(tmp_path / "parts" / "start.tar")


def test_a_path_of_a_record_starts_at_its_data_file(tmp_path: Path) -> None:
    data = '{"id": "a", "fixture": "a.tar"}\n{"id": "b", "fixture": "/else/b.tar"}\n'
    written(tmp_path, {"task.yaml": f"{TASK}data: {{file: rows/data.jsonl}}\n", "rows/data.jsonl": data})
    found = [one.public["fixture"] for one in load_task(tmp_path / "task.yaml").instances()]
    assert found == [str(tmp_path / "rows" / "a.tar"), "/else/b.tar"]


def test_a_path_of_a_record_in_the_task_starts_at_the_task(tmp_path: Path) -> None:
    written(tmp_path, {"task.yaml": f"{TASK}data: [{{id: a, fixture: a.tar}}]\n"})
    assert load_task(tmp_path / "task.yaml").instances()[0].public["fixture"] == str(tmp_path / "a.tar")


@pytest.mark.parametrize("folder", ["plain", "q{{ 'x' }}\"\\", "Ä \U0001f600"])
def test_a_path_by_a_template_starts_there_where_it_is_relative(tmp_path: Path, folder: str) -> None:
    task = TASK.replace("files/start.tar", "{template: '{{ archive }}'}")
    rows = "data: [{id: a, vars: {archive: a.tar}}, {id: b, vars: {archive: /else/b.tar}}]\n"
    written(tmp_path / folder, {"task.yaml": task + rows})
    found = [one.public["fixture"] for one in load_task(tmp_path / folder / "task.yaml").instances()]
    assert found == [str(tmp_path / folder / "a.tar"), "/else/b.tar"]


def test_a_path_of_an_environment_starts_at_its_folder(tmp_path: Path) -> None:
    written(tmp_path, {"environments/box/environment.yaml": "name: box\nclass: bash\nfields: {fixture: start.tar}\n"})
    found = find_environment("box", Project(tmp_path))
    assert found is not None
    assert found.fields["fixture"] == str(tmp_path / "environments" / "box" / "start.tar")


def test_what_is_no_path_is_left_to_the_environment(tmp_path: Path) -> None:
    assert [started_at(tmp_path, value) for value in (None, 3, "", ["a"])] == [None, 3, "", ["a"]]
