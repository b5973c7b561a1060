"""The options that fix what is run; `run`, `validate` and `explain` share them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from loopwright import RunConfig
    from loopwright.preflight import CheckedRun
    from loopwright.task import Task


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the flags say; None and empty leave it to the task files."""

    models: tuple[str, ...]
    strategies: tuple[str, ...]
    calls: int | None
    repeats: int | None
    seed: int | None
    concurrency: int
    grade_all: bool
    max_calls: int | None
    max_tokens: int | None
    max_usd: float | None
    max_sandbox_seconds: float | None
    max_working_seconds: float | None
    max_seconds: float | None
    prices: Path | None
    cache: Path | None
    project: Path | None


def _list(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in (value or "").split(",") if name.strip()))


_SECONDS = click.FloatRange(min=0, min_open=True)

_OPTIONS = (
    click.option(
        "--model",
        "models",
        callback=_list,
        envvar="LOOPWRIGHT_MODEL",
        show_envvar=True,
        help="provider/model for every role; several, with commas, are compared.",
    ),
    click.option("--strategy", "strategies", callback=_list, help="Strategy; several, with commas, are compared."),
    click.option("--calls", type=click.IntRange(min=1), help="Model calls per instance, the same for every strategy."),
    click.option("--repeats", type=click.IntRange(min=1), help="Repeats of every episode."),
    click.option("--seed", type=int, help="Fixes what models draw, where they honour seeds."),
    click.option(
        "--concurrency",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        envvar="LOOPWRIGHT_CONCURRENCY",
        show_envvar=True,
        help="Episodes at a time.",
    ),
    click.option("--grade-all", is_flag=True, help="Grade every candidate, to see what refining did."),
    click.option("--max-calls", type=click.IntRange(min=1), help="Cap on model calls of the whole run."),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Cap on tokens of the whole run."),
    click.option("--max-usd", type=click.FloatRange(min=0), help="Cap on cost of the whole run; needs --prices."),
    click.option("--max-sandbox-seconds", type=_SECONDS, help="Cap on time in which candidates run."),
    click.option("--max-working-seconds", type=_SECONDS, help="Cap on time of calls and sandboxes, without waiting."),
    click.option("--max-seconds", type=_SECONDS, help="Cap on time of the whole run."),
    click.option(
        "--prices",
        type=click.Path(path_type=Path),
        envvar="LOOPWRIGHT_PRICES",
        show_envvar=True,
        help="Your price file; without one no cost is told.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="LOOPWRIGHT_RESPONSE_CACHE",
        show_envvar=True,
        help="Folder of replies that runs share, so that a call is paid once; none by default.",
    ),
    click.option(
        "--project",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder with your agents, prompts and environments; the one the task is in by default.",
    ),
)


def plan_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options; the function gets them as one `PlanOptions` named `plan`."""

    @functools.wraps(function)
    def gathered(**values: Any) -> None:
        plan = PlanOptions(**{field.name: values.pop(field.name) for field in fields(PlanOptions)})
        function(plan=plan, **values)

    for option in reversed(_OPTIONS):
        option(gathered)
    return gathered


def checked(paths: Sequence[Path], plan: PlanOptions, *, unnamed: bool = False) -> CheckedRun:
    """Opens task files, and finds all that they and the flags name; with `unnamed`, models may still be to be named.

    Raises:
        UserError: Something is wrong or not there.
    """
    from loopwright.cli._files import open_tasks, project_of, task_files
    from loopwright.preflight import check
    from loopwright.project import find_project
    from loopwright.secrets import load_env_file

    found = task_files(paths)
    for project in {find_project(file) for file in found}:
        load_env_file(project / ".env")
    files = open_tasks(found)
    tasks, paths = [file.task for file in files], [file.path.absolute() for file in files]
    config = configured(tasks, plan, project_of(files, plan.project), files=paths).prepared()
    return check(files, config, unnamed=unnamed)


def configured(tasks: Sequence[Task], plan: PlanOptions, project: Path, *, files: Sequence[Path] = ()) -> RunConfig:
    """The configuration of a run of these tasks with these flags."""
    from loopwright import RunConfig
    from loopwright.task import CapOptions

    return RunConfig(
        tasks=tuple(tasks),
        files=tuple(files),
        strategies=plan.strategies,
        models=plan.models,
        calls=plan.calls,
        repeats=plan.repeats,
        seed=plan.seed,
        grade_all=plan.grade_all,
        budget=CapOptions(
            model_calls=plan.max_calls,
            tokens=plan.max_tokens,
            usd=plan.max_usd,
            sandbox_seconds=plan.max_sandbox_seconds,
            working_seconds=plan.max_working_seconds,
            seconds=plan.max_seconds,
        ),
        project=project,
        prices=plan.prices.absolute() if plan.prices else None,
        cache=plan.cache.absolute() if plan.cache else None,
        concurrency=plan.concurrency,
    )
