"""`loopwright show`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option, run_argument, runs_option


@click.command(
    epilog=examples("loopwright show", "loopwright show runs/demo", "loopwright show runs/demo balances:refine:0")
)
@run_argument()
@click.argument("episode", required=False)
@runs_option
@json_option
def command(run: str | None, episode: str | None, runs: Path, as_json: bool) -> None:
    """Show a run, or one of its episodes.

    RUN is a run folder, an id in --runs or its beginning; the latest by default. With EPISODE, every iteration: the
    candidate, what running it showed, the verdict, the critique and the decision.
    """
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._episode import show_episode
    from loopwright.cli.render._run import show_run

    folder = find_run(run, runs)
    if episode is None:
        show_run(folder, as_json=as_json)
    else:
        show_episode(folder, episode, as_json=as_json)
