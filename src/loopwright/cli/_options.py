"""Options that several verbs share, so that the same word means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def examples(*commands: str) -> str:
    """What stands below the help of a verb: command lines to copy."""
    heading = "Examples:" if len(commands) > 1 else "Example:"
    # Lines after \\b stay as they are.
    return "\n".join(["\b", heading, *(f"  {command}" for command in commands)])


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    ctx.meta["loopwright.json"] = value
    return value


def json_option(function: _Function) -> _Function:
    """`--json`: the result as JSON on stdout, failures as JSON on stderr."""
    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=_remember, help="Write the result as JSON."
    )(function)


def _complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from loopwright.cli._runs import known_runs

    runs = ctx.params.get("runs") or Path("runs")
    return [run.name for run in known_runs(runs) if run.name.startswith(incomplete)]


def run_argument(name: str = "run", *, required: bool = False) -> Callable[[_Function], _Function]:
    """A run's folder, id or its beginning; shells complete the ids."""
    return click.argument(name, required=required, shell_complete=_complete_run)


def checkpoints_option(function: _Function) -> _Function:
    """`--checkpoints`: where LangGraph's state of each episode is kept for others to look at."""
    return click.option(
        "--checkpoints",
        default="",
        metavar="sqlite|URL",
        envvar="LOOPWRIGHT_CHECKPOINTS",
        show_envvar=True,
        help="Keep LangGraph checkpoints: in the run folder, or on a Postgres server (postgresql://...).",
    )(function)


def runs_option(function: _Function) -> _Function:
    """`--runs`: the folder that holds run folders."""
    return click.option(
        "--runs",
        type=click.Path(path_type=Path),
        default=Path("runs"),
        envvar="LOOPWRIGHT_RUNS",
        show_envvar=True,
        show_default=True,
        help="Folder that holds the run folders.",
    )(function)
