"""The Python API: run tasks in a line, with names or with objects of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

from loopwright.agents import Agent
from loopwright.errors import UserError
from loopwright.loop import Person
from loopwright.models import Model
from loopwright.notify import Target, parse_target
from loopwright.plan import ComponentOptions, Machines, RunOptions, Tasks, handed_in, spelled, validated
from loopwright.preflight import checked
from loopwright.runner._calling import streaming, waiting
from loopwright.runner._fork import fork_episode
from loopwright.runner._regrade import regrade_run
from loopwright.runner._regraded import RegradeResult, load_regrade
from loopwright.runner._results import RunResult
from loopwright.runner._run import Run, new_run_id
from loopwright.store import Event
from loopwright.task import CapOptions
from loopwright.verify import Verifier

if TYPE_CHECKING:
    from loopwright.store.shared import SharedStore


class ExecuteOptions(TypedDict, total=False):
    """How a run is executed, and who hears of it; none of it changes what comes out."""

    checkpoints: str
    """Keep LangGraph checkpoints: `sqlite`, or the URL of a Postgres server; empty for none."""
    on_event: Callable[[Event], None] | None
    """Called with every event as it is recorded."""
    person: Person | None
    """Who is asked where a task asks a person; None for whoever answers by `loopwright ctl`."""
    store: str
    """URL of the Postgres database where the run is shared; empty for its folder alone. It is not recorded."""
    notify: Sequence[str]
    """Who is told of the end, of a cap that is reached and of alarms of drift: commands, and addresses of webhooks."""
    on: str
    """Where sandboxes and local models are: `ray`, `ray://HOST:PORT` or `HOST:PORT`; empty for this machine."""
    workers: int | None
    """How many workers Ray is asked for."""


class RunArguments(RunOptions, ExecuteOptions, total=False):
    """All options of `loopwright.run`."""

    out: Path | str | None
    """The run's folder; a new one under `runs/` by default."""


@spelled
async def arun(tasks: Tasks, **options: Unpack[RunArguments]) -> RunResult:
    """Runs tasks and returns what came of them. `arun` is to be awaited; `run` waits by itself.

    Everything that the tasks name is looked for before the run's folder is made, as `loopwright.check` does.

    Args:
        tasks: Tasks, or paths of task files.
        model: For every role: `provider/model`, or any object with the `Model` protocol; several are compared.
        models: Role to its model, over the task's `models`; `model`, if there is one beside it, is for the other roles.
        strategy: One or several to compare, by name or as objects; none for each task's own.
        proposer: An agent, or the name of one, for all tasks; None for each task's own.
        critic: As `proposer`.
        verifier: As `proposer`; also any object with the `Verifier` protocol, whose checks join the environment's.
        auditor: As `proposer`: grades the answer after the loop, in place of the loop's own verdicts.
        generator: Makes pictures: `provider/model`, or any object with the `ImageModel` protocol; one or several.
        editor: As `generator`: changes pictures.
        environment: A class, or a function, that takes the `EnvironmentSetup` and returns an environment, or a name;
            for all tasks, with each task's own fields. None for each task's own.
        calls: Model calls per instance, the same for every strategy.
        repeats: Episodes per instance and strategy.
        seed: Fixes the samples of models that honour seeds.
        grade_all: Whether the hidden checks grade every candidate after the loop.
        budget: Hard caps of the whole run, such as `{"usd": 2.5, "seconds": 3600}`; tasks have their own beside it.
        prices: The price file, without which no cost is told and no cap on cost can hold.
        cache: Folder of replies that runs share: a call that one of them made before is not paid again.
        checkpoints: Keep LangGraph checkpoints: `sqlite`, or the URL of a Postgres server; empty for none.
        concurrency: Episodes at a time.
        project: Folder with own `agents/`, `prompts/`, `environments/` and modules; the current one by default.
        out: The run's folder; a new one under `runs/` by default.
        on_event: Called with every event as it is recorded.
        person: Who is asked where a task asks a person (`loop.ask_person`): an object with the `Person` protocol; None
            for whoever answers by `loopwright ctl`.
        store: URL of the Postgres database where the run is shared (`postgresql://...`); empty for its folder alone.
        notify: Who is told of the end, of a cap that is reached and of alarms of drift: commands, which read a notice
            in JSON from their standard input, and addresses of webhooks, to which it is posted.
        on: Where sandboxes and local models are: `ray` for the cluster at RAY_ADDRESS, or one that is started on this
            machine; `ray://HOST:PORT`, or `HOST:PORT` of a node; empty for this machine alone.
        workers: How many workers Ray is asked for; None for one for each of its processors.
        **options: Those above.

    Raises:
        UserError: A task, agent, prompt, model or environment cannot be used as it is; of task files with the line.
        StoreError: The folder is not empty or cannot be written.
    """
    out = options.pop("out", None)
    executed, planned = _split(options)
    machines = _machines(executed.get("on", ""), executed.get("workers"))
    ready, targets = checked(tasks, **planned), [parse_target(one) for one in executed.get("notify", ())]
    share = _shared(executed.get("store", ""))
    run = Run.start(ready.resolved, Path(out) if out else Path("runs") / new_run_id(), share=share)
    return await _executed(run, executed, targets, machines)


