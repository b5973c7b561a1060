"""Options that several verbs share, so that the same word means the same everywhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

if TYPE_CHECKING:
    from loopwright.store.shared import SharedStore

_Function = TypeVar("_Function", bound=Callable[..., Any])


def examples(*commands: str) -> str:
    """What stands below the help of a verb: command lines to copy."""
    heading = "Examples:" if len(commands) > 1 else "Example:"
    # Below a line of \b click leaves lines as they are.
    return "\n".join(["\b", heading, *(f"  {command}" for command in commands)])


_LARGEST = 10**12
"""No amount is beyond it: a record holds none."""


class NumberRange(click.FloatRange):
    """Numbers of a range; NaN, infinities and what no record holds are in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads an option."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number if abs(number) <= _LARGEST else self.fail("a number is at most 10^12.", param, ctx)


class WholeRange(click.IntRange):
    """Whole numbers of a range; what no record holds is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads an option."""
        number = super().convert(value, param, ctx)
        return number if abs(number) <= _LARGEST else self.fail("a number is at most 10^12.", param, ctx)


class SeedNumber(click.IntRange):
    """Seeds: whole numbers that have room in 64 bits."""

    def __init__(self) -> None:
        super().__init__(-(2**63), 2**63 - 1)

    def _describe_range(self) -> str:
        return ""  # help would show two numbers of 19 digits


json_option = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
"""`--json`: the result as JSON on stdout, failures as JSON on stderr."""


def _complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from loopwright.files import run_folders

    runs = ctx.params.get("runs") or Path("runs")
    return [run.name for run in run_folders(runs) if run.name.startswith(incomplete)]


def run_argument(name: str = "run", *, required: bool = False) -> Callable[[_Function], _Function]:
    """A run's folder, id or its beginning; shells complete the ids."""
    return click.argument(name, required=required, shell_complete=_complete_run)


class _VariantPair(click.ParamType[tuple[str, str]]):
    """Two variants."""

    name = "A=B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Splits at the equals sign."""
        one, _, other = str(value).partition("=")
        if not one or not other:
            self.fail(f"{value!r} is not of the form A=B, such as refine=refine@openai/gpt-5-mini", param, ctx)
        return one, other


pair_option = click.option(
    "--pair",
    "pairs",
    type=_VariantPair(),
    multiple=True,
    help="Names of two variants that belong together, where names, strategies and models do not tell.",
)

checkpoints_option = click.option(
    "--checkpoints",
    default="",
    metavar="sqlite|URL",
    envvar="LOOPWRIGHT_CHECKPOINTS",
    show_envvar=True,
    help="Keep LangGraph checkpoints: in the run folder, or on a Postgres server (postgresql://...).",
)
"""`--checkpoints`: where LangGraph's state of each episode is kept for others to look at."""


def sent_options(function: _Function) -> _Function:
    """`--project` and `--trust-sandbox`: what a recorded run may do that was made elsewhere."""
    project = click.option(
        "--project",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="The project folder, whose code may run; needed if the run was made elsewhere and names code.",
    )
    trust = click.option(
        "--trust-sandbox",
        is_flag=True,
        help="Let a run that was made elsewhere loosen its sandboxes, such as by `network: host`.",
    )
    return project(trust(function))


notify_option = click.option(
    "--notify",
    multiple=True,
    metavar="COMMAND|URL",
    help="Tell a command (JSON on its stdin) or a webhook of the end, a spent cap, and drift alarms; repeatable.",
)
"""`--notify`: who is told what happens in a run."""


class Place(TypedDict):
    """Where a run works."""

    on: str
    workers: int | None


def place_options(function: _Function) -> _Function:
    """`--on` and `--workers`: the machines that a run works on; the function gets them as `place`."""

    @functools.wraps(function)
    def gathered(*, on: str, workers: int | None, **values: Any) -> Any:
        if workers is not None and not on:
            raise click.UsageError("--workers goes with --on ray")
        return function(place=Place(on=on, workers=workers), **values)

    where = click.option(
        "--on",
        default="",
        metavar="ray|HOST:PORT|ray://HOST:PORT",
        envvar="LOOPWRIGHT_ON",
        show_envvar=True,
        help="Open sandboxes on the workers of a Ray cluster: that of RAY_ADDRESS or one started here, or a named one.",
    )
    many = click.option("--workers", type=WholeRange(1), help="With --on: how many; one for each processor by default.")
    options: Any = where(many(gathered))
    added: _Function = options
    return added


_runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    envvar="LOOPWRIGHT_RUNS",
    show_envvar=True,
    show_default=True,
    help="Folder that holds the run folders.",
)
_STORE = "loopwright.store"
"""Where the context holds the URL of the database, so that no verb hands it on."""


def _keep_store(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[_STORE] = value or ""


store_option = click.option(
    "--store",
    metavar="URL",
    envvar="LOOPWRIGHT_STORE",
    show_envvar=True,
    expose_value=False,
    callback=_keep_store,
    help="Postgres database of runs that machines share; --runs holds copies. A secret: set the variable.",
)
"""`--store`: the database of shared runs; `shared_store` gives it."""


def shared_store() -> SharedStore | None:
    """The database that `--store` names; None if the verb has no such option, or it is not given.

    Raises:
        UserError: It is no URL of a Postgres database.
        MissingExtra: The extra `postgres` is not installed.
    """
    context = click.get_current_context(silent=True)
    url = context.meta.get(_STORE) if context else None
    if not url:
        return None
    from loopwright.cli._output import tell
    from loopwright.store.shared import SharedStore

    return SharedStore(url, tell=tell)


def runs_option(function: _Function) -> _Function:
    """`--runs` and `--store`: the folder that holds run folders, and the database that it holds copies of."""
    return _runs_option(store_option(function))
