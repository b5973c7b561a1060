"""What changed between two processes of one run: an interrupted run goes on only on what it began with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loopwright._version import __version__
from loopwright.errors import RunChanged, UserError
from loopwright.plan._fingerprints import GONE
from loopwright.plan._plan import RunConfig
from loopwright.plan._resolved_run import ResolvedRun
from loopwright.store import Event, Manifest, RunResumed, RunStore
from loopwright.task import Task, load_task

_TOLD = 5
"""Places of a changed task that a message names."""


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


def resumed(store: RunStore, run: ResolvedRun, events: Iterable[Event], *, changed: bool) -> RunResumed:
    """Compares what an interrupted run rests on with what is there now.

    Args:
        store: The run's record.
        run: The run, as its configuration was recorded.
        events: All that is recorded.
        changed: Go on with what is there now. Tasks stay as they were recorded all the same.

    Returns:
        The event that records the going on, and what is different.

    Raises:
        RunChanged: Something is different, and the record holds results that rest on what was there before.
    """
    config = run.config
    known = _tasks(config) | dict(store.manifest.content)
    begun = False
    for event in events:
        if isinstance(event.data, RunResumed):
            known |= event.data.changed
        begun = begun or event.data.type in ("proposed", "call_finished")
    now = present(config)
    found = dict(run.fingerprints) if store.manifest.content else {}
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
        return f"loopwright ({known.get(name) or 'unknown'}, now {found.get(name) or 'unknown'})"
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
    recorded = RunConfig.recorded(manifest)
    tasks = {there.name: there for there in now.tasks}
    aligned = recorded.model_copy(update={"tasks": tuple(tasks.get(old.name, old) for old in recorded.tasks)})
    index = [old.name for old in recorded.tasks].index(task)
    mark = f"tasks.{index}."
    return [place.removeprefix(mark) for place in manifest.changed(aligned.model_dump(mode="json")) if mark in place]
