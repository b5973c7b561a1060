"""`loopwright bench`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import (
    NumberRange,
    Place,
    WholeRange,
    examples,
    json_option,
    place_options,
    run_argument,
    runs_option,
    shared_store,
)
from loopwright.cli._plan_options import plan_options

if TYPE_CHECKING:
    from loopwright.plan import RunOptions

_from = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the data; what `loopwright data fetch` got by default.",
)
_engine = click.option(
    "--engine", type=click.Choice(["sqlite", "mariadb"]), help="What executes SQL; SQLite by default."
)
_limit = click.option("--limit", type=WholeRange(1), help="Number of tasks, spread evenly over the suite.")


@click.group(
    epilog=examples(
        "loopwright bench list",
        "loopwright bench run intercode-bash --model openai/gpt-5-mini --strategy try_again_blind --repeats 3",
        "loopwright bench compare runs/before runs/after",
        "loopwright bench power --difference 0.1 --discordance 0.3",
    )
)
def command() -> None:
    """Run benchmark suites, compare runs, and tell what their numbers can bear."""


@command.command("list", epilog=examples("loopwright bench list"))
@json_option
def list_command(as_json: bool) -> None:
    """List the suites and the strategies that fit them."""
    from loopwright.bench import SUITES
    from loopwright.cli._output import write_json, write_table

    if as_json:
        write_json([{"suite": s.name, "description": s.description, "data": s.data} for s in SUITES.values()])
    else:
        rows = [(s.name, s.data, ", ".join(s.strategies), s.description) for s in SUITES.values()]
        write_table(("suite", "data", "strategies", "description"), rows)


@command.command(
    "run",
    epilog=examples(
        "loopwright bench run intercode-bash --model local/smollm2-135m --strategy single,react --limit 20",
        "loopwright bench run intercode-sql --from ../intercode --model openai/gpt-5-mini --repeats 3",
        "loopwright bench run shapes --strategy streams,best_of_n --limit 50",
    ),
)
@click.argument("suite")
@plan_options
@_from
@_limit
@click.option("--turns", type=WholeRange(1), default=10, show_default=True, help="Turns of an episode at most.")
@click.option("--scoring", type=click.Choice(["intercode", "exact"]), help="The rule that decides; both are recorded.")
@click.option("--legacy", is_flag=True, help="Keep the defects of the published code, to compare with its numbers.")
@click.option("--handicap", is_flag=True, help="Show the model all table and column names (SQL).")
@_engine
@click.option("--generator", help="Image model that draws, of suites of pictures.")
@click.option("--editor", help="Image model that changes pictures, of suites of pictures.")
@click.option("--auditor-model", help="Model that grades pictures, another than --model.")
@click.option("--check/--no-check", default=True, help="Look first for tasks that are not sound; on by default.")
@click.option("--accept", type=NumberRange(0, 1), help="Pass rate below which the exit code is 1.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder; a new one in --runs by default.")
@place_options
@runs_option
@json_option
def run_command(
    suite: str,
    plan: RunOptions,
    source: Path | None,
    limit: int | None,
    turns: int,
    scoring: str | None,
    legacy: bool,
    handicap: bool,
    engine: str | None,
    generator: str | None,
    editor: str | None,
    auditor_model: str | None,
    check: bool,
    accept: float | None,
    out: Path | None,
    place: Place,
    runs: Path,
    as_json: bool,
) -> None:
    """Run a suite against a model.

    It makes an ordinary run: `loopwright resume`, `show` and `report` work on its folder.
    """
    from loopwright import Run, new_run_id
    from loopwright.cli._bench_run import flag, planned
    from loopwright.cli._execute import execute, machines_at
    from loopwright.cli._output import write
    from loopwright.cli.render._bench import show_outcomes

    fields = {"scoring": scoring, "legacy": legacy or None, "handicap": handicap or None, "engine": engine}
    drawn: RunOptions = {"generator": generator, "editor": editor}
    chosen = {name: value for name, value in fields.items() if value is not None}
    machines = machines_at(place)
    resolved = planned(suite, {**plan, **drawn}, source, limit, turns, chosen, auditor_model)
    folder = out or runs / new_run_id()
    run = Run.start(resolved, folder, share=shared_store())
    if check:
        flag(resolved.config, folder)
    try:
        execute(run, accept=accept, as_json=as_json, machines=machines)
    except click.exceptions.Exit:
        if not as_json:
            show_outcomes(folder)
            write(f"The rates again: loopwright bench show {folder}\nAs a page:       loopwright report {folder}")
        raise


@command.command("show", epilog=examples("loopwright bench show"))
@run_argument()
@runs_option
@json_option
def show_command(run: str | None, runs: Path, as_json: bool) -> None:
    """Show a run's rates with intervals: by strategy, by both scoring rules, by turn and by group."""
    from loopwright.cli._output import write_json
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._bench import outcomes_as_json, show_outcomes

    folder = find_run(run, runs)
    if as_json:
        write_json(outcomes_as_json(folder))
    else:
        show_outcomes(folder)