@spelled
async def aresume(
    folder: Path | str,
    *,
    changed: bool = False,
    repeat_in_doubt: bool = False,
    retry: Sequence[str] = (),
    project: Path | str | None = None,
    prices: Path | str | None = None,
    budget: Mapping[str, Any] | None = None,
    concurrency: int | None = None,
    trust_sandbox: bool = False,
    checkpoints: str = "",
    on_event: Callable[[Event], None] | None = None,
    person: Person | None = None,
    store: str = "",
    notify: Sequence[str] = (),
    on: str = "",
    workers: int | None = None,
    **objects: Unpack[ComponentOptions],
) -> RunResult:
    """Goes on with a run that was interrupted. `aresume` is to be awaited; `resume` waits by itself.

    Episodes that are finished stay as they are, and no model call whose answer is in the record is made again.

    Args:
        folder: The run's folder; with `store`, one that is not there yet is made and named as the run.
        changed: Go on although prompts, agents, modules or task files changed; tasks stay as they were recorded.
        repeat_in_doubt: Repeat calls that were under way at a crash even where that is not safe.
        retry: Names of episodes to try again that were skipped; those that failed are tried again anyway.
        project: The project folder, whose code may run; needed if the run was made elsewhere and names code.
        prices: The price file instead of the recorded one; needed for a cap on cost if the run was made elsewhere.
        budget: Caps of the whole run, such as `{"usd": 2}`, in place of the recorded ones of the same name.
        concurrency: Episodes at a time until this run ends; None for as many as it was started with.
        trust_sandbox: Let a run that was made elsewhere loosen its sandboxes, as its tasks say.
        checkpoints: As for `run`.
        on_event: Called with every event from now on.
        person: As for `run`.
        store: As for `run`; needed if the run is shared. What others wrote is brought into the folder first.
        notify: As for `run`.
        on: As for `run`; it need not be where the run began.
        workers: As for `run`.
        **objects: The objects that the run was started with, such as `model=`; names are in the record.

    Raises:
        RunChanged: What the run rests on changed, and `changed` is not set.
        UserError: Something that the run names is not there or cannot be used.
        StoreError: There is no run, its record is damaged, or another process has it.
    """
    targets, machines = [parse_target(one) for one in notify], _machines(on, workers)
    share = _shared(store)
    if share is not None and not (Path(folder) / "run.json").exists():
        await asyncio.to_thread(share.pull, Path(folder).name, Path(folder))
    run = Run.reopen(
        Path(folder),
        share=share,
        given=handed_in(**objects),
        changed=changed,
        repeat_in_doubt=repeat_in_doubt,
        retry=retry,
        project=Path(project) if project is not None else None,
        prices=Path(prices) if prices is not None else None,
        budget=validated(CapOptions, budget or {}, "budget"),
        concurrency=concurrency,
        trust_sandbox=trust_sandbox,
    )
    executed: ExecuteOptions = {"checkpoints": checkpoints, "on_event": on_event, "person": person}
    return await _executed(run, executed, targets, machines)


async def afork(
    folder: Path | str,
    episode: str,
    at: int,
    *,
    model: str | None = None,
    seed: int | None = None,
    calls: int | None = None,
    out: Path | str | None = None,
    project: Path | str | None = None,
    trust_sandbox: bool = False,
    checkpoints: str = "",
    on_event: Callable[[Event], None] | None = None,
) -> RunResult:
    """Goes on from the middle of an episode, in a new run. `afork` is to be awaited; `fork` waits by itself.

    Iterations before `at` are kept with their answers, which are not paid for again. The old run stays as it is.

    Args:
        folder: The folder of the old run.
        episode: The episode's name, such as `balances:refine:0`.
        at: The first iteration to make anew; 0 keeps nothing.
        model: `provider/model` for every role from there on; None for the old run's.
        seed: Draws other samples, where models honour seeds.
        calls: Model calls of the episode, those kept included.
        out: The new run's folder; a new one under `runs/` by default.
        project: As for `resume`.
        trust_sandbox: As for `resume`.
        checkpoints: As for `run`.
        on_event: Called with every event from now on.

    Raises:
        MissingContent: The old run has no such episode, or it has fewer iterations.
        UserError: The model is not there or cannot be used, or the task is a session.
        StoreError: A record cannot be read or written.
    """
    target = Path(out) if out else Path("runs") / new_run_id()
    run = fork_episode(
        Path(folder),
        target,
        episode=episode,
        at=at,
        model=model,
        seed=seed,
        calls=calls,
        project=Path(project) if project is not None else None,
        trust_sandbox=trust_sandbox,
    )
    return await _executed(run, {"checkpoints": checkpoints, "on_event": on_event})


