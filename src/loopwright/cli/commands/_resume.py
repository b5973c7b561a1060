"""`loopwright resume`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import (
    NumberRange,
    Place,
    WholeRange,
    checkpoints_option,
    examples,
    json_option,
    notify_option,
    place_options,
    run_argument,
    runs_option,
    sent_options,
    shared_store,
)
from loopwright.cli._plan_options import cap_options


@click.command(
    epilog=examples("loopwright resume", "loopwright resume runs/demo", "loopwright resume runs/demo --max-usd 5")
)
@run_argument()
@click.option(
    "--changed", is_flag=True, help="Go on although prompts, cards, code or task files changed; tasks stay as recorded."
)
@click.option(
    "--repeat-in-doubt",
    is_flag=True,
    help="Repeat calls that were under way at a crash even where their provider is not safe to ask twice.",
)
@click.option("--retry", multiple=True, metavar="EPISODE", help="Try an episode again that was skipped; repeatable.")
@click.option(
    "--concurrency", type=WholeRange(1), help="Episodes at a time; by default as many as it was started with."
)
@click.option("--accept", type=NumberRange(0, 1), help="Pass rate below which the exit code is 1.")
@sent_options
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    help="Your price file; the recorded one by default. Needed for a cap on cost if the run was made elsewhere.",
)
@cap_options
@checkpoints_option
@notify_option
@place_options
@runs_option
@json_option
def command(
    run: str | None,
    changed: bool,
    repeat_in_doubt: bool,
    retry: tuple[str, ...],
    concurrency: int | None,
    accept: float | None,
    project: Path | None,
    trust_sandbox: bool,
    prices: Path | None,
    checkpoints: str,
    notify: tuple[str, ...],
    place: Place,
    runs: Path,
    as_json: bool,
    budget: dict[str, float | None],
) -> None:
    """Go on with a run that was interrupted.

    RUN is a run folder, an id in --runs or its beginning; the latest by default. Episodes that are finished stay as
    they are, and no model call whose answer is in the record is made again. Where what the run rests on changed
    meanwhile, it says what, and stops. Caps that are given take the place of those on the whole run.
    """
    from loopwright import Run
    from loopwright.cli._execute import execute, machines_at, tell_code
    from loopwright.cli._runs import find_episode, find_run
    from loopwright.notify import parse_target
    from loopwright.store import is_working_copy
    from loopwright.task import CapOptions

    targets, machines = [parse_target(one) for one in notify], machines_at(place)
    folder = find_run(run, runs)
    opened = Run.reopen(
        folder,
        retry=[find_episode(folder, name) for name in retry],
        changed=changed,
        repeat_in_doubt=repeat_in_doubt,
        project=project,
        trust_sandbox=trust_sandbox,
        prices=prices,
        budget=CapOptions.model_validate(budget),
        concurrency=concurrency,
        share=shared_store() if is_working_copy(folder) else None,
    )
    tell_code(opened)
    execute(opened, accept=accept, as_json=as_json, checkpoints=checkpoints, notify=targets, machines=machines)
