"""`loopwright fork`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loopwright.cli._options import (
    NumberRange,
    SeedNumber,
    WholeRange,
    checkpoints_option,
    examples,
    json_option,
    run_argument,
    runs_option,
    sent_options,
    shared_store,
)


class _Point(click.ParamType[tuple[str, int]]):
    """An episode and an iteration in it."""

    name = "EPISODE:ITERATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Splits at the last colon: names of episodes hold colons too."""
        episode, _, iteration = str(value).rpartition(":")
        if not episode or not iteration.isdecimal():
            self.fail(f"{value!r} is not of the form EPISODE:ITERATION, such as balances:refine:0:2", param, ctx)
        return episode, int(iteration)


@click.command(
    epilog=examples(
        "loopwright fork runs/demo --at balances:refine:0:2 --seed 7",
        "loopwright fork runs/demo --at balances:refine:0:1 --model openai/gpt-5-mini --calls 8",
    )
)
@run_argument(required=True)
@click.option("--at", type=_Point(), required=True, help="The episode, and its first iteration to make anew.")
@click.option("--model", help="provider/model for every role from there on.")
@click.option("--seed", type=SeedNumber(), help="Draws other samples, where models honour seeds.")
@click.option("--calls", type=WholeRange(1), help="Model calls of the episode, those kept included.")
@click.option("--accept", type=NumberRange(0, 1), help="Pass rate below which the exit code is 1.")
@click.option("--out", type=click.Path(path_type=Path), help="The new run folder; a new one in --runs by default.")
@sent_options
@checkpoints_option
@runs_option
@json_option
def command(
    run: str,
    at: tuple[str, int],
    model: str | None,
    seed: int | None,
    calls: int | None,
    accept: float | None,
    out: Path | None,
    project: Path | None,
    trust_sandbox: bool,
    checkpoints: str,
    runs: Path,
    as_json: bool,
) -> None:
    """Go on from the middle of an episode, in a new run.

    RUN is a run folder, an id in --runs or its beginning; the beginning of an episode's name is enough too.
    Iterations before that of --at are kept with their answers, which are not paid for again. The old run stays as it
    is.
    """
    from loopwright import new_run_id
    from loopwright.cli._execute import execute, tell_code
    from loopwright.cli._runs import find_episode, find_run
    from loopwright.runner import fork_episode

    folder = find_run(run, runs)
    episode, iteration = at
    name = find_episode(folder, episode)
    target = out or runs / new_run_id()
    forked = fork_episode(
        folder,
        target,
        episode=name,
        at=iteration,
        model=model,
        seed=seed,
        calls=calls,
        project=project,
        trust_sandbox=trust_sandbox,
        share=shared_store(),
    )
    tell_code(forked)
    execute(forked, accept=accept, as_json=as_json, checkpoints=checkpoints)