@command.command("compare", epilog=examples("loopwright bench compare runs/before runs/after"))
@run_argument(required=True)
@run_argument("other")
@runs_option
@json_option
@click.pass_context
def compare_command(ctx: click.Context, run: str, other: str | None, runs: Path, as_json: bool) -> None:
    """Compare two runs, or the variants of one, paired and clustered by task: `loopwright compare`."""
    from loopwright.cli.commands._compare import command as compare

    ctx.invoke(compare, run=run, other=other, pairs=(), runs=runs, as_json=as_json)


@command.command("report", epilog=examples("loopwright bench report runs/demo --out demo.html"))
@run_argument()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="report.html in the run folder by default."
)
@runs_option
@json_option
@click.pass_context
def report_command(ctx: click.Context, run: str | None, out: Path | None, runs: Path, as_json: bool) -> None:
    """Write a run's report as one HTML file: `loopwright report`."""
    from loopwright.cli.commands._report import command as report

    ctx.invoke(report, run=run, out=out, runs=runs, as_json=as_json)


@command.command("power", epilog=examples("loopwright bench power --difference 0.1 --discordance 0.3"))
@click.option("--difference", type=NumberRange(0.0001, 1), required=True, help="Difference to be found.")
@click.option("--discordance", type=NumberRange(0, 1), help="Share of tasks on which the two disagree.")
@click.option("--rate", type=NumberRange(0, 1), default=0.5, show_default=True, help="Pass rate of the weaker.")
@click.option("--power", type=NumberRange(0, 1), default=0.8, show_default=True, help="Chance to find it.")
@click.option("--alpha", type=NumberRange(0, 1), default=0.05, show_default=True, help="Accepted false claims.")
@json_option
def power_command(
    difference: float, discordance: float | None, rate: float, power: float, alpha: float, as_json: bool
) -> None:
    """Tell how many tasks it takes to tell two pass rates apart."""
    from loopwright.cli.render._bench import show_power
    from loopwright.errors import UserError

    try:
        show_power(difference, discordance, rate, power=power, alpha=alpha, as_json=as_json)
    except ValueError as error:
        raise UserError(str(error)) from None


@command.command("replay", epilog=examples("loopwright bench replay intercode-sql logs/sql_gpt-4_try_again.json"))
@click.argument("suite")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_from
@click.option("--prefix", default="", help="What names of tasks begin with before a log's index, e.g. fs1-.")
@click.option("--legacy", is_flag=True, help="Keep the defects of the published code, as the logs do.")
@_engine
@click.option("--concurrency", type=WholeRange(1), default=4, show_default=True, help="Episodes at a time.")
@click.option("--image", help="Docker image, or for bubblewrap the folder of a root file system, to run commands in.")
@click.option(
    "--published", is_flag=True, help="As root, all episodes in one sandbox that Git puts back, defects kept."
)
@click.option("--built", type=click.DateTime(), help="When the published containers were made, for the age of files.")
@click.option("--run-on", type=click.DateTime(), help="When the published experiment ran; with --built.")
@json_option
def replay_command(
    suite: str,
    logs: tuple[Path, ...],
    source: Path | None,
    prefix: str,
    legacy: bool,
    engine: str | None,
    concurrency: int,
    image: str | None,
    published: bool,
    built: datetime | None,
    run_on: datetime | None,
    as_json: bool,
) -> None:
    """Execute recorded trajectories again, and compare the rewards with the logged ones."""
    from loopwright.bench import Published
    from loopwright.cli._bench_run import replayed

    fields = {"legacy": legacy or published, **({"engine": engine} if engine else {})}
    as_published = Published(built, run_on) if published else None
    replayed(
        suite,
        logs,
        source,
        prefix,
        fields,
        concurrency=concurrency,
        image=image,
        published=as_published,
        as_json=as_json,
    )


@command.command("check", epilog=examples("loopwright bench check intercode-bash --limit 20"))
@click.argument("suite")
@_from
@_limit
@_engine
@click.option("--concurrency", type=WholeRange(1), default=4, show_default=True, help="Tasks at a time.")
@json_option
def check_command(
    suite: str, source: Path | None, limit: int | None, engine: str | None, concurrency: int, as_json: bool
) -> None:
    """Try a suite's tasks without a model: does the gold answer pass, does doing nothing, does tampering?"""
    from loopwright.cli._bench_run import checked_suite

    fields = {"engine": engine} if engine else {}
    checked_suite(suite, source, limit, fields, concurrency=concurrency, as_json=as_json)
