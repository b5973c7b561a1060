"""`loopwright run`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import (
    NumberRange,
    Place,
    checkpoints_option,
    examples,
    json_option,
    notify_option,
    place_options,
    runs_option,
    shared_store,
)
from loopwright.cli._plan_options import checked, plan_options

if TYPE_CHECKING:
    from loopwright.plan import RunOptions
    from loopwright.store import RunStore


@click.command(
    epilog=examples(
        "loopwright run task.yaml --model local/smollm2-135m",
        "loopwright run examples/python --strategy single,best_of_n,refine --calls 4",
        "loopwright run tasks --model openai/gpt-5-mini --prices prices.yaml --max-usd 2 --dry-run",
        "loopwright run tasks --model openai/gpt-5-mini --concurrency 32 --dry-run --rates runs/pilot",
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@plan_options
@click.option("--accept", type=NumberRange(0, 1), help="Pass rate below which the exit code is 1.")
@click.option("--dry-run", is_flag=True, help="Tell how many calls and what cost a run could come to, and run nothing.")
@click.option(
    "--rates",
    metavar="RUN",
    help="With --dry-run: also tell what the run will take by the rates of an earlier one.",
)
@click.option(
    "--trust-sandbox",
    is_flag=True,
    help="Let tasks name MCP servers outside of the sandbox: programs that run on this machine, and addresses.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The run folder; a new one in --runs by default.")
@checkpoints_option
@notify_option
@place_options
@click.option(
    "--otel",
    is_flag=False,
    flag_value="",
    metavar="[ENDPOINT]",
    help="Send OpenTelemetry spans while the run works, by OTLP/HTTP in JSON; the endpoint is that of"
    " OTEL_EXPORTER_OTLP_ENDPOINT or http://localhost:4318 by default. Write --otel=ENDPOINT, or --otel last.",
)
@click.option("--otel-content", is_flag=True, help="With --otel: prompts, replies and actions, too.")
@runs_option
@json_option
def command(
    paths: tuple[Path, ...],
    plan: RunOptions,
    accept: float | None,
    dry_run: bool,
    rates: str | None,
    trust_sandbox: bool,
    out: Path | None,
    checkpoints: str,
    notify: tuple[str, ...],
    place: Place,
    otel: str | None,
    otel_content: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """Run task files.

    PATH is a task file or a folder of them. Every run has its own folder, which holds its whole record.
    """
    from loopwright.cli._output import tell
    from loopwright.notify import parse_target

    targets = [parse_target(one) for one in notify]
    everything = checked(paths, plan)
    for note in everything.notes:
        tell(f"note: {note}")
    if dry_run:
        from loopwright.cli._runs import find_run
        from loopwright.cli.render._dry_run import show_plan

        show_plan(everything, find_run(rates, runs) if rates else None, as_json=as_json)
        return
    if rates:
        raise click.UsageError("--rates tells what a run will take; it needs --dry-run")
    from loopwright import Run, new_run_id
    from loopwright.cli._execute import execute, machines_at
    from loopwright.preflight import refuse_outside_servers

    if not trust_sandbox:
        refuse_outside_servers(everything.resolved.config.tasks)
    collector = _collector(otel, otel_content)
    machines = machines_at(place)
    created = Run.start(everything.resolved, out or runs / new_run_id(), share=shared_store())
    with collector(created.store):
        execute(created, accept=accept, as_json=as_json, checkpoints=checkpoints, notify=targets, machines=machines)


def _collector(endpoint: str | None, content: bool) -> Callable[[RunStore], AbstractContextManager[None]]:
    """What sends spans of a run; of none where no collector is named."""
    from loopwright.cli._output import tell

    if endpoint is None:
        if content:
            raise click.UsageError("--otel-content tells what spans hold; it needs --otel")
        return lambda _: nullcontext()
    from loopwright.export import Collector, sent_live

    collector = Collector.named(endpoint)
    return lambda store: sent_live(store, collector, tell, content=content)
