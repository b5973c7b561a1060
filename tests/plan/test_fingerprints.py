"""What a run rests on: a change of any part changes that part's fingerprint alone, and resuming names it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopwright import RunConfig
from loopwright.errors import RunChanged
from loopwright.plan import resolve_recorded, resumed
from loopwright.store import Event, Manifest, Payload, Proposed, RunStarted, RunStore
from loopwright.task import Task, load_task

TASK = """\
version: 1
name: t
goal: g
environment:
  name: mine
  tests: {file: tests.py}
agents: {proposer: sayer, critic: "critics.strict:Critic"}
loop: {strategy: "ways:Way"}
session: {}
drift:
  baseline: base.json
  mitigations:
    consolidation: {agent: summer}
    routing: {agents: [sayer, other], models: []}
"""
FILES = {
    "task.yaml": TASK,
    "tests.py": "def test_a():\n    assert True\n",
    "agents/sayer.yaml": "version: 1\nname: sayer\nrole: proposer\nprompt: words\nreply: text\n",
    "agents/other.yaml": "version: 1\nname: other\nrole: proposer\nprompt: more\nreply: text\n",
    "agents/summer.yaml": "version: 1\nname: summer\nrole: summarizer\nprompt: sums\nreply: text\n",
    "agents/unused.yaml": "version: 1\nname: unused\nrole: proposer\nprompt: words\nreply: text\n",
    "prompts/words.md": "You.\n--- user ---\nSay.\n",
    "prompts/more.md": "You.\n--- user ---\nSay more.\n",
    "prompts/sums.md": "You.\n--- user ---\nSum up.\n",
    "environments/mine/environment.yaml": "name: mine\nclass: python\n",
    "environments/mine/data/rows.csv": "a,b\n",
    "critics/__init__.py": "",
    "critics/strict.py": "class Critic: ...\n",
    "ways.py": "class Way: ...\n",
    "base.json": "{}",
    "prices.yaml": "date: 2026-11-01\nmodels: {}\n",
}
PARTS = {
    "agents/sayer.yaml": "agents/sayer.yaml",
    "agents/other.yaml": "agents/other.yaml",
    "agents/summer.yaml": "agents/summer.yaml",
    "prompts/words.md": "prompts/words.md",
    "prompts/more.md": "prompts/more.md",
    "prompts/sums.md": "prompts/sums.md",
    "environments/mine/environment.yaml": "environments/mine",
    "environments/mine/data/rows.csv": "environments/mine",
    "critics/strict.py": "module critics.strict",
    "ways.py": "module ways",
    "base.json": "baseline base.json",
    "prices.yaml": "price file prices.yaml",
}
"""File to the part that it belongs to."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def fingerprints(config: RunConfig) -> dict[str, str]:
    return dict(resolve_recorded(config).fingerprints)


def config_of(project: Path) -> RunConfig:
    file = project / "task.yaml"
    return RunConfig(tasks=(load_task(file),), files=(file,), project=project, prices=project / "prices.yaml")


def changed(project: Path, change: Callable[[], object]) -> set[str]:
    """The parts whose fingerprint a change changes."""
    before = fingerprints(config_of(project))
    change()
    after = fingerprints(config_of(project))
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def test_every_part_is_found_once_and_the_version_too(project: Path) -> None:
    found = fingerprints(config_of(project))
    assert list(found) == sorted({*PARTS.values(), "loopwright"})
    assert all(found.values())
    assert found == fingerprints(config_of(project))


@pytest.mark.parametrize(("file", "part"), PARTS.items())
def test_a_changed_file_changes_its_part_alone(project: Path, file: str, part: str) -> None:
    mark = "" if file.endswith(".json") else "# more"
    assert changed(project, lambda: (project / file).write_text(f"{FILES[file]}{mark}\n")) == {part}


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "agents/unused.yaml").write_text("version: 2\n"),
        lambda project: (project / "agents/sayer.yaml").write_text(FILES["agents/sayer.yaml"]),
        lambda project: (project / "environments/mine/.hidden").write_text("x"),
        lambda project: shutil.copytree(project / "critics", project / "environments/mine/__pycache__"),
        lambda project: (project / "critics/__init__.py").write_text("X = 1\n"),
        lambda project: shutil.copytree(project / "critics", project / "environments/another"),
    ],
    ids=["unused card", "the same again", "hidden file", "compiled code", "package of a module", "another folder"],
)
def test_what_a_run_does_not_rest_on_changes_nothing(project: Path, change: Callable[[Path], object]) -> None:
    assert changed(project, lambda: change(project)) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "data/rows.csv").rename(folder / "data/lines.csv"),
        lambda folder: (folder / "data/empty").touch(),
        lambda folder: (folder / "data/rows.csv").unlink(),
    ],
    ids=["renamed", "added", "taken away"],
)
def test_the_names_of_an_environments_files_count(project: Path, change: Callable[[Path], object]) -> None:
    assert changed(project, lambda: change(project / "environments/mine")) == {"environments/mine"}


def test_parts_that_are_not_there_have_an_empty_fingerprint(project: Path) -> None:
    config = config_of(project)
    for name in ("ways.py", "base.json", "prices.yaml", "prompts/words.md"):
        (project / name).unlink()
    found = fingerprints(config)
    gone = {"module ways", "baseline base.json", "price file prices.yaml", "prompts/words.md"}
    assert {name for name, digest in found.items() if not digest} == gone


