"""`loopwright regrade`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import (
    NumberRange,
    WholeRange,
    examples,
    json_option,
    run_argument,
    runs_option,
    sent_options,
    shared_store,
)


@click.command(
    epilog=examples(
        "loopwright regrade runs/demo",
        "loopwright regrade runs/demo --task mended.yaml --accept 0.8",
        "loopwright regrade runs/demo --model openai/gpt-5-mini --prices prices.yaml --max-usd 0.50",
    )
)
@run_argument(required=True)
@click.option(
    "--task",
    "tasks",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A task file, or a folder of them, as the task is now; the run's own files by default.",
)
@click.option("--model", help="provider/model of the judge.")
@click.option("--max-usd", type=NumberRange(min=0), help="Cap on what judges cost; needs prices.")
@click.option("--max-calls", type=WholeRange(1), help="Cap on calls of judges.")
@click.option("--prices", type=click.Path(path_type=Path), help="Your price file; the run's own by default.")
@click.option("--concurrency", type=WholeRange(1), default=4, show_default=True, help="Episodes at a time.")
@click.option("--accept", type=NumberRange(0, 1), help="Pass rate below which the exit code is 1.")
@click.option("--out", type=click.Path(path_type=Path), help="The new run folder; by default one in --runs.")
@sent_options
@runs_option
@json_option
def command(
    run: str,
    tasks: tuple[Path, ...],
    model: str | None,
    max_usd: float | None,
    max_calls: int | None,
    prices: Path | None,
    concurrency: int,
    accept: float | None,
    out: Path | None,
    project: Path | None,
    trust_sandbox: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """Grade a run's recorded candidates again, with changed tests or verifiers.

    RUN is a run folder, an id in --runs or its beginning. No proposer and no critic is asked: only a judge is paid
    for, where the task has one and no hidden checks. The old run stays as it is; the new grades are a run of their
    own. The same command again goes on where it was interrupted, and tells the changes.
    """
    from loopwright.cli._execute import carry_out, closing_words, tell_code
    from loopwright.cli._files import open_tasks, task_files
    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._regrade import show_changes
    from loopwright.report import summarize_run
    from loopwright.runner import load_regrade, regrade_run
    from loopwright.task import CapOptions

    regraded = regrade_run(
        find_run(run, runs),
        out,
        tasks=open_tasks(task_files(tasks)) if tasks else (),
        judge=model,
        budget=CapOptions(usd=max_usd, model_calls=max_calls),
        prices=prices,
        concurrency=concurrency,
        project=project,
        trust_sandbox=trust_sandbox,
        runs=runs,
        share=shared_store(),
    )
    tell_code(regraded)
    folder = regraded.store.folder
    ended = carry_out(regraded, accept)
    found = load_regrade(folder)
    if as_json:
        write_json({"exit_code": int(ended.code), "reasons": list(ended.reasons), **found.as_dict()})
    else:
        show_changes(found)
        write(closing_words(folder, ended, summarize_run(folder)))
    click.get_current_context().exit(int(ended.code))
