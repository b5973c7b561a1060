"""`loopwright drift`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import NumberRange, WholeRange, examples, json_option, runs_option

if TYPE_CHECKING:
    from loopwright.drift import DetectorName

_EXAMPLES = """\
\b
Examples:
  loopwright drift baseline freeze runs/monday runs/tuesday --out baseline.json
  loopwright drift report runs/today --baseline baseline.json
  loopwright drift simulate --scenario S9 --seeds 20

\b
Exit codes of report and watch:
  0  no alarm of a change for the worse
  1  an alarm
"""
_chance = NumberRange(0, 1, min_open=True, max_open=True)
_FILE = click.Path(path_type=Path, dir_okay=False)
_baseline = click.option(
    "--baseline", "baseline_file", type=_FILE, required=True, help="A baseline from `drift baseline freeze`."
)
_detector = click.option(
    "--detector",
    default="windows",
    show_default=True,
    help="How each dimension is watched: windows, cusum, adwin, e-process, or your own, module:Name.",
)
_alarms = click.option("--alarms", type=_FILE, help="Append each alarm to this file, as a line of JSON.")


@click.group(epilog=_EXAMPLES)
def command() -> None:
    """Tell whether agents still behave as they did, and since when not."""


@command.command(
    "report",
    epilog=examples("loopwright drift report runs/monday runs/tuesday --baseline baseline.json --out drift.html"),
)
@click.argument("sources", nargs=-1, required=True)
@_baseline
@click.option("--out", type=_FILE, help="Write the session as one HTML file.")
@_alarms
@_detector
@runs_option
@json_option
def report_command(
    sources: tuple[str, ...],
    baseline_file: Path,
    out: Path | None,
    alarms: Path | None,
    detector: DetectorName,
    runs: Path,
    as_json: bool,
) -> None:
    """Review a session: one run or several in order.

    SOURCES are run folders, ids in --runs, or files of one interaction per line (JSON; see docs/drift.md).
    """
    from loopwright.cli._output import write, write_file, write_json
    from loopwright.cli.render._drift import append, interactions, leave, show
    from loopwright.drift import Baseline, review
    from loopwright.report import render_drift

    found = review(Baseline.load(baseline_file), interactions(sources, runs), detector)
    append(alarms, found.alarms)
    if out:
        write_file(out, render_drift(found, f"Drift of {', '.join(sources)}"))
    if as_json:
        write_json(found.as_dict())
    else:
        show(found)
        if out:
            write(f"wrote {out}")
    leave(found.worse)


@command.command("watch", epilog=examples("loopwright drift watch today --baseline baseline.json"))
@click.argument("run")
@click.option(
    "--baseline",
    "baseline_file",
    type=_FILE,
    help="A baseline from `drift baseline freeze`; without one, the alarms that the run's own monitor records.",
)
@_alarms
@_detector
@click.option("--every", type=NumberRange(0.1), default=2.0, show_default=True, help="Seconds between looks.")
@runs_option
@json_option
def watch_command(
    run: str,
    baseline_file: Path | None,
    alarms: Path | None,
    detector: DetectorName,
    every: float,
    runs: Path,
    as_json: bool,
) -> None:
    """Watch a run that is being made until it ends; tell alarms as they come.

    RUN is a run folder, an id in --runs or its beginning.
    """
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._drift import append, follow, follow_recorded, leave, tell
    from loopwright.drift import Baseline

    worse = []
    folder = find_run(run, runs)
    baseline = None if baseline_file is None else Baseline.load(baseline_file)
    for alarm in follow(baseline, folder, every, detector) if baseline else follow_recorded(folder, every):
        append(alarms, [alarm])
        tell(alarm, as_json=as_json)
        if alarm.worse:
            worse.append(alarm)
    leave(worse)


@command.group("baseline", epilog=examples("loopwright drift baseline freeze runs/monday --out baseline.json"))
def baseline_group() -> None:
    """Freeze, show and verify baselines."""


@baseline_group.command("freeze", epilog=examples("loopwright drift baseline freeze runs/monday runs/tuesday"))
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", type=_FILE, default=Path("baseline.json"), show_default=True, help="The file to write.")
@click.option("--name", default="baseline", show_default=True)
@click.option(
    "--alpha", type=_chance, default=0.035, show_default=True, help="Chance that a session without drift ever alarms."
)
@click.option(
    "--horizon", type=WholeRange(100), default=3000, show_default=True, help="Interactions of such a session."
)
@click.option(
    "--embedding",
    default="hash",
    show_default=True,
    help="How outputs are compared: hash, wordllama, PROVIDER/MODEL or none.",
)
@runs_option
@json_option
def freeze_command(
    sources: tuple[str, ...],
    out: Path,
    name: str,
    alpha: float,
    horizon: int,
    embedding: str,
    runs: Path,
    as_json: bool,
) -> None:
    """Learn what is usual from 200 interactions or more, better 1,000.

    SOURCES are run folders, ids in --runs, or files of one interaction per line (JSON).
    """
    from loopwright.cli.render._drift import interactions, show_baseline
    from loopwright.drift import Baseline

    frozen = Baseline.freeze(
        list(interactions(sources, runs)),
        name=name,
        alpha=alpha,
        horizon=horizon,
        embedding="" if embedding == "none" else embedding,
    )
    frozen.save(out)
    show_baseline(frozen, out, as_json=as_json)


@baseline_group.command("show", epilog=examples("loopwright drift baseline show baseline.json"))
@click.argument("file", type=_FILE)
@json_option
def show_command(file: Path, as_json: bool) -> None:
    """Show what a baseline holds."""
    from loopwright.cli.render._drift import show_baseline
    from loopwright.drift import Baseline

    show_baseline(Baseline.load(file), file, as_json=as_json)


@baseline_group.command("verify", epilog=examples("loopwright drift baseline verify baseline.json --digest 3f9a"))
@click.argument("file", type=_FILE)
@click.option("--digest", default="", help="The sha256 that it must have, or its beginning.")
@json_option
def verify_command(file: Path, digest: str, as_json: bool) -> None:
    """Verify that a baseline is as it was frozen."""
    from loopwright.cli._output import write, write_json
    from loopwright.drift import Baseline
    from loopwright.errors import UserError

    found = Baseline.load(file).digest
    if not found.startswith(digest):
        raise UserError(f"{file} is another baseline: its sha256 is {found}", remedy="Name the right file.")
    if as_json:
        write_json({"file": str(file), "digest": found})
    else:
        write(f"{file}: {found}")


@command.command("simulate", epilog=examples("loopwright drift simulate --scenario S1 --seeds 20 --alpha 0.05"))
@click.option("--scenario", "names", multiple=True, help="S1 to S15 and others; repeatable; all by default.")
@click.option("--seeds", type=WholeRange(1), default=5, show_default=True, help="Sessions of each.")
@click.option("--alpha", type=_chance, default=0.035, show_default=True)
@click.option("--horizon", type=WholeRange(100), default=3000, show_default=True)
@click.option(
    "--size", type=click.IntRange(1, 1_000_000), help="Interactions of the baseline; each scenario's own by default."
)
@_detector
@json_option
def simulate_command(
    names: tuple[str, ...],
    seeds: int,
    alpha: float,
    horizon: int,
    size: int | None,
    detector: DetectorName,
    as_json: bool,
) -> None:
    """Try thresholds on simulated sessions whose drift is known.

    A session has 3,000 interactions; drift begins with the 1,001st.
    """
    from loopwright.cli.render._drift import simulate

    simulate(names, seeds, alpha=alpha, horizon=horizon, size=size, detector=detector, as_json=as_json)
