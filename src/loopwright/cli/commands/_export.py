"""`loopwright export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import NumberRange, examples, json_option, run_argument, runs_option

if TYPE_CHECKING:
    from loopwright.export import ExportResult


@click.command(
    epilog=examples(
        "loopwright export --format atif",
        "loopwright export runs/demo --format preferences --out pairs",
        "loopwright export runs/demo --format chat --test-share 0.1 --license apache-2.0",
        "loopwright export task.yaml --format harbor --include tests --include solution",
    )
)
@run_argument()
@click.option(
    "--format",
    "name",
    required=True,
    metavar="NAME",
    help="atif, chat, inspect, journey, otel, picture-preferences, preferences, rewards, swebench, turns, or your own;"
    " of a task: harbor.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to be made; exports/RUN-FORMAT by default.",
)
@click.option(
    "--test-share",
    type=NumberRange(0, 1, max_open=True),
    default=0.0,
    help="Share of the instances whose rows go to test.jsonl.",
)
@click.option("--license", default="", help="Licence of tasks and replies, for the card.")
@click.option("--content", is_flag=True, help="Write prompts, replies and actions into the spans of otel.")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice(["tests", "solution"]),
    help="Of a task: write its hidden tests, or its solution, too.",
)
@runs_option
@json_option
def command(
    run: str | None,
    name: str,
    out: Path | None,
    test_share: float,
    license: str,
    content: bool,
    include: tuple[str, ...],
    runs: Path,
    as_json: bool,
) -> None:
    """Write a run, or a task, in the format of another tool.

    RUN is a run folder, an id in --runs or its beginning; the latest by default. Hidden tests and gold answers are
    never written. The exit code is 1 if the run holds nothing that the format takes. With --format harbor it is a task
    file, whose hidden tests and solution are written if --include names them.
    """
    from loopwright.cli._exit import ExitCode
    from loopwright.cli._output import write_json
    from loopwright.cli._runs import find_run
    from loopwright.export import TASK_FORMATS, ExportOptions, export, export_task

    options = ExportOptions(test_share, license, content)
    if name in TASK_FORMATS:
        options.refuse_rows(name)
        if run is None:
            raise click.UsageError(f"--format {name} takes a task file.")
        target = out or Path("exports") / f"{Path(run).stem}-{name}"
        written = export_task(run, name, target, include=include)
    else:
        if include:
            raise click.UsageError("--include is for the formats of tasks, such as harbor.")
        folder = find_run(run, runs)
        target = out or Path("exports") / f"{folder.name}-{name.rpartition(':')[2]}"
        written = export(folder, name, target, options=options)
    if as_json:
        write_json(
            {"out": str(target), "files": len(written.files), "entries": written.entries, "left_out": written.left_out}
        )
    else:
        _tell(written, target)
    click.get_current_context().exit(int(ExitCode.PASSED if written.entries else ExitCode.BELOW))


def _tell(written: ExportResult, target: Path) -> None:
    from loopwright.cli._output import write

    write(f"wrote {written.entries} entries to {target}" if written.entries else f"nothing was exported to {target}")
    for why, number in sorted(written.left_out.items()):
        write(f"{number} left out: {why}")
