"""`loopwright report`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import examples, json_option, run_argument, runs_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog=examples(
        "loopwright report",
        "loopwright report runs/demo --out demo.html",
        "loopwright report runs/demo --junit junit.xml --csv episodes.csv",
    )
)
@run_argument()
@click.option("--out", type=_FILE, help="The HTML file; report.html in the run folder by default.")
@click.option("--junit", type=_FILE, help="Write JUnit XML here too.")
@click.option("--csv", type=_FILE, help="Write a line per episode as CSV here too.")
@runs_option
@json_option
def command(run: str | None, out: Path | None, junit: Path | None, csv: Path | None, runs: Path, as_json: bool) -> None:
    """Write a run's report as one HTML file.

    RUN is a run folder, an id in --runs or its beginning; the latest by default.
    """
    from loopwright.cli._output import write, write_file, write_json
    from loopwright.cli._runs import find_run, own_page
    from loopwright.report import render_csv, render_html, render_junit, summarize_run

    folder = find_run(run, runs)
    page = out or own_page(folder, "report.html")
    write_file(page, render_html(folder))
    written = {"html": page}
    if junit or csv:
        summary = summarize_run(folder)
        if junit:
            write_file(junit, render_junit(summary))
            written["junit"] = junit
        if csv:
            write_file(csv, render_csv(summary))
            written["csv"] = csv
    if as_json:
        write_json({kind: str(path) for kind, path in written.items()})
    else:
        write("\n".join(f"wrote {path}" for path in written.values()))
