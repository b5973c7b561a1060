"""The options that fix what is run; `run`, `validate` and `explain` share them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopwright.cli._options import NumberRange, SeedNumber, WholeRange
from loopwright.task import MAY_BE_ZERO, Caps, CapText

if TYPE_CHECKING:
    from loopwright.plan import RunOptions
    from loopwright.preflight import CheckedRun


def _list(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in (value or "").split(",") if name.strip()))


_Option = Callable[[Callable[..., None]], Callable[..., None]]

_NAMES = ("model", "strategy", "calls", "repeats", "seed", "concurrency", "grade_all", "prices", "cache", "project")


def _cap_option(name: str, text: CapText) -> _Option:
    whole = Caps.model_fields[name].annotation == int | None
    kind = WholeRange(1) if whole else NumberRange(min=0, min_open=name not in MAY_BE_ZERO)
    return click.option(text.option, f"cap_{name}", type=kind, help=text.help)


CAP_OPTIONS = tuple(_cap_option(name, text) for name, text in Caps.texts().items())
"""Caps on a whole run; a verb gets them as `cap_` and the cap's name."""

_OPTIONS: tuple[_Option, ...] = (
    click.option(
        "--model",
        "model",
        callback=_list,
        envvar="LOOPWRIGHT_MODEL",
        show_envvar=True,
        help="provider/model for every role; several, with commas, are compared.",
    ),
    click.option("--strategy", callback=_list, help="Strategy; several, with commas, are compared."),
    click.option("--calls", type=WholeRange(1), help="Model calls per instance, the same for every strategy."),
    click.option("--repeats", type=WholeRange(1), help="Repeats of every episode."),
    click.option("--seed", type=SeedNumber(), help="Fixes what models draw, where they honour seeds."),
    click.option(
        "--concurrency",
        type=WholeRange(1),
        default=4,
        show_default=True,
        envvar="LOOPWRIGHT_CONCURRENCY",
        show_envvar=True,
        help="Episodes at a time.",
    ),
    click.option("--grade-all", is_flag=True, help="Grade every candidate, to see what refining did."),
    *CAP_OPTIONS,
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


def cap_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the caps alone; the function gets them as `budget`, by name."""

    @functools.wraps(function)
    def gathered(**values: Any) -> None:
        budget = {name: values.pop(f"cap_{name}") for name in Caps.texts()}
        function(budget=budget, **values)

    for option in reversed(CAP_OPTIONS):
        option(gathered)
    return gathered


def plan_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options; the function gets them as `plan`, by the names that Python users give them."""

    @functools.wraps(function)
    def gathered(**values: Any) -> None:
        plan: Any = {name: values.pop(name) for name in _NAMES}
        plan["budget"] = {name: values.pop(f"cap_{name}") for name in Caps.texts()}
        function(plan=plan, **values)

    for option in reversed(_OPTIONS):
        option(gathered)
    return gathered


def checked(paths: Sequence[Path], plan: RunOptions, *, unnamed: bool = False) -> CheckedRun:
    """Opens task files, and finds all that they and the flags name; with `unnamed`, models may still be to be named.

    Raises:
        UserError: Something is wrong or not there.
    """
    from loopwright.cli._files import open_tasks, project_of, task_files
    from loopwright.cli._output import load_env
    from loopwright.plan import resolve
    from loopwright.preflight import STAND_IN, OptionNames, check_run
    from loopwright.project import find_project

    found = task_files(paths)
    for project in {find_project(file) for file in found}:
        load_env(project / ".env")
    files = open_tasks(found)
    options: RunOptions = {**plan, "project": project_of(files, plan["project"])}
    resolved = resolve(files, stand_in=STAND_IN if unnamed else None, **options)
    names = OptionNames("--strategy", "--model", "--max-usd", "--prices", "--calls", "--max-calls", "--max-tokens")
    return check_run(resolved, files, names)
