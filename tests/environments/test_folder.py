from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopwright import RunConfig, Task, run
from loopwright.environments import find_environment
from loopwright.errors import MissingContent, TaskError
from loopwright.models import Scripted
from loopwright.project import Project
from loopwright.sandbox import Control
from loopwright.store import SandboxOpened, read_run
from loopwright.task import SandboxOptions

_YAML = """\
version: 1
name: guests
class: python
image: guests:latest
fields:
  entry: invite.py
  files:
    guests.py: {file: guests.py}
    mine.txt: "${HOME}"
"""
_TESTS = "from guests import TWO\nfrom invite import invite\n\ndef test_two():\n    assert invite(TWO) == 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "environments" / "guests"
    folder.mkdir(parents=True)
    (folder / "environment.yaml").write_text(_YAML)
    (folder / "guests.py").write_text('TWO = ["Ann", "Bob"]\n')
    return folder


def _task(**environment: object) -> Task:
    return Task.model_validate({"name": "t", "goal": "g", "environment": {"name": "guests", **environment}})


def test_a_folder_gives_its_fields_where_the_task_says_nothing(folder: Path) -> None:
    config = RunConfig(tasks=(_task(entry="own.py"),), project=folder.parents[1]).prepared()
    (instance,) = config.tasks[0].instances()
    assert instance.public == {
        "entry": "own.py",
        "files": {"guests.py": 'TWO = ["Ann", "Bob"]\n', "mine.txt": "${HOME}"},
    }
    assert config.prepared() == config


def test_a_folder_says_which_values_are_better_unless_the_task_does(folder: Path) -> None:
    (folder / "environment.yaml").write_text(_YAML + "value: {name: length, direction: minimize}\n")
    own = Task.model_validate({**_task().model_dump(), "loop": {"value": {"direction": "maximize"}}})
    for task, wanted in ((_task(), "minimize"), (own, "maximize")):
        (prepared,) = RunConfig(tasks=(task,), project=folder.parents[1]).prepared().tasks
        assert prepared.loop.value is not None
        assert prepared.loop.value.direction == wanted


def test_the_users_folder_goes_before_the_shipped_one(tmp_path: Path, folder: Path) -> None:
    shipped = find_environment("python", Project(tmp_path))
    assert shipped is not None
    assert shipped.description
    folder.rename(folder.parent / "python")
    own = find_environment("python", Project(tmp_path))
    assert own is not None
    assert own.folder == folder.parent / "python"
    assert find_environment("nowhere", Project(tmp_path)) is None


@pytest.mark.slow
def test_a_run_takes_class_and_fields_from_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "environment.yaml").write_text(_YAML.replace("image: guests:latest\n", ""))
    model = Scripted(["```python\nfrom guests import TWO\n\ndef invite(names):\n    return len(names)\n```"])
    result = run(_task(tests=_TESTS), model=model, strategy="single", project=tmp_path, out=tmp_path / "run")
    assert [episode.passed for episode in result] == [True]
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "guests.py" in manifest["config"]["tasks"][0]["environment"]["files"]


_CLASS = """\
from loopwright.environments import Observation
from loopwright.verify import Check, Verdict


class Own:
    def __init__(self, setup):
        pass

    async def reset(self, instance):
        return Observation()

    async def step(self, action):
        return Observation(verdict=Verdict(checks=(Check(name="x", score=1.0),)))

    async def submit(self, answer):
        return Verdict(checks=(Check(name="x", score=1.0),))

    async def close(self):
        pass
"""


def test_the_class_may_be_in_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "own_class_of_guests.py").write_text(_CLASS)
    text = _YAML.replace("class: python", "class: own_class_of_guests:Own").replace("image: guests:latest\n", "")
    (folder / "environment.yaml").write_text(text)
    model = Scripted(["```python\nx = 1\n```"])
    result = run(_task(), model=model, strategy="single", project=tmp_path, out=tmp_path / "run")
    assert [episode.passed for episode in result] == [True]


@pytest.mark.parametrize(
    ("text", "line", "wrong"),
    [
        ("- a\n", 1, "an environment is a mapping"),
        ("name: guests\nclas: python\n", 2, "clas: Extra inputs"),
        ("name: guests\nfields:\n  x: {file: no.txt}\n", 3, "`file: no.txt`: there is no such file"),
        ("name: guests\nfields:\n  x: {file: ../../secret}\n", 3, "leaves the project"),
        ("name: [guests]\n", 1, "name: Input should be a valid string"),
    ],
)
def test_a_broken_folder_names_its_line(folder: Path, text: str, line: int, wrong: str) -> None:
    (folder / "environment.yaml").write_text(text)
    with pytest.raises(TaskError, match=wrong) as caught:
        find_environment("guests", Project(folder.parents[1]))
    assert (caught.value.path, caught.value.line) == (str(folder / "environment.yaml"), line)
    assert caught.value.remedy


def test_a_class_that_is_not_there_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "environment.yaml").write_text(_YAML.replace("class: python", "class: pyhton"))
    with pytest.raises(MissingContent, match="pyhton"):
        run(_task(), model=Scripted([]), project=tmp_path, out=tmp_path / "run")


@pytest.mark.docker
@pytest.mark.parametrize("by_variable", [False, True])
def test_the_image_is_the_folders_unless_a_variable_says_otherwise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    if by_variable:
        monkeypatch.setenv("LOOPWRIGHT_IMAGE", "nowhere/else:latest")
    (episode,) = run(
        _task(tests=_TESTS).model_copy(update={"sandbox": SandboxOptions(provider="docker")}),
        model=Scripted(["```python\nx = 1\n```"]),
        strategy="single",
        project=tmp_path,
        out=tmp_path / "run",
    )
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert ("nowhere/else:latest" if by_variable else "guests:latest") in episode.outcome.failure.message


def test_the_record_says_why_a_provider_was_taken(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (folder / "environment.yaml").write_text(_YAML.replace("image: guests:latest\n", ""))
    model = Scripted(["```python\nx = 1\n```"])
    run(_task(tests=_TESTS), model=model, strategy="single", project=tmp_path, out=tmp_path / "run")
    opened = [event.data for event in read_run(tmp_path / "run").events if isinstance(event.data, SandboxOpened)]
    assert opened
    assert all(box.reason.startswith("auto: no Docker Engine") for box in opened)
    assert all(len(box.controls) == len(Control) for box in opened)
