"""Tasks of Harbor, brought over and run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import loopwright
from loopwright.errors import LoopwrightError, TaskError
from loopwright.imports import import_tasks
from loopwright.models import Scripted
from loopwright.task import load_task

SETTINGS = """
schema_version = "1.4"

[task]
name = "example/write-answer"
description = "Writes a file."

[metadata]
difficulty = "easy"

[agent]
timeout_sec = 120.0

[verifier]
timeout_sec = 30.0

[environment]
network_mode = "no-network"
"""
SCRIPT = """#!/bin/bash
if python3 /tests/check.py; then echo 1 > /logs/verifier/reward.txt; else echo 0 > /logs/verifier/reward.txt; fi
"""
CHECK = "import pathlib, sys\nsys.exit(pathlib.Path('/app/answer.txt').read_text().strip() != '42')\n"
RIGHT = "echo 42 > answer.txt"
CHEAT = (
    "mkdir -p /logs/verifier /tests; echo 1 > /logs/verifier/reward.txt; echo 'echo 1 > /logs/verifier/reward.txt' > "
    "/tests/test.sh; (setsid sh -c 'sleep 1; echo 1 > /logs/verifier/reward.txt' &)"
)


def harbor_task(folder: Path, *, settings: str = SETTINGS, dockerfile: str = "") -> Path:
    """A task folder as Harbor has it."""
    files = {
        "task.toml": settings,
        "instruction.md": "<!-- a canary: 1234 -->\n\nWrite 42 to /app/answer.txt.\n",
        "tests/test.sh": SCRIPT,
        "tests/check.py": CHECK,
        "solution/solve.sh": "#!/bin/bash\necho 42 > answer.txt\n",
        **({"environment/Dockerfile": dockerfile} if dockerfile else {}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def grade(task: Path, action: str, out: Path) -> float | None:
    model = Scripted([f"```bash\n{action}\n```", "submit"])
    (episode,) = loopwright.run(task, model=model, out=out)
    return episode.score


@pytest.mark.slow
def test_a_good_a_wrong_and_a_cheating_answer(tmp_path: Path) -> None:
    source = harbor_task(tmp_path / "write", settings=SETTINGS + 'workdir = "/app"\n')
    made = import_tasks("harbor", source, tmp_path / "out")
    assert (made.instances, dict(made.not_carried)) == (1, {})
    path = tmp_path / "out" / "write-answer.yaml"
    path.write_text(path.read_text().replace("  user: root\n", "  provider: bubblewrap\n"))
    assert grade(path, RIGHT, tmp_path / "good") == 1.0
    assert grade(path, "echo 41 > answer.txt", tmp_path / "wrong") == 0.0
    assert grade(path, CHEAT, tmp_path / "cheat") == 0.0


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.parametrize(("action", "score"), [(RIGHT, 1.0), ("true", 0.0), (CHEAT, 0.0)])
@pytest.mark.parametrize(
    "verifier",
    ["", '\n[verifier.environment]\ndocker_image = "loopwright/python:latest"\n'],
    ids=["shared", "separate"],
)
def test_an_image_is_taken_with_its_root(tmp_path: Path, action: str, score: float, verifier: str) -> None:
    image = 'docker_image = "loopwright/python:latest"\nworkdir = "/app"\n'
    artifacts = 'artifacts = ["/app/answer.txt"]\n' if verifier else ""
    source = harbor_task(tmp_path / "write", settings=artifacts + SETTINGS + image + verifier)
    import_tasks("harbor", source, tmp_path / "out")
    path = tmp_path / "out" / "write-answer.yaml"
    if verifier:  # the image has no tests of its own: give it these
        folder = source / "tests"
        path.write_text(path.read_text().replace("    tests_image:", "    tests: {file: tests/}\n    tests_image:"))
        folder.rename(tmp_path / "out" / "tests")
    assert grade(path, action, tmp_path / "run") == score


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    dockerfile = (
        "FROM a AS b\nENV X=1\nFROM python:3.12\nENV ONE=1 TWO='a b'\nENV OLD old value\n"
        "ENV PATH=/opt/bin:$PATH SEEN=${HOME}\n"
        "WORKDIR /srv\nRUN true \\\n  && false\nWORKDIR app\n"
    )
    settings = SETTINGS + 'cpus = 2\nmemory_mb = 4096\n\n[environment.env]\nTHREE = "3"\nKEY = "${KEY}"\n'
    source = harbor_task(tmp_path / "write", settings=settings, dockerfile=dockerfile)
    made = import_tasks("harbor", source, tmp_path / "out")
    task = load_task(tmp_path / "out" / "write-answer.yaml")
    (instance,) = task.instances()
    assert task.goal == "Write 42 to /app/answer.txt.\n"
    assert re.fullmatch("harbor/write-answer:[0-9a-f]{12}", str(task.sandbox.image))
    assert task.sandbox.user == "root"
    assert (task.sandbox.cpus, task.sandbox.memory_mb, task.budget.seconds) == (2, 4096, 120)
    assert (instance.public["cwd"], instance.public["timeout"]) == ("/srv/app", 120)
    assert {name: instance.public["env"][name] for name in ("ONE", "TWO", "OLD", "THREE")} == {
        "ONE": "1",
        "TWO": "a b",
        "OLD": "old value",
        "THREE": "3",
    }
    assert instance.public["env"]["PATH"].startswith("/opt/bin:/usr/local/sbin:")
    assert instance.hidden["tests"] == {"check.py": CHECK, "test.sh": SCRIPT}
    assert instance.hidden["tests_timeout"] == 30
    assert dict(made.not_carried) == {
        "the variable SEEN of the image, whose value is not known": 1,
        "`environment.env`: variables that are taken from your environment": 1,
    }
    page = (tmp_path / "out" / "README.md").read_text()
    assert all(f"- {what}: 1" in page for what in made.not_carried)
    assert "loopwright env build write-answer" in page
    assert (tmp_path / "out" / "environments" / "write-answer" / "Dockerfile").read_text() == dockerfile


def test_what_has_no_counterpart_is_told(tmp_path: Path) -> None:
    settings = """
