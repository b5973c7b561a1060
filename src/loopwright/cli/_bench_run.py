"""What `loopwright bench run` and `check` do before and beside a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loopwright.bench import CANARIES, PLANS, Canary, Published, ReplayedLog, SolutionCheck, Suite, find_suite, flags_of
from loopwright.cli._output import tell
from loopwright.errors import UserError
from loopwright.files import write_whole
from loopwright.plan import ResolvedRun, RunConfig, RunOptions, resolve
from loopwright.preflight import check_run
from loopwright.task import Task
from loopwright.user_folders import data_folder


def planned(
    name: str,
    plan: RunOptions,
    source: Path | None,
    limit: int | None,
    turns: int,
    fields: Mapping[str, object],
    audit: str | None,
) -> ResolvedRun:
    """A suite's run, with everything that it names found.

    Raises:
        UserError: Data, suite, model or strategy is not there or does not fit.
    """
    suite = find_suite(name)
    if suite.image_models is None and (audit or plan.get("generator") or plan.get("editor")):
        raise UserError(
            f"{name} is no suite of pictures", remedy="Leave out --generator, --editor and --auditor-model."
        )
    if suite.image_models and not (suite.image_models.generator or plan.get("generator")):
        raise UserError(
            f"{name} needs an image model", remedy="Name one with --generator, and an editor with --editor."
        )
    task = suite.task(source or data_folder(suite.data), limit=limit, turns=turns, **fields)
    if audit:
        task, plan = _audited(task, plan, audit)
    run = resolve(task, **plan)
    for strategy in run.config.strategies:
        if ":" not in strategy and strategy not in suite.strategies:
            raise UserError(
                f"the strategy {strategy!r} does not fit {name}: its candidates are actions that change a state",
                remedy=f"Strategies: {', '.join(suite.strategies)}.",
            )
    for note in check_run(run).notes:
        tell(f"note: {note}")
    return run


def _audited(task: Task, plan: RunOptions, audit: str) -> tuple[Task, RunOptions]:
    """Lets another model grade than the one for all roles."""
    models = plan.get("model")
    named = models if isinstance(models, Sequence) and not isinstance(models, str) else (models,)
    if len(named) > 1:
        raise UserError("--auditor-model goes with one --model", remedy="Run the models one after the other.")
    task = task.model_copy(update={"model": next(iter(named), None), "models": {"auditor": audit}})
    return task, {**plan, "model": None}


def flag(config: RunConfig, folder: Path) -> None:
    """Runs the canaries of a run's tasks, once for all runs of the same, and leaves what they found in its folder."""
    (task,) = config.tasks
    if task.environment.name in PLANS:
        tell("checking that tasks are sound (once for these tasks; --no-check leaves it out)")
        found = asyncio.run(flags_of(task, concurrency=config.concurrency))
        write_whole(folder / CANARIES, json.dumps(found, indent=1).encode(), within=folder)


def checked_suite(
    name: str,
    source: Path | None,
    limit: int | None,
    fields: Mapping[str, Any],
    *,
    concurrency: int,
    as_json: bool,
) -> None:
    """Runs the canaries and tells what they found.

    Raises:
        UserError: Data or suite is not there.
    """
    from loopwright.bench import check_solutions, run_canaries
    from loopwright.cli._output import write, write_json, write_table
    from loopwright.preflight import STAND_IN

    suite: Suite = find_suite(name)
    task = suite.task(source or data_folder(suite.data), limit=limit, **fields)
    found: Sequence[Canary | SolutionCheck]
    if suite.environment in PLANS:
        found = asyncio.run(run_canaries(task, concurrency=concurrency))
    else:
        found = asyncio.run(check_solutions(resolve(task, stand_in=STAND_IN, concurrency=concurrency)))
    flagged = [one for one in found if one.flags]
    if as_json:
        write_json([one.as_dict() for one in found])
        return
    rows = [(one.instance, ", ".join(one.flags), one.told) for one in flagged]
    write_table(("task", "flags", "scores (intercode/exact)" if suite.environment in PLANS else "scores"), rows)
    write(f"{len(found) - len(flagged)} of {len(found)} tasks are sound.")


def _made_of(task: Task, image: str) -> Task:
    """The task in sandboxes of an image."""
    provider = "bubblewrap" if Path(image).is_dir() else "docker"
    options = task.sandbox.model_validate({**task.sandbox.model_dump(), "provider": provider, "image": image})
    return task.model_copy(update={"sandbox": options})


def replayed(
    name: str,
    logs: Sequence[Path],
    source: Path | None,
    prefix: str,
    fields: Mapping[str, Any],
    *,
    concurrency: int,
    image: str | None,
    published: Published | None,
    as_json: bool,
) -> None:
    """Executes logs again and tells how far the rewards agree.

    Raises:
        UserError: Data, suite or log is not there or cannot be read.
    """
    from loopwright.bench import replay
    from loopwright.cli._output import write_json, write_table

    suite = find_suite(name)
    prefix = prefix or suite.prefix
    task = suite.task(source or data_folder(suite.data), **fields)
    if image:
        task = _made_of(task, image)
    found = [
        asyncio.run(replay(log, task, prefix=prefix, concurrency=concurrency, published=published)) for log in logs
    ]
    if as_json:
        write_json([agreement.as_dict() for agreement in found])
        return
    rows = []
    for agreement in found:
        interval, (same, episodes) = agreement.interval(), agreement.outcomes
        share = f"{agreement.share():.3f} [{interval.low:.3f}, {interval.high:.3f}]"
        plain = f"{agreement.share(plain=True):.3f}"
        scored = f"{len(agreement.scored)} of {len(agreement.turns)}"
        row = (agreement.log, scored, share, plain, f"{same} of {episodes}", _listed(agreement.causes))
        rows.append((*row, _outputs(agreement)))
    write_table(
        (
            "log",
            "scored turns",
            "same reward",
            "without order",
            "same success",
            "likely causes",
            "without a reward",
        ),
        rows,
    )


def _outputs(replayed: ReplayedLog) -> str:
    """How many turns without a reward printed the same as in the log, and why others did not."""
    if not replayed.unscored:
        return "-"
    causes = _listed(replayed.output_causes)
    return f"same output {replayed.same_output} of {len(replayed.unscored)}{causes and ': '}{causes}"


def _listed(causes: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in causes.items())
