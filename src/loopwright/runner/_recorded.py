"""The configuration of a recorded run, and what of it holds if somebody sent the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from loopwright.agents import load_card
from loopwright.environments import find_environment
from loopwright.errors import UserError
from loopwright.files import real_path
from loopwright.plan import RunConfig, refuse_outside
from loopwright.plugins import import_nothing_for
from loopwright.project import PATH_FIELDS, Project
from loopwright.store import RunRecord, made_here, read_run
from loopwright.task import Caps, Task

_ORDINARY = {"memory_mb": 4096, "pids": 1024, "cpus": 8, "scratch_mb": 1024, "timeout": 600}
"""Limits of a sandbox that a run may ask for, whoever made it."""
_EPISODES = 16
"""Episodes at a time, likewise."""
_RUNTIMES = (None, "runsc", "kata", "kata-runtime")
"""Those that are no weaker than the default."""


def recorded_config(
    folder: Path,
    project: Path | None,
    prices: Path | None = None,
    budget: Caps | None = None,
    *,
    trust_sandbox: bool = False,
    replaced: Mapping[str, Task] | None = None,
) -> RunConfig:
    """The configuration of a recorded run. Code that it names is imported only where it was asked for.

    Of a run that was not made here no recorded cache is used, the files that its tasks name lie in the project that was
    asked for, or in a folder that the user named, no cap of the user's is counted by its prices, and its tasks loosen
    no sandbox. Its sender chose the recorded project, which may be any folder here: without one that was asked for it
    holds only where it is the current folder, and else the run's own folder takes its place.

    Args:
        folder: The run's folder, which somebody may have sent.
        project: The project folder that was asked for; None for the recorded one.
        prices: The price file that was asked for; None for the recorded one.
        budget: Caps that the user gave.
        trust_sandbox: Take sandboxes as the tasks of a run that was sent want them.
        replaced: Name of a task to the one that the user gave in its place: its sandbox is the user's own.

    Raises:
        UserError: A task of a run that was sent names a file elsewhere or loosens the sandbox, or prices are needed.
    """
    record = read_run(folder)
    config = RunConfig.recorded(record.manifest)
    import_nothing_for(None if project is not None or is_own(record, config.project) else folder)
    if project is not None:
        config = _moved(config, project.absolute())
    if prices is not None:
        config = config.model_copy(update={"prices": prices.absolute()})
    if made_here(record.manifest):
        return config
    if project is None and real_path(config.project) != real_path(Path.cwd()):
        config = config.model_copy(update={"project": folder.absolute()})
    if config.prices and prices is None and budget and budget.usd is not None:
        raise UserError(
            f"the run in {folder} was made elsewhere, and the cap on cost would be counted by its price file, "
            f"{config.prices}",
            remedy="Name your price file with --prices (Python: prices=...).",
        )
    for task in config.tasks:
        own = [folder, *([project] if project else [])]
        refuse_outside(task, task.instances(), config.project, own, config.models)
        own_task = (replaced or {}).get(task.name)
        demands = [] if own_task else list(_demands(task))
        if project is None:
            demands += _demands_of_environment(own_task or task, Project(config.project))
            demands += _demands_of_agents(own_task or task, Project(config.project))
        if demands and not trust_sandbox:
            raise UserError(
                f"the run in {folder} was made elsewhere, and its task {task.name!r} asks for a sandbox that is not "
                f"the ordinary one: {'; '.join(demands)}",
                remedy="It would run code that somebody sent. If you trust it, allow that with --trust-sandbox "
                "(Python: trust_sandbox=True); to grade it, you can also give your own task file (regrade --task), "
                "and your own project for its environment (--project).",
            )
    return config.model_copy(update={"cache": None, "concurrency": min(config.concurrency, _EPISODES)})


def _moved(config: RunConfig, project: Path) -> RunConfig:
    """The configuration with another project: files that its tasks name in the recorded one lie there."""

    def moved(fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _below(value, config.project, project) for name, value in fields.items()}

    tasks = []
    for task in config.tasks:
        section = task.environment.model_copy(update=moved(_paths(task.environment.model_extra)))
        data = [one.model_copy(update=moved(_paths(one.model_extra))) for one in task.data]
        tasks.append(task.model_copy(update={"environment": section, "data": tuple(data)}))
    return config.model_copy(update={"project": project, "tasks": tuple(tasks)})


def _paths(fields: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: value for name in PATH_FIELDS if isinstance(value := (fields or {}).get(name), str)}


def _below(path: str, old: Path, new: Path) -> str:
    return str(new / Path(path).relative_to(old)) if Path(path).is_relative_to(old) else path


def is_own(record: RunRecord, project: Path) -> bool:
    """Whether a run was made here and its code, in `project`, did not come with its folder."""
    return made_here(record.manifest) and not real_path(project).is_relative_to(real_path(record.folder))


def _demands(task: Task) -> Iterator[str]:
    """What a sandbox would have that the ordinary one has not."""
    sandbox = task.sandbox
    yield from (f"sandbox.{what}" for what in sandbox.loosened)
    yield from (what for what in task.loosened if what not in sandbox.loosened)
    if sandbox.image is not None:
        yield f"sandbox.image: {sandbox.image!r}"
    if sandbox.runtime not in _RUNTIMES:
        yield f"sandbox.runtime: {sandbox.runtime!r}"
    for name, most in _ORDINARY.items():
        if (amount := getattr(sandbox, name)) > most:
            yield f"sandbox.{name}: {amount:g}, more than {most}"
    for instance in task.instances():
        if image := instance.hidden.get("tests_image"):
            yield f"environment.hidden.tests_image: {image!r}"
    yield from dict.fromkeys(slow for one in task.instances() for slow in (*_slow(one.public), *_slow(one.hidden)))


def _demands_of_agents(task: Task, project: Project) -> Iterator[str]:
    """What programs of the project's cards take, where the project is not the user's: their time."""
    for name in {task.agents.proposer, *(arm.agent for arm in task.loop.arms if arm.agent)}:
        with suppress(UserError):
            program = None if ":" in name else load_card(name, project).program
            if program and program.timeout > _ORDINARY["timeout"]:
                yield f"program.timeout of agent {name!r}: {program.timeout:g}, more than {_ORDINARY['timeout']}"


def _demands_of_environment(task: Task, project: Project) -> Iterator[str]:
    """What the folder of an environment brings, where the project is not the user's: an image, and times."""
    environment = find_environment(task.environment.name, project)
    if environment is None or not environment.folder.is_relative_to(project.root):
        return
    if environment.image and task.sandbox.image is None:
        yield f"the image of environment {environment.name!r}: {environment.image!r}"
    yield from _slow(environment.fields)


def _slow(fields: Mapping[str, Any]) -> Iterator[str]:
    """The times for one command, in an environment's fields, that are longer than the ordinary one."""
    most = _ORDINARY["timeout"]
    for name in ("timeout", "verify_timeout", "tests_timeout"):
        # Environments take `"700"` for 700, too.
        with suppress(TypeError, ValueError, OverflowError):
            if not (seconds := float(fields.get(name, 0))) <= most:
                yield f"environment.{name}: {seconds:g}, more than {most}"