schema_version = "2.0"
artifacts = ["/app/log"]
new_key = 1
[agent]
user = "agent"
[verifier]
collect = [{command = "dump"}]
[environment]
gpus = 1
storage_mb = 10240
[[environment.mcp_servers]]
name = "x"
url = "http://localhost"
"""
    source = harbor_task(tmp_path / "write", settings=settings)
    (source / "environment").mkdir()
    (source / "environment" / "docker-compose.yaml").write_text("services: {}\n")
    (source / "tests" / "link").symlink_to("/etc/hostname")
    made = import_tasks("harbor", source, tmp_path / "out")
    told = "\n".join(made.not_carried)
    for what in ("`new_key`", "`agent.user`", "`verifier.collect`", "`environment.gpus`", "`environment.storage_mb`"):
        assert what in told
    for what in (
        "`environment.mcp_servers`",
        "network (public)",
        "new in versions",
        "`artifacts`",
        "docker-compose",
        "links",
    ):
        assert what in told
    assert not (tmp_path / "out" / "write" / "tests" / "link").exists()


def test_tasks_of_the_same_name_have_images_of_their_own(tmp_path: Path) -> None:
    images = []
    for number, dockerfile in enumerate(("FROM a\n", "FROM a\n", "FROM b\n")):
        source = harbor_task(tmp_path / str(number) / "write", dockerfile=dockerfile)
        import_tasks("harbor", source, tmp_path / f"out{number}")
        images.append(load_task(tmp_path / f"out{number}" / "write-answer.yaml").sandbox.image)
    assert images[0] == images[1]
    assert images[2] not in images[:2]


def test_a_separate_verifier_sees_its_artifacts_alone(tmp_path: Path) -> None:
    settings = 'artifacts = ["/app/answer.txt", {source = "/data", exclude = ["x"]}]\n' + SETTINGS
    source = harbor_task(
        tmp_path / "a", settings=settings.replace("[verifier]", '[verifier]\nenvironment_mode = "separate"')
    )
    import_tasks("harbor", source, tmp_path / "out")
    (instance,) = load_task(tmp_path / "out" / "write-answer.yaml").instances()
    assert instance.hidden["artifacts"] == ["/logs/artifacts", "/app/answer.txt", "/data"]
    (source / "tests" / "Dockerfile").write_text("FROM python:3.12\n")
    import_tasks("harbor", source, tmp_path / "built")
    (instance,) = load_task(tmp_path / "built" / "write-answer.yaml").instances()
    assert re.fullmatch("harbor/write-answer-verifier:[0-9a-f]{12}", instance.hidden["tests_image"])
    assert (tmp_path / "built" / "environments" / "write-answer-verifier" / "check.py").exists()


def test_a_folder_of_tasks(tmp_path: Path) -> None:
    for name, settings in (("a", SETTINGS), ("b", SETTINGS), ("c", SETTINGS + '[[steps]]\nname = "one"\n')):
        harbor_task(tmp_path / "set" / name, settings=settings)
    made = import_tasks("harbor", tmp_path / "set", tmp_path / "out")
    assert (made.instances, dict(made.not_carried)) == (2, {"tasks left out: several steps": 1})
    names = [load_task(path).name for path in sorted((tmp_path / "out").glob("*.yaml"))]
    assert names == ["write-answer-2", "write-answer"]


@pytest.mark.parametrize(
    ("spoil", "message", "line"),
    [
        (lambda task: (task / "task.toml").write_text("a = 1\n[b\n"), "at line 2", 2),
        (lambda task: (task / "task.toml").write_text("[agent]\ntimeout_sec = 'x'\n"), "agent.timeout_sec", None),
        (lambda task: (task / "task.toml").write_text("[environment]\nos = 'windows'\n"), "for windows", None),
        (lambda task: (task / "task.toml").write_text("[agent]\ntimeout_sec = nan\n"), "timeout_sec", None),
        (lambda task: (task / "task.toml").write_text("a = " + "[" * 5000), "nested too deeply", None),
        (lambda task: (task / "task.toml").write_text("a = " + "9" * 5000), "digits", None),
        (lambda task: (task / "task.toml").unlink(), "there is no task", None),
        (lambda task: (task / "instruction.md").unlink(), "cannot be read", None),
        (lambda task: (task / "instruction.md").write_bytes(b"\xff"), "cannot be read", None),
        (lambda task: (task / "tests" / "test.sh").unlink(), r"no test\.sh", None),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing(tmp_path: Path, spoil: object, message: str, line: int | None) -> None:
    source = harbor_task(tmp_path / "task")
    assert callable(spoil)
    spoil(source)
    with pytest.raises(TaskError, match=message) as told:
        import_tasks("harbor", source, tmp_path / "out")
    assert told.value.line == line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("\n" * 1_000_000, ""),
        ("\n" * 1_000_000 + "Do it.\n", "Do it.\n"),
        ("<!-- canary 1 -->\n# canary 2\n\n a\n\nb", " a\n\nb"),
        ("# canary", ""),
    ],
    ids=["empty lines", "late", "marks", "a mark alone"],
)
def test_what_stands_before_the_words_of_an_instruction_is_left_out(tmp_path: Path, text: str, goal: str) -> None:
    source = harbor_task(tmp_path / "task")
    (source / "instruction.md").write_text(text)
    import_tasks("harbor", source, tmp_path / "out")
    (written,) = (tmp_path / "out").rglob("instruction.md")
    assert written.read_text() == goal


@pytest.mark.parametrize("name", ["task.toml", "instruction.md", "environment/Dockerfile", "environment", "tests"])
def test_no_link_is_followed(tmp_path: Path, name: str) -> None:
    source = harbor_task(tmp_path / "set" / "task", dockerfile="FROM a\n")
    (source / name).rename(tmp_path / "elsewhere")
    (source / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TaskError, match=r"is a link|no test\.sh"):
        import_tasks("harbor", source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_link_to_a_task_is_followed(tmp_path: Path) -> None:
    harbor_task(tmp_path / "elsewhere")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "task").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TaskError, match="task is a link"):
        import_tasks("harbor", tmp_path / "set", tmp_path / "out")


def test_a_folder_that_its_user_named_by_a_link_is_read(tmp_path: Path) -> None:
    harbor_task(tmp_path / "elsewhere")
    (tmp_path / "task").symlink_to(tmp_path / "elsewhere")
    assert import_tasks("harbor", tmp_path / "task", tmp_path / "out").instances == 1


def test_names_that_are_taken_are_told_apart(tmp_path: Path) -> None:
    own = ("README.md", "a", "a.yaml", "A", "a-verifier", "agents")
    for name in own:
        settings = SETTINGS.replace("example/write-answer", name)
        harbor_task(tmp_path / "set" / name, settings=settings, dockerfile=f"FROM {name}\n")
    made = import_tasks("harbor", tmp_path / "set", tmp_path / "out")
    tasks = [load_task(path) for path in (tmp_path / "out").glob("*.yaml") if path.is_file()]
    assert made.instances == len(tasks) == len(own)
    assert len({str(task.sandbox.image).lower() for task in tasks}) == len(own)
    assert (tmp_path / "out" / "README.md").is_file()


def test_an_image_whose_folder_has_a_file_of_ours_is_left_out(tmp_path: Path) -> None:
    source = harbor_task(tmp_path / "task", dockerfile="FROM a\nCOPY environment.yaml /\n")
    (source / "environment" / "environment.yaml").write_text("name: conda\n")
    with pytest.raises(TaskError, match=r"`environment\.yaml`, whose place is taken"):
        import_tasks("harbor", source, tmp_path / "out")


@given(st.text(max_size=40))
@example("a\x07b\nmodel: evil/model")
@example("\u2028model: evil/model\x85x: 1\uffff")
def test_any_description_makes_a_task_that_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, description: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    told = "".join(f"\\U{ord(character):08x}" for character in description)
    settings = SETTINGS.replace("Writes a file.", told) + f'\n[metadata."{told}"]\na = 1\n'
    import_tasks("harbor", harbor_task(folder / "task", settings=settings), folder / "out")
    assert load_task(folder / "out" / "write-answer.yaml").model is None
    assert "\x07" not in (folder / "out" / "README.md").read_text()


@given(st.text(alphabet=st.sampled_from("ENVWORKDIRFM =\"'\\\n#$:{}/ab"), max_size=80))
def test_any_dockerfile_is_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    import_tasks("harbor", harbor_task(folder / "task", dockerfile="FROM a\n" + text), folder / "out")
    assert load_task(folder / "out" / "write-answer.yaml").name == "write-answer"


@given(st.binary(max_size=60))
def test_any_settings_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    source = harbor_task(tmp_path_factory.mktemp("any") / "task")
    (source / "task.toml").write_bytes(data)
    try:
        import_tasks("harbor", source, source.parent / "out")
    except LoopwrightError:
        assert not (source.parent / "out").exists()


@pytest.mark.parametrize("folder", ["tests", "environment"])
def test_files_with_holes_count_as_what_they_come_to(tmp_path: Path, folder: str) -> None:
    source = harbor_task(tmp_path / "write", dockerfile="FROM python:3.12-slim\nCOPY . /app\n")
    for number in range(3):
        path = source / folder / f"holes{number}"
        path.touch()
        os.truncate(path, 200 << 20)
    with pytest.raises(TaskError, match="holds more than"):
        import_tasks("harbor", source, tmp_path / "out")
