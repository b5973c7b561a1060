"""`loopwright gate`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli._options import NumberRange, json_option, pair_option, run_argument, runs_option

_EXAMPLES = """\
\b
Examples:
  loopwright gate runs/before runs/after
  loopwright gate before after --history 0.61 --history 0.63 --margin 0.01
  loopwright gate before after --pair refine=refine@openai/gpt-5-mini

\b
Exit codes:
  0  accept, for every variant
  1  hold or roll back, for one or more
  2  no variants or instances to compare, or usage
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
@pair_option
@runs_option
@json_option
def command(
    baseline: str,
    candidate: str,
    history: tuple[float, ...],
    margin: float,
    pairs: tuple[tuple[str, str], ...],
    runs: Path,
    as_json: bool,
) -> None:
    """Decide about a change by two runs: accept, hold or roll back.

    BASELINE is a run of the version in use, CANDIDATE one of a change of prompt, model or strategy, over the same
    tasks. Each variant is judged by itself, against the one of the same name, or of the same strategy and models; the
    only variant of each run against the other. Episodes that infrastructure failed are left out.
    """
    from loopwright.cli._exit import ExitCode
    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_run
    from loopwright.cli.render._gate import rulings_as_json, told
    from loopwright.drift import judge_change
    from loopwright.errors import UserError
    from loopwright.report import pair_variants, summarize_run

    pairing = pair_variants(summarize_run(find_run(baseline, runs)), summarize_run(find_run(candidate, runs)), pairs)
    for old, new in pairing.pairs:
        if not old.passes.keys() & new.passes.keys():
            raise UserError(
                f"the two runs share no instance that both have scores for, in {old.name} and {new.name}",
                remedy="Run both over the same tasks; a gate compares instance by instance.",
            )
    rulings = [
        (old.name, new.name, judge_change(old.passes, new.passes, history, margin=margin)) for old, new in pairing.pairs
    ]
    if as_json:
        write_json(rulings_as_json(rulings, pairing.left_out))
    else:
        write("\n".join(told(*ruling, margin=margin) for ruling in rulings))
        if pairing.left_out:
            write(f"not judged, without a like in the other run: {', '.join(pairing.left_out)}")
    if any(ruling.decision != "accept" for *_, ruling in rulings):
        click.get_current_context().exit(ExitCode.BELOW)
