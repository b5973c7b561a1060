"""`loopwright schema`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option


@click.command(epilog=examples("loopwright schema", "loopwright schema --out task.schema.json"))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@json_option
def command(out: Path | None, as_json: bool) -> None:
    """Print the JSON schema of task files, for editors.

    With --out, also the line that makes editors with a YAML language server use the file: put it first in a task file.
    """
    import json

    from loopwright.cli._output import write, write_file, write_json
    from loopwright.task import task_schema

    if out is None:
        write_json(task_schema())
        return
    write_file(out, json.dumps(task_schema(), indent=2) + "\n")
    line = f"# yaml-language-server: $schema={out}"
    if as_json:
        write_json({"file": str(out), "line": line})
    else:
        write(f"wrote {out}\n{line}")
