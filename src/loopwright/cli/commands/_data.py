"""`loopwright data`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option

_EXAMPLES = examples(
    "loopwright data list",
    "loopwright data fetch intercode",
    "loopwright data fetch humaneval --from HumanEval.jsonl.gz",
)


@click.group(epilog=_EXAMPLES)
def command() -> None:
    """Fetch data sets of benchmark suites."""


@command.command("list", epilog=examples("loopwright data list"))
@json_option
def list_command(as_json: bool) -> None:
    """List the data sets, their public homes, where they are here, and what is known of their files (--json)."""
    from loopwright.bench import SOURCES
    from loopwright.cli._output import write_json, write_table
    from loopwright.user_folders import data_folder

    here = {name: data_folder(name) for name in SOURCES}
    if as_json:
        write_json(
            [
                {
                    "data": name,
                    "url": source.url,
                    "folder": str(here[name]),
                    "here": here[name].is_dir(),
                    "checked": {file: pin.told for file, pin in source.pins.items()},
                }
                for name, source in SOURCES.items()
            ]
        )
    else:
        rows = [(name, s.url, str(here[name]) if here[name].is_dir() else "") for name, s in SOURCES.items()]
        write_table(("data", "home", "folder"), rows)


@command.command("fetch", epilog=_EXAMPLES)
@click.argument("name")
@click.option("--from", "source", help="Folder, archive or file on this machine, or the URL of another home.")
@click.option("--to", type=click.Path(path_type=Path), help="Where to put it; the user's data folder by default.")
@json_option
def fetch_command(name: str, source: str | None, to: Path | None, as_json: bool) -> None:
    """Get a data set, pinned and checked."""
    from loopwright.bench import fetch
    from loopwright.cli._output import write, write_json

    folder = fetch(name, source=source, to=to)
    if as_json:
        write_json({"data": name, "folder": str(folder)})
    else:
        write(f"{name} is in {folder}")
