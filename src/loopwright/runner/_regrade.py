"""Regrading: a new run that grades the recorded candidates of an old one, as tasks say it now."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from loopwright.agents import AgentRole
from loopwright.errors import MissingContent, TaskError, UserError
from loopwright.loop import GRADE, traits_of
from loopwright.plan import (
    ComponentOverrides,
    RegradeOptions,
    ResolvedRun,
    RunConfig,
    Tasks,
    opened,
    refuse_outside,
    resolve_run,
)
from loopwright.preflight import check_run
from loopwright.record import EpisodeRecord, RunReader
from loopwright.runner._recorded import recorded_config
from loopwright.runner._run import Run
from loopwright.store import (
    IDEMPOTENCE,
    EpisodeStarted,
    Event,
    Graded,
    Manifest,
    RunRecord,
    RunStore,
    Share,
    is_working_copy,
    made_here,
    read_run,
)
from loopwright.task import BudgetOptions, CapOptions, Task, TaskFile


def regrade_run(
    source: Path,
    target: Path | None,
    *,
    tasks: Tasks = (),
    judge: str | None = None,
    verifier: str | None = None,
    given: ComponentOverrides | None = None,
    budget: CapOptions | None = None,
    prices: Path | None = None,
    concurrency: int = 4,
    project: Path | None = None,
    trust_sandbox: bool = False,
    runs: Path = Path("runs"),
    share: Share | None = None,
) -> Run:
    """Makes a run that grades the candidates of another one, or opens the one that does so already.

    The old run stays as it is. Only episodes whose loop has ended are graded; of each the candidates that its task
    wants graded.

    Args:
        source: The run whose candidates are graded.
        target: The new run's folder; None for one in `runs` that is named after both.
        tasks: Tasks as they are now; of those that are not among them the recorded files are read.
        judge: `provider/model` of the judge; None for the tasks' own.
        verifier: The verifier's name, over what tasks say.
        given: Parts that are objects rather than names.
        budget: Hard caps of the grading; None for none.
        prices: The price file; None for the old run's.
        concurrency: Episodes at a time.
        project: As for `Run.reopen`.
        trust_sandbox: As for `Run.reopen`; tasks that are given are trusted.
        runs: Where a folder that is not named is made.
        share: Where a new run is shared, and where others went on with one that is; None for folders alone.

    Raises:
        MissingContent: No episode of the old run can be graded under these tasks.
        UserError: Something that the tasks name is not there or cannot be used.
        StoreError: A record cannot be read or written, or the folder holds something else.
    """
    given_tasks = opened(tasks) if tasks else []
    replaced = {task.name: task for task in map(_task_of, given_tasks)}
    recorded = recorded_config(source, project, prices, budget, trust_sandbox=trust_sandbox, replaced=replaced)
    record = read_run(source)
    now = given_tasks or _files_now(record.manifest, recorded)
    files = [one for one in now if isinstance(one, TaskFile)]
    update = {
        "tasks": _graded_tasks(source, recorded, now, verifier),
        "files": (),
        "regrade": RegradeOptions(
            source=source.absolute(), judge=judge, files=tuple(one.path.absolute() for one in files)
        ),
        "budget": budget or CapOptions(),
    }
    config = recorded.with_concurrency(concurrency).model_copy(update=update)
    resolved, ended = resolve_run(config, given), _ended(record)
    for file in files:
        name = file.task.name
        refuse_outside(file.task, resolved.instances[name], config.project, (config.project, file.project))
    chosen = _chosen(source, resolved, ended)
    resolved = resolve_run(resolved.config.model_copy(update={"only": chosen}), given)
    check_run(resolved, files)
    _refuse_states(resolved)
    folder = target or runs / f"{source.name}-regraded-{_digest(resolved)[:8]}"
    if (folder / "run.json").exists():
        _refuse_another(folder, resolved)
    if not _is_whole(folder, chosen):
        _begin(resolved, folder, record, ended)
        if share is not None:
            share.copy_in(folder)
    elif not is_working_copy(folder):
        share = None
    # Checked above: what is recorded is what would be recorded now.
    run = Run.continued(folder, resolved.config, given=given, changed=True, share=share)
    run.cap(resolved.config.budget)
    return run


def _chosen(source: Path, resolved: ResolvedRun, ended: Mapping[str, EpisodeRecord]) -> tuple[str, ...]:
    """The episodes to grade, by name."""
    chosen = tuple(episode.id for episode in resolved.episodes if episode.id in ended)
    if not chosen:
        raise MissingContent(
            f"no episode of {source} can be graded again: its loop has to be at an end, with a candidate, and its task "
            "and instance must be there by the same names",
            remedy=f"Look at it: loopwright show {source}",
        )
    return chosen


def _files_now(manifest: Manifest, config: RunConfig) -> Sequence[Task | TaskFile]:
    """The run's task files; of a run that somebody sent no file is opened, as it might name any."""
    files = config.regrade.files if config.regrade else config.files
    return opened(list(files)) if made_here(manifest) else []


