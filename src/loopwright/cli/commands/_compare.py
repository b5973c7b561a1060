"""`loopwright compare`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option, pair_option, run_argument, runs_option


@click.command(
    epilog=examples(
        "loopwright compare runs/before runs/after",
        "loopwright compare runs/demo",
        "loopwright compare runs/before runs/after --out comparison.html",
        "loopwright compare runs/before runs/after --pair refine=single",
    )
)
@run_argument(required=True)
@run_argument("other")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the comparison as one HTML file.")
@pair_option
@runs_option
@json_option
def command(
    run: str, other: str | None, out: Path | None, pairs: tuple[tuple[str, str], ...], runs: Path, as_json: bool
) -> None:
    """Compare two runs, or the variants of one, task by task.

    RUN and OTHER are run folders, ids in --runs or their beginnings. Of two runs, variants of the same name are
    compared, those of the same strategy and models, and the only variants of both; of one run, each pair of its
    variants. Only instances that both have count, and only scores: what infrastructure failed is left out.
    """
    from loopwright.cli._output import write, write_file, write_json
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._comparison import show
    from loopwright.report import compare, render_comparison

    found = compare(find_run(run, runs), find_run(other, runs) if other else None, pairs=pairs)
    if out:
        write_file(out, render_comparison(found))
    if as_json:
        write_json(found.as_dict())
        return
    show(found)
    if out:
        write(f"wrote {out}")
