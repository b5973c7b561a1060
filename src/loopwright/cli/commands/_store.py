"""`loopwright store`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import examples, json_option, runs_option, shared_store, store_option

if TYPE_CHECKING:
    from loopwright.store.shared import SharedRun, SharedStore


@click.group(
    epilog=examples(
        "loopwright store init --artifacts s3://team/loopwright",
        "loopwright store list",
        "loopwright store copy runs/demo",
        "loopwright store copy demo --out copies/demo",
    )
)
def command() -> None:
    """Keep runs in a Postgres database that machines share: make it ready, list runs, copy them.

    The database is named by --store, or best by LOOPWRIGHT_STORE, as its URL holds a password.
    """


@command.command("init", epilog=examples("loopwright store init --artifacts s3://team/loopwright --inline 100000"))
@click.option(
    "--artifacts",
    metavar="PLACE",
    help="Where large artifacts go: an absolute folder that all share, or s3://BUCKET/PREFIX; '' for the database.",
)
@click.option(
    "--inline",
    type=click.IntRange(0, 256 * 1024 * 1024),
    metavar="BYTES",
    help="With a place: artifacts of so many bytes at most stay in the database; 1 MiB at first.",
)
@store_option
@json_option
def init_command(artifacts: str | None, inline: int | None, as_json: bool) -> None:
    """Make the schema `loopwright` in the database, or bring it up to date.

    What is set here holds for all machines. It is kept in the database.
    """
    from loopwright.cli._output import write, write_json

    made = _store().init(artifacts, inline)
    if as_json:
        write_json({"id": made.id, "artifacts": made.place, "inline": made.inline})
        return
    where = f"in {made.place}, those up to {made.inline} bytes in the database" if made.place else "in the database"
    write(f"The database is ready for runs. Artifacts lie {where}.")


@command.command("list", epilog=examples("loopwright store list", "loopwright store list --json"))
@store_option
@json_option
def list_command(as_json: bool) -> None:
    """List the runs of the database, the newest last."""
    from loopwright.cli._output import write, write_json, write_table

    found = _store().runs()
    if as_json:
        write_json([asdict(run) for run in found])
        return
    if not found:
        write("The database holds no runs.")
        return
    rows = [_row(run) for run in found]
    write_table(("run", "created (UTC)", "episodes", "ended", "events", "written by"), rows)


@command.command(
    "copy", epilog=examples("loopwright store copy runs/demo", "loopwright store copy demo --out copies/demo")
)
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy from the database into this new folder; without it, from the folder RUN into the database.",
)
@runs_option
@json_option
def copy_command(run: str, out: Path | None, runs: Path, as_json: bool) -> None:
    """Copy a run from a folder into the database, or from the database into a folder of its own.

    Without --out, RUN is a run folder, or an id in --runs or its beginning. With --out, it is an id in the database.
    The copy has the same events.jsonl and artifacts, byte for byte. A folder that was copied out is shared no more:
    `resume` goes on with it without --store.
    """
    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_folder

    store = _store()
    if out is not None:
        store.copy_out(run, out)
    else:
        run = store.copy_in(find_folder(run, runs))
    if as_json:
        write_json({"run": run, "folder": str(out) if out else None})
    else:
        write(f"copied {run} to {out or 'the database'}")


def _row(run: SharedRun) -> tuple[str, ...]:
    done, ended = f"{run.done}/{run.planned}", run.finished or "open"
    return run.id, run.created[:19], done, ended, str(run.lines), run.writer or "-"


def _store() -> SharedStore:
    store = shared_store()
    if store is None:
        raise click.UsageError("name the database by LOOPWRIGHT_STORE, or by --store")
    return store