def _task_of(one: Task | TaskFile) -> Task:
    return one.task if isinstance(one, TaskFile) else one


def _graded_tasks(
    source: Path, config: RunConfig, now: Sequence[Task | TaskFile], verifier: str | None
) -> tuple[Task, ...]:
    tasks = {task.name: task for task in map(_task_of, now)}
    known = [task.name for task in config.tasks]
    if strange := [name for name in tasks if name not in known]:
        raise TaskError(
            f"{source} has no task {strange[0]!r}: it has {', '.join(known)}",
            remedy="Name the task as the run does; candidates of another task cannot be graded by it.",
        )
    return tuple(_graded_by(task, tasks.get(task.name, task), verifier) for task in config.tasks)


def _graded_by(old: Task, new: Task, verifier: str | None) -> Task:
    """The task whose loop ran, with all that grades as it is now. What names episodes stays, and the loop's caps go."""
    agents = old.agents.model_copy(update={"verifier": verifier or new.agents.verifier})
    loop = old.loop.model_copy(update={"threshold": new.loop.threshold, "grade": new.loop.grade})
    told = new.models.get("verifier") or new.model
    update: dict[str, object] = {
        "goal": new.goal,
        "environment": new.environment,
        "data": new.data,
        "sandbox": new.sandbox,
        "accept": new.accept,
        "agents": agents,
        "loop": loop,
        "models": dict(old.models) | ({"verifier": told} if told else {}),
        "endpoints": {**old.endpoints, **new.endpoints},
        "budget": BudgetOptions(),
        "session": None,
        "drift": None,
    }
    return old.model_copy(update=update)


def _ended(record: RunRecord) -> Mapping[str, EpisodeRecord]:
    """Episodes whose loop began and ended, with a verified candidate, also those that a faulty grader failed."""
    reader = RunReader(record.result)
    episodes = {episode.id: episode for episode in reader.read(record.events)}
    return {
        id: episode
        for id, episode in episodes.items()
        if episode.started and episode.stop_rule and episode.best is not None
    }


def _refuse_states(resolved: ResolvedRun) -> None:
    for episode in resolved.episodes:
        if traits_of(resolved.components(episode).strategy).acts and not episode.instance.hidden:
            raise UserError(
                f"{episode.id} cannot be graded again: {episode.strategy} acts, and the task has no hidden fields",
                remedy="Write what grades the state at the end into `environment.hidden`.",
            )


def _digest(resolved: ResolvedRun) -> str:
    """sha256 of what decides the new grades."""
    deciding = resolved.config.model_dump(mode="json", include={"tasks", "regrade", "only", "models"})
    canonical = json.dumps([deciding, dict(resolved.fingerprints)], sort_keys=True)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_another(folder: Path, resolved: ResolvedRun) -> None:
    manifest = read_run(folder).manifest
    there = RunConfig.recorded(manifest)
    recorded = resolved.config.model_copy(update={name: getattr(there, name) for name in ("budget", "concurrency")})
    same = there.regrade is not None and dict(manifest.content) == dict(resolved.fingerprints)
    if not same or manifest.changed(recorded.model_dump(mode="json")):
        raise UserError(
            f"{folder} holds another run, or other grades: tasks, verifiers or prompts were different",
            remedy="Name another folder with --out.",
        )


def _is_whole(folder: Path, chosen: Sequence[str]) -> bool:
    """Whether a folder is there and holds the loops of all chosen episodes: a loop's last event is its stop."""
    return (folder / "run.json").exists() and not set(chosen) - _ended(read_run(folder)).keys()


def _begin(resolved: ResolvedRun, folder: Path, record: RunRecord, ended: Mapping[str, EpisodeRecord]) -> None:
    """Makes the folder with the loops of the old run, without their grades; anew if a crash left it half made."""
    if folder.exists() and (folder / "run.json").exists():
        RunStore.open(folder).close()  # Nobody else is making it.
        shutil.rmtree(folder)
    chosen = {episode.id: episode for episode in resolved.episodes}
    run = Run.start(resolved, folder, source=record)
    for name, episode in chosen.items():
        started = ended[name].started
        assert isinstance(started, EpisodeStarted)
        now = dict(resolved.components(episode).models)
        judge = now.pop(AgentRole.VERIFIER.value, None)
        if judge not in (None, started.models.get(AgentRole.VERIFIER.value)) and not episode.instance.hidden:
            now["grader"] = judge  # The verdicts of the loop stay those of its own verifier.
        run.store.append(started.model_copy(update={"models": {**started.models, **now}}), episode=name)
    run.store.adopt(record, lambda event: event.episode in chosen and _of_loop(event))
    run.store.close()


def _of_loop(event: Event) -> bool:
    graded = event.node == GRADE or isinstance(event.data, Graded)
    # What an answer became that was refined once more was graded as before.
    return event.iteration is not None and not graded and not (event.node or "").startswith(IDEMPOTENCE)
