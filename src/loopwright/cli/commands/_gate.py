"""`loopwright gate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from loopwright.cli._options import NumberRange, json_option, run_argument, runs_option

_EXAMPLES = """\
\b
Examples:
  loopwright gate runs/before runs/after
  loopwright gate before after --history 0.61 --history 0.63 --margin 0.01

\b
Exit codes:
  0  accept
  1  hold or roll back
"""


@click.command(epilog=_EXAMPLES)
@run_argument("baseline", required=True)
@run_argument("candidate", required=True)
@click.option(
    "--history",
    type=NumberRange(0, 1),
    multiple=True,
    help="Pass rate of an earlier accepted version.",
)
@click.option(
    "--margin",
    type=NumberRange(0, 1),
    default=0.02,
    show_default=True,
    help="Loss in pass rate that would be accepted.",
)
@runs_option
@json_option
def command(
    baseline: str, candidate: str, history: tuple[float, ...], margin: float, runs: Path, as_json: bool
) -> None:
    """Decide about a change by two runs: accept, hold or roll back.

    BASELINE is a run of the version in use, CANDIDATE one of a change of prompt, model or strategy, over the same
    tasks. Variants of a run are taken together. Episodes that infrastructure failed are left out.
    """
    from dataclasses import asdict

    from loopwright.cli._exit import ExitCode
    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_run
    from loopwright.drift import judge_change
    from loopwright.errors import UserError

    incumbent, changed = _passes(find_run(baseline, runs)), _passes(find_run(candidate, runs))
    if not incumbent.keys() & changed.keys():
        raise UserError(
            "the two runs share no instance that both have scores for",
            remedy="Run both over the same tasks; a gate compares instance by instance.",
        )
    ruling = judge_change(incumbent, changed, history, margin=margin)
    if as_json:
        write_json(asdict(ruling))
    else:
        paired = ruling.paired
        write(
            f"{ruling.decision}: {ruling.why}\n"
            f"{paired.tasks} tasks: {paired.mean_b:.3f} to {paired.mean_a:.3f}, difference {paired.difference:+.3f} "
            f"[{paired.interval.low:+.3f}, {paired.interval.high:+.3f}] ({paired.interval.method})\n"
            f"better on {ruling.wins}, worse on {ruling.losses}; P(better) {ruling.p_better:.2f}, "
            f"p of harm {ruling.p_harm:.3f}, xi {ruling.improvement:+.1f}"
        )
    if ruling.decision != "accept":
        click.get_current_context().exit(ExitCode.BELOW)


def _passes(folder: Path) -> Mapping[str, Sequence[float]]:
    from loopwright.report import summarize_run

    passes: dict[str, list[float]] = {}
    for variant in summarize_run(folder).variants:
        for unit, scores in variant.passes.items():
            passes.setdefault(unit, []).extend(scores)
    return passes
