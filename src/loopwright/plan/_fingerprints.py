"""What a run's results rest on beside its configuration: fingerprints, to see what changed between two processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from loopwright._version import __version__
from loopwright.agents import load_card
from loopwright.environments import find_environment
from loopwright.errors import MissingContent, RunChanged, UserError
from loopwright.plan._plan import RunConfig, plan_episodes
from loopwright.project import ContentKind, Project
from loopwright.store import Event, Manifest, RunResumed, RunStore
from loopwright.task import Task, load_task

GONE = ""
"""The fingerprint of what is not there, or cannot be read."""

_TOLD = 5


def fingerprints(config: RunConfig) -> dict[str, str]:
    """Name to fingerprint of what a run rests on beside the tasks in its configuration.

    These are the version of Loopwright, the agents' cards, their prompts, environment folders, the price file,
    baselines of drift monitors, and the modules that are named as `package.module:Name`. What such a module imports,
    and the weights behind a model's name, are not looked at.
    """
    found = {"loopwright": __version__}
    project = Project(config.project)
    episodes = plan_episodes(config)
    for task in {episode.task.name: episode.task for episode in episodes}.values():
        found |= dict(_parts(task, project))
    found |= dict(_module(name, project) for name in {episode.strategy for episode in episodes} if ":" in name)
    if config.prices is not None:
        found[f"price file {config.prices.name}"] = _digest(config.prices)
    return dict(sorted(found.items()))


def present(config: RunConfig) -> RunConfig:
    """The configuration as its task files would make it now; those that are gone or broken lose their task."""
    if not config.files:
        return config
    tasks: dict[str, Task] = {}
    for file in config.files:
        try:
            task = load_task(file)
        except UserError:
            continue
        tasks[task.name] = task
    known = [task.name for task in config.tasks]
    return config.model_copy(update={"tasks": tuple(tasks[name] for name in known if name in tasks)}).prepared()


def resumed(store: RunStore, config: RunConfig, events: Iterable[Event], *, changed: bool) -> RunResumed:
    """Compares what an interrupted run rests on with what is there now.

    Args:
        store: The run.
        config: Its configuration.
        events: All that is recorded.
        changed: Go on with what is there now. Tasks stay as they were recorded all the same.

    Returns:
        The event that records the going on, and what is different.

    Raises:
        RunChanged: Something is different, and the record holds results that rest on what was there before.
    """
    known = _tasks(config) | dict(store.manifest.content)
    begun = False
    for event in events:
        if isinstance(event.data, RunResumed):
            known |= event.data.changed
        begun = begun or event.data.type in ("proposed", "call_finished")
    now = present(config)
    found = fingerprints(config) if store.manifest.content else {}
    found |= dict.fromkeys(_tasks(config), GONE) | _tasks(now)
    different = [name for name in sorted({*known, *found}) if known.get(name, GONE) != found.get(name, GONE)]
    if different and begun and not changed:
        told = (_told(name, known, found, store.manifest, now) for name in different)
        raise RunChanged(
            f"what the run in {store.folder} rests on has changed since: {'; '.join(told)}",
            remedy="Put it back, or go on all the same with `loopwright resume RUN --changed`: tasks stay as they were "
            "recorded, all else is taken as it is now.",
        )
    return RunResumed(
        loopwright=__version__,
        changed={name: found.get(name, GONE) for name in different},
        repaired=store.repaired or "",
    )


def _tasks(config: RunConfig) -> dict[str, str]:
    return {f"task {task.name}": task.digest for task in config.tasks}


def _told(name: str, known: Mapping[str, str], found: Mapping[str, str], manifest: Manifest, now: RunConfig) -> str:
    if name == "loopwright":
        return f"loopwright ({known[name]}, now {found[name]})"
    if name not in known:
        return f"{name} (new)"
    if not found.get(name):
        return f"{name} (not there, or broken)"
    kind, _, task = name.partition(" ")
    if kind != "task":
        return name
    places = _places(task, manifest, now)
    more = f" and {len(places) - _TOLD} more" if len(places) > _TOLD else ""
    return f"{name} ({', '.join(places[:_TOLD])}{more})" if places else name


def _places(task: str, manifest: Manifest, now: RunConfig) -> list[str]:
    """Where a task differs, such as `data.3.goal`."""
    recorded = RunConfig.model_validate(manifest.config)
    tasks = {there.name: there for there in now.tasks}
    aligned = recorded.model_copy(update={"tasks": tuple(tasks.get(old.name, old) for old in recorded.tasks)})
    index = [old.name for old in recorded.tasks].index(task)
    mark = f"tasks.{index}."
    return [place.removeprefix(mark) for place in manifest.changed(aligned.model_dump(mode="json")) if mark in place]


def _parts(task: Task, project: Project) -> Iterator[tuple[str, str]]:
    drift = task.drift
    names = [task.agents.proposer, task.agents.critic, task.agents.verifier]
    if drift and drift.mitigations.consolidation:
        names.append(drift.mitigations.consolidation.agent)
    if drift and drift.mitigations.routing:
        names += drift.mitigations.routing.agents
    if drift and drift.baseline:
        yield f"baseline {drift.baseline}", _digest(project.root / drift.baseline)
    for name in names:
        if name and ":" in name:
            yield _module(name, project)
        elif name and name != "rules":
            yield _content(project, "agents", name)
            try:
                prompt = load_card(name, project).prompt
            except UserError:
                continue
            yield _content(project, "prompts", prompt)
    if ":" in task.environment.name:
        yield _module(task.environment.name, project)
        return
    try:
        folder = find_environment(task.environment.name, project)
    except UserError:
        folder = None
    if folder is not None:
        yield _content(project, "environments", task.environment.name)


def _content(project: Project, kind: ContentKind, name: str) -> tuple[str, str]:
    try:
        path = project.find(kind, name)
    except MissingContent:
        return f"{kind}/{name}", GONE
    return f"{kind}/{path.name}", _digest(path)


def _module(name: str, project: Project) -> tuple[str, str]:
    module = name.partition(":")[0]
    return f"module {module}", _digest(_source(module, project.root))


def _source(module: str, root: Path) -> Path:
    """The file of a module: of the project, else of an installed package."""
    inside = root.joinpath(*module.split("."))
    for file in (inside.with_suffix(".py"), inside / "__init__.py"):
        if file.is_file():
            return file
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    return Path(spec.origin if spec and spec.origin else inside)


def _digest(path: Path) -> str:
    """sha256 of a file, or of the names and bytes of a folder's files."""
    total = hashlib.sha256()
    try:
        files = sorted(_files(path)) if path.is_dir() else [path]
        for file in files:
            total.update(b"%d " % file.stat().st_size)
            total.update(file.relative_to(path).as_posix().encode("utf-8", "surrogateescape"))
            total.update(file.read_bytes())
    except OSError:
        return GONE
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        inside = file.relative_to(folder).parts
        if file.is_file() and "__pycache__" not in inside and not any(part.startswith(".") for part in inside):
            yield file
