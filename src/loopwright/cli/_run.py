"""`loopwright run`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import json_option, runs_option

_EXAMPLE = """\
\b
Examples:
  loopwright run task.yaml --model local/smollm2-135m
  loopwright run examples/python --strategy single,best_of_n,refine --calls 4
"""


def _list(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in (value or "").split(",") if name.strip()))


@click.command(epilog=_EXAMPLE)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--model",
    "models",
    callback=_list,
    envvar="LOOPWRIGHT_MODEL",
    show_envvar=True,
    help="provider/model for every role; several, with commas, are compared.",
)
@click.option(
    "--strategy", "strategies", callback=_list, help="Over the tasks' own; several, with commas, are compared."
)
@click.option("--calls", type=click.IntRange(min=1), help="Model calls per instance, the same for every strategy.")
@click.option("--repeats", type=click.IntRange(min=1), help="Repeats of every episode.")
@click.option("--seed", type=int, help="Fixes what models draw, where they honour seeds.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    envvar="LOOPWRIGHT_CONCURRENCY",
    show_envvar=True,
    help="Episodes at a time.",
)
@click.option("--grade-all", is_flag=True, help="Grade every candidate, not only answers, to see what refining did.")
@click.option("--accept", type=click.FloatRange(0, 1), help="Pass rate below which the exit code is 1.")
@click.option("--max-calls", type=click.IntRange(min=1), help="Cap on model calls of the whole run.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Cap on tokens of the whole run.")
@click.option("--max-usd", type=click.FloatRange(min=0), help="Cap on cost of the whole run; needs --prices.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Cap on time of the whole run.")
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    envvar="LOOPWRIGHT_PRICES",
    show_envvar=True,
    help="Your price file; without one no cost is told.",
)
@click.option("--project", type=click.Path(path_type=Path), help="Folder with your agents, prompts and environments.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder; a new one in --runs by default.")
@runs_option
@json_option
def command(
    paths: tuple[Path, ...],
    models: tuple[str, ...],
    strategies: tuple[str, ...],
    calls: int | None,
    repeats: int | None,
    seed: int | None,
    concurrency: int,
    grade_all: bool,
    accept: float | None,
    max_calls: int | None,
    max_tokens: int | None,
    max_usd: float | None,
    max_seconds: float | None,
    prices: Path | None,
    project: Path | None,
    out: Path | None,
    runs: Path,
    as_json: bool,
) -> None:
    """Run task files.

    PATH is a task file or a folder of them. Every run has its own folder, which holds its whole record.
    """
    from loopwright import Run, RunConfig, new_run_id
    from loopwright.cli._execute import execute
    from loopwright.cli._files import load_tasks, task_files
    from loopwright.errors import UserError
    from loopwright.project import find_project
    from loopwright.task import CapOptions

    if max_usd is not None and prices is None:
        raise UserError("--max-usd needs prices", remedy="Name your price file: --prices FILE.")
    files = task_files(paths)
    config = RunConfig(
        tasks=load_tasks(files),
        strategies=strategies,
        models=models,
        calls=calls,
        repeats=repeats,
        seed=seed,
        grade_all=grade_all,
        budget=CapOptions(model_calls=max_calls, tokens=max_tokens, usd=max_usd, seconds=max_seconds),
        project=project or find_project(files[0]),
        prices=prices.resolve() if prices else None,
        concurrency=concurrency,
    )
    execute(Run.create(config, out or runs / new_run_id()), accept=accept, as_json=as_json)
