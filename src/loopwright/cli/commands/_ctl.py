"""`loopwright ctl`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from loopwright.cli._options import NumberRange, WholeRange, examples, json_option, run_argument, runs_option
from loopwright.task import Caps
from loopwright.types import Choice

if TYPE_CHECKING:
    from loopwright.control import Command

_EXAMPLES = examples(
    "loopwright ctl runs/demo status",
    "loopwright ctl runs/demo pause",
    "loopwright ctl runs/demo skip balances:refine:0",
    "loopwright ctl runs/demo set concurrency 2",
    "loopwright ctl runs/demo set usd 5",
)


@click.group(epilog=_EXAMPLES, subcommand_metavar="COMMAND [ARGS]...")
@run_argument(required=True)
@runs_option
@click.pass_context
def command(ctx: click.Context, run: str, runs: Path) -> None:
    """Steer a run that another process works on.

    RUN is a run folder, an id in --runs or its beginning. The process is told by a socket in the run's folder, and what
    it does about it is in the record.
    """
    ctx.obj = (run, runs)


def _plain(name: str, make: str, text: str) -> None:
    @command.command(name, help=text, epilog=examples(f"loopwright ctl runs/demo {name}"))
    @json_option
    @click.pass_obj
    def verb(where: tuple[str, Path], as_json: bool) -> None:
        from loopwright import control

        _give(where, getattr(control, make)(), as_json=as_json)


_plain("status", "AskStatus", "Tell how far the run is, and what its caps leave.")
_plain("pause", "Pause", "Begin nothing until `continue`; what is under way finishes.")
_plain("continue", "Continue", "Go on after `pause`.")
_plain("stop", "Stop", "End the run after the steps under way, as Ctrl+C does; `resume` goes on.")


@command.command("skip", epilog=examples("loopwright ctl runs/demo skip balances:refine:0"))
@click.argument("episode")
@json_option
@click.pass_obj
def skip_command(where: tuple[str, Path], episode: str, as_json: bool) -> None:
    """End an episode without a score, after its step under way.

    EPISODE is its name or the beginning of it. `resume` leaves it out, too; `resume --retry` tries it again.
    """
    from loopwright.control import Skip

    with _told_by_argument():
        order = Skip(episode=episode)
    _give(where, order, as_json=as_json)


@command.command("retry", epilog=examples("loopwright ctl runs/demo retry balances:refine:0"))
@click.argument("episode")
@json_option
@click.pass_obj
def retry_command(where: tuple[str, Path], episode: str, as_json: bool) -> None:
    """Try an episode again that failed or was skipped; no answered call of it is paid again."""
    from loopwright.control import Retry

    with _told_by_argument():
        order = Retry(episode=episode)
    _give(where, order, as_json=as_json)


@command.command("answer", epilog=examples("loopwright ctl runs/demo answer say:refine:0/1/decision stop"))
@click.argument("question")
@click.argument("choice", type=click.Choice(get_args(Choice)), metavar="CHOICE")
@click.argument("text", default="")
@click.option("--iteration", type=WholeRange(0), help="Where `backtrack` goes back to.")
@json_option
@click.pass_obj
def answer_command(
    where: tuple[str, Path], question: str, choice: Choice, text: str, iteration: int | None, as_json: bool
) -> None:
    """Answer a question that an episode waits with; `status` shows the open ones.

    QUESTION is its id or the beginning of it. CHOICE is one of agree, continue, restart, backtrack and stop for a
    decision, and approve or refuse for an action. TEXT, quoted, is told to the proposer with a decision, and is what a
    refused action gives back.
    """
    from loopwright.control import GiveAnswer

    with _told_by_argument():
        order = GiveAnswer(question=question, choice=choice, text=text, target=iteration)
    _give(where, order, as_json=as_json)


@command.command(
    "set", epilog=examples("loopwright ctl runs/demo set concurrency 2", "loopwright ctl runs/demo set usd 5")
)
@click.argument("what", type=click.Choice(["concurrency", *Caps.model_fields]), metavar="concurrency|CAP")
@click.argument("value", type=NumberRange(0))
@json_option
@click.pass_obj
def set_command(where: tuple[str, Path], what: str, value: float, as_json: bool) -> None:
    """Change the number of episodes at a time, or a cap of the whole run.

    What was spent counts under the new cap. An episode that ended for want of budget is tried again by `retry`.
    """
    from loopwright.control import SetCap, SetConcurrency

    if what == "concurrency" and value != int(value):
        raise click.BadParameter(f"{value:g} is no number of episodes.", param_hint="VALUE")
    order: Command
    with _told_by_argument():
        order = SetConcurrency(episodes=int(value)) if what == "concurrency" else SetCap(cap=what, amount=value)
    _give(where, order, as_json=as_json)


def _give(where: tuple[str, Path], order: Command, *, as_json: bool) -> None:
    from loopwright.cli._output import write, write_json
    from loopwright.cli._runs import find_folder
    from loopwright.control import ControlRequest, ask
    from loopwright.errors import UserError

    name, runs = where
    reply = ask(find_folder(name, runs), ControlRequest(command=order, by="ctl"))
    if not reply.done:
        raise UserError(reply.told, remedy=reply.remedy)
    if as_json:
        write_json(reply)
        return
    write(reply.told)
    for episode in reply.status.under_way if reply.status else ():
        at = "" if episode.iteration is None else f", iteration {episode.iteration}"
        write(f"  {episode.id}{at}")
    for question in reply.status.questions if reply.status else ():
        write(f"\n{question.id} waits for {', '.join(question.choices)}:\n{question.text}")


@contextmanager
def _told_by_argument() -> Iterator[None]:
    """Tells what no run takes of a command by the argument of the command line that said it."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        argument = str(first["loc"][0])
        hint = {"episodes": "VALUE", "amount": "VALUE"}.get(argument, argument.upper())
        raise click.BadParameter(f"{first['msg']}.", param_hint=hint) from None
