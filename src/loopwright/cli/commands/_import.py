"""`loopwright import`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option


@click.command(
    epilog=examples(
        "loopwright import inspect samples.jsonl --out questions",
        "loopwright import harbor hello-world --out hello",
        "loopwright import huggingface questions.parquet --column goal=problem --column target=final",
    )
)
@click.argument("format", metavar="FORMAT")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to be made; SOURCE's name with -tasks by default.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="WHAT=NAME",
    help="The name of a column of huggingface: goal, target, id or choices; split=NAME names the split.",
)
@json_option
def command(format: str, source: Path, out: Path | None, columns: tuple[str, ...], as_json: bool) -> None:
    """Make a task folder out of what another tool reads.

    FORMAT is `harbor`, `huggingface`, `inspect`, `swebench`, or your own. Nothing of SOURCE is executed, and nothing is
    downloaded.
    """
    from loopwright.cli._output import write, write_json
    from loopwright.imports import import_tasks
    from loopwright.text import counted

    target = out or Path(f"{source.stem}-tasks")
    named = dict(one.partition("=")[::2] for one in columns)
    made = import_tasks(format, source, target, columns=named)
    if as_json:
        not_carried = dict(made.not_carried)
        write_json({"out": str(target), "instances": made.instances, "not_carried": not_carried})
        return
    write(f"wrote {counted(made.instances, 'instance')} to {target}")
    for what, number in sorted(made.not_carried.items()):
        write(f"not carried over: {what} ({number})")
    write(f"Next: loopwright validate {target}")