def test_a_device_in_the_place_of_a_file_is_not_read(project: Path) -> None:
    # The price file that a run names may be /dev/zero, which has no end.
    config = config_of(project).model_copy(update={"prices": Path("/dev/null")})
    (project / "base.json").unlink()
    (project / "base.json").symlink_to("/dev/null")
    found = fingerprints(config)
    assert (found["price file null"], found["baseline base.json"]) == ("", "")


def test_a_project_goes_before_what_ships(project: Path) -> None:
    config = RunConfig(tasks=(Task.model_validate({"name": "t", "goal": "g", "environment": {"name": "text"}}),))
    shipped = fingerprints(config.model_copy(update={"project": project}))
    assert set(shipped) == {"loopwright", "agents/proposer.yaml", "prompts/proposer.md"}
    (project / "prompts/proposer.md").write_text("You.\n--- user ---\nSay.\n")
    own = fingerprints(config.model_copy(update={"project": project}))
    assert {name for name in own if own[name] != shipped[name]} == {"prompts/proposer.md"}


@pytest.fixture
def run(project: Path) -> RunStore:
    """A run that was interrupted behind its first candidate."""
    return new_run(project)


def new_run(project: Path, **content: Any) -> RunStore:
    config = config_of(project)
    manifest = Manifest(
        id="r",
        created="now",
        loopwright="0",
        config=config.model_dump(mode="json"),
        content=content or fingerprints(config),
    )
    store = RunStore.create(project / "runs/r", manifest)
    store.append(RunStarted(loopwright="0", tasks={"t": config.tasks[0].digest}, variants=(), episodes=1))
    store.append(Proposed(problem="none"), episode="t", iteration=0, node="propose")
    return store


def resume(run: RunStore, *, leave: bool = False, events: list[Event] | None = None) -> dict[str, str]:
    """What is different, once resuming is allowed."""
    config = RunConfig.model_validate(run.manifest.config)
    return dict(
        resumed(run, resolve_recorded(config), list(run.events()) if events is None else events, changed=leave).changed
    )


def test_resuming_a_run_with_nothing_changed(run: RunStore) -> None:
    assert resume(run) == {}


@pytest.mark.parametrize(
    ("file", "told"),
    [*PARTS.items(), ("tests.py", "task t (environment.tests)"), ("task.yaml", "task t (goal)")],
)
def test_resuming_is_refused_by_the_name_of_what_changed(project: Path, run: RunStore, file: str, told: str) -> None:
    (project / file).write_text(FILES[file].replace("goal: g", "goal: h").replace("{}", "{ }") + "\n# more\n")
    with pytest.raises(RunChanged) as refused:
        resume(run)
    said = str(refused.value).partition("has changed since: ")[2]
    assert said.partition("\n")[0].split("; ") == [told]
    different = resume(run, leave=True)
    assert list(different) == [told.partition(" (")[0]]
    assert all(different.values())


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("prompts/words.md", "prompts/words.md (not there, or broken)"),
        ("task.yaml", "task t (not there, or broken)"),
        ("tests.py", "task t (not there, or broken)"),
    ],
)
def test_resuming_is_refused_where_a_part_is_gone(project: Path, run: RunStore, file: str, told: str) -> None:
    (project / file).unlink()
    with pytest.raises(RunChanged, match=told.replace("(", r"\(").replace(")", r"\)")):
        resume(run)
    assert resume(run, leave=True) == {told.partition(" (")[0]: ""}


def test_several_changes_are_told_in_order_of_their_names(project: Path, run: RunStore) -> None:
    for file in ("ways.py", "base.json", "prompts/more.md"):
        (project / file).write_text(FILES[file] + "\n")
    with pytest.raises(RunChanged, match=r"baseline base\.json; module ways; prompts/more\.md"):
        resume(run)


def test_a_change_that_was_allowed_once_is_known_from_then_on(project: Path, run: RunStore) -> None:
    (project / "ways.py").write_text("class Other: ...\n")
    run.append(
        resumed(run, resolve_recorded(RunConfig.model_validate(run.manifest.config)), run.events(), changed=True)
    )
    assert resume(run) == {}
    (project / "ways.py").write_text(FILES["ways.py"])
    with pytest.raises(RunChanged, match="module ways"):
        resume(run)


def test_before_the_first_result_a_change_is_recorded_and_not_refused(project: Path, run: RunStore) -> None:
    (project / "ways.py").write_text("class Other: ...\n")
    [begun] = [event for event in run.events() if event.iteration is None]
    assert list(resume(run, events=[begun])) == ["module ways"]


def test_a_part_that_the_record_does_not_know_is_new(project: Path) -> None:
    config = config_of(project)
    known = {name: digest for name, digest in fingerprints(config).items() if name != "module ways"}
    with pytest.raises(RunChanged, match=r"module ways \(new\)"):
        resume(new_run(project, **known))


def test_records_without_fingerprints_compare_tasks_alone(project: Path) -> None:
    config = config_of(project)
    manifest = Manifest(id="r", created="now", loopwright="0", config=config.model_dump(mode="json"))
    store = RunStore.create(project / "runs/r", manifest)
    payload: Payload = Proposed(problem="none")
    store.append(payload, episode="t", iteration=0, node="propose")
    (project / "ways.py").write_text("class Other: ...\n")
    assert resume(store) == {}
    (project / "task.yaml").write_text(TASK.replace("goal: g", "goal: h"))
    with pytest.raises(RunChanged, match=r"since: task t \(goal\)"):
        resume(store)