async def aregrade(
    folder: Path | str,
    tasks: Tasks = (),
    *,
    model: str | Model | None = None,
    verifier: str | Agent | Verifier | None = None,
    budget: CapOptions | Mapping[str, Any] | None = None,
    prices: Path | str | None = None,
    concurrency: int = 4,
    out: Path | str | None = None,
    project: Path | str | None = None,
    trust_sandbox: bool = False,
    on_event: Callable[[Event], None] | None = None,
) -> RegradeResult:
    """Grades the recorded candidates of a run again, in a new run. `aregrade` is to be awaited; `regrade` waits.

    No proposer and no critic is asked: only a judge is paid for, where the task has one and no hidden checks. The old
    run stays as it is. The same call again goes on with what was interrupted, and pays for nothing twice.

    Args:
        folder: The folder of the old run.
        tasks: Tasks as they are now, or paths of task files; those of the run as their files are now by default.
        model: The judge's model, by `provider/model` or as an object; None for each task's own.
        verifier: A verifier or a judge, by name or as an object; None for each task's own.
        budget: Hard caps of the grading, such as `{"usd": 0.5}`.
        prices: The price file; the old run's by default.
        concurrency: Episodes at a time.
        out: The new run's folder; one under `runs/` that is named after the old run and the change by default.
        project: As for `resume`.
        trust_sandbox: As for `resume`.
        on_event: Called with every event from now on.

    Raises:
        MissingContent: No episode of the old run can be graded under these tasks.
        UserError: Something that the tasks name is not there or cannot be used, or `out` holds something else.
        StoreError: A record cannot be read or written.
    """
    given = handed_in(model=model, verifier=verifier)
    objects = (*given.agents, *given.verifiers)
    run = regrade_run(
        Path(folder),
        Path(out) if out else None,
        tasks=tasks,
        judge=model if model is None or isinstance(model, str) else model.name,
        verifier=objects[0] if objects else cast("str | None", verifier),
        given=given,
        budget=validated(CapOptions, budget or {}, "budget"),
        prices=Path(prices) if prices else None,
        concurrency=concurrency,
        project=Path(project) if project is not None else None,
        trust_sandbox=trust_sandbox,
    )
    result = await _executed(run, {"on_event": on_event})
    return load_regrade(result.folder)


def _split(options: RunArguments) -> tuple[ExecuteOptions, RunOptions]:
    """How the run is executed, and what is run."""
    executed: Any = {name: value for name, value in options.items() if name in ExecuteOptions.__annotations__}
    planned: Any = {name: value for name, value in options.items() if name not in executed}
    return executed, planned


def _shared(url: str) -> SharedStore | None:
    if not url:
        return None
    from loopwright.store.shared import SharedStore

    return SharedStore(url)


async def _executed(
    run: Run, options: ExecuteOptions, targets: Sequence[Target] = (), machines: Machines | None = None
) -> RunResult:
    run.checkpoints, run.machines = options.get("checkpoints", ""), machines
    run.notify, run.person = targets, options.get("person")
    if on_event := options.get("on_event"):
        if not run.recorded:
            for event in run.store.events():
                on_event(event)
        run.on_event(on_event)
    return await run.execute()


def _machines(on: str, workers: int | None) -> Machines | None:
    if not on:
        if workers is not None:
            raise UserError("workers go with a cluster", remedy="Name one: on='ray'.")
        return None
    from loopwright.cluster import RayCluster

    return RayCluster(on, workers)


astream = streaming(arun)
"""As `arun`, for `async with astream(...) as events: async for event in events: ...; result = await events.result()`.
A block that is left early stops the run; its folder can be resumed."""


run = waiting("run", arun)
resume = waiting("resume", aresume)
fork = waiting("fork", afork)
regrade = waiting("regrade", aregrade)
