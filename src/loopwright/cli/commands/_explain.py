"""`loopwright explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli._options import examples, json_option
from loopwright.cli._plan_options import checked, plan_options

if TYPE_CHECKING:
    from loopwright.plan import RunOptions


@click.command(
    epilog=examples(
        "loopwright explain task.yaml --model local/smollm2-135m",
        "loopwright explain task.yaml --model local/smollm2-135m --prompt",
    )
)
@click.argument("path", type=click.Path(path_type=Path))
@plan_options
@click.option(
    "--prompt", is_flag=True, help="Show the first prompt of the first instance too, as the proposer gets it."
)
@json_option
def command(path: Path, plan: RunOptions, prompt: bool, as_json: bool) -> None:
    """Explain a task: its graph, its roles, its limits, what each role sees.

    PATH is a task file. Nothing is run and no model is called.
    """
    from loopwright.cli._output import tell, write, write_json
    from loopwright.preflight import explain_run, first_prompt

    everything = checked([path], plan, unnamed=True)
    for note in everything.notes:
        tell(f"note: {note}")
    explanation = explain_run(everything)
    asked = first_prompt(everything) if prompt else ()
    if as_json:
        shown = {"prompt": [message.model_dump() for message in asked]} if prompt else {}
        write_json({**explanation.as_dict(), **shown})
        return
    write(explanation.as_text())
    for message in asked:
        write(f"\n[{message.role}]\n{message.content}")
