"""The group of verbs: lazy, and the one place where failures become messages and exit codes."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from loopwright._version import __version__
from loopwright.cli._exit import CliError, exit_code, usage_error
from loopwright.errors import LoopwrightError, StoreError, UserError
from loopwright.text import cut_middle, printable_lines

VERBS = {
    "init": "Write a small project that runs at once.",
    "run": "Run task files.",
    "resume": "Go on with a run that was interrupted.",
    "ctl": "Steer a run that another process works on.",
    "fork": "Go on from the middle of an episode, in a new run.",
    "regrade": "Grade a run's recorded candidates again, with changed tests or verifiers.",
    "show": "Show a run, or one of its episodes.",
    "report": "Write a run's report as one HTML file.",
    "store": "Keep runs in a Postgres database that machines share: make it ready, list runs, copy them.",
    "view": "Show runs in a browser while they work.",
    "export": "Write a run, or a task, in the format of another tool.",
    "import": "Make a task folder out of what another tool reads.",
    "compare": "Compare two runs, or the variants of one, task by task.",
    "bench": "Run benchmark suites, compare runs, and tell what their numbers can bear.",
    "data": "Fetch data sets of benchmark suites.",
    "gate": "Decide about a change by two runs: accept, hold or roll back.",
    "drift": "Tell whether agents still behave as they did, and since when not.",
    "validate": "Check task files and everything that they name, and run nothing.",
    "explain": "Explain a task: its graph, its roles, its limits, what each role sees.",
    "schema": "Print the JSON schema of task files, for editors.",
    "env": "List environments, and build their images.",
    "models": "List endpoints and local models, find out what a server does, and fetch the weights of local models.",
    "doctor": "Show what isolation this machine can give.",
    "gc": "Remove sandboxes whose owner is dead.",
}
"""Verb to its one line of help, so that `--help` need not import the verbs."""

_NEEDS_NO_SETTINGS = frozenset(
    {"compare", "ctl", "doctor", "export", "gate", "gc", "import", "init", "report", "schema", "show", "view"}
)
"""Verbs that go on where `.env` cannot be read."""

_NAMED = 300
"""Characters of a file's name in a message."""

_AS_JSON = "loopwright.json"
"""Where the context holds whether failures are told as JSON."""

_NO_RIGHT = ("{} cannot be used: {}", "See who may read and write it and the folders above it.")
_REFUSED = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: ("{} cannot be written: {}", "Name a place that can be written."),
    errno.ENAMETOOLONG: ("{}: no file can have so long a name", "Shorten it."),
}
"""What the system may say of any file that a user names: how it is told, and what helps."""

_FULL = "Make room on the disk. A run that stopped goes on with `loopwright resume`."

_EPILOG = """\
\b
Exit codes:
  0    done; the run passed, or no threshold was set
  1    the pass rate is below the threshold
  2    usage, or something you wrote cannot work
  3    infrastructure failed: a variant without a score, or too few to tell of the threshold
  130  interrupted; `loopwright resume` goes on
"""


class LazyGroup(click.Group):
    """A group whose verbs are modules of this package, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which one meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"loopwright.cli.commands._{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the verb that was typed; one that there is not is told with those that look like it."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=2)
            ctx.fail(f"there is no verb {args[0]!r}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Reads the options before the verb."""
        # By what was typed: a mistake in another option is found before this one is read.
        as_json = "--json" in args
        try:
            ctx = super().make_context(info_name, args, parent, **extra)
        except click.ClickException as error:
            raise usage_error(error, as_json=as_json) from None
        ctx.meta[_AS_JSON] = as_json
        return ctx

    def invoke(self, ctx: click.Context) -> object:
        """Runs a verb; a failure becomes a message with its remedy, and an exit code."""
        as_json: bool = ctx.meta[_AS_JSON]
        try:
            return super().invoke(ctx)
        except SystemExit as error:
            # Code of one's own that exits must not look like a verb that went well.
            ended = UserError(
                f"code that was called ended the process: sys.exit({error.code!r})",
                remedy="Modules, models, environments and verifiers of your own raise an error instead.",
            )
            raise CliError.of(ended, as_json=as_json) from None
        except (LoopwrightError, KeyboardInterrupt) as error:
            if os.environ.get("LOOPWRIGHT_DEBUG"):
                traceback.print_exc()
            raise CliError.of(error, as_json=as_json) from None
        except click.ClickException as error:
            raise usage_error(error, as_json=as_json) from None
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if isinstance(error, OSError) and (told := _refused(error)):
                if os.environ.get("LOOPWRIGHT_DEBUG"):
                    traceback.print_exc()
                raise CliError.of(told, as_json=as_json) from None
            # A defect must not look like exit code 1, which says that a threshold was missed.
            from loopwright.secrets import scrub

            click.echo(printable_lines(scrub(traceback.format_exc())), err=True)
            ctx.exit(exit_code(error))


def _refused(error: OSError) -> LoopwrightError | None:
    """What the system says of a file or a disk, as an error of this program; None for what may be a defect."""
    name = error.filename
    shown = None if name is None else cut_middle(os.fsdecode(name) if isinstance(name, bytes) else str(name), _NAMED)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"{shown or 'what this verb writes'} cannot be written: {error.strerror}", remedy=_FULL)
    if shown is None or error.errno not in _REFUSED:
        return None
    told, remedy = _REFUSED[error.errno]
    return UserError(told.format(shown, error.strerror), remedy=remedy)


@click.command(
    cls=LazyGroup,
    name="loopwright",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="loopwright", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Run self-refinement loops: propose, execute in a sandbox, verify, critique, decide."""
    env_file = Path(".env")
    if env_file.is_file():
        from loopwright.cli._output import load_env

        try:
            load_env(env_file)
        except UserError as error:
            if ctx.invoked_subcommand not in _NEEDS_NO_SETTINGS:
                raise
            click.echo(printable_lines(f"note: {error.args[0]}, so it is passed over"), err=True)


def _open_closed_streams() -> None:
    """Opens nothing in place of standard streams that are closed, as some schedulers start programs.

    Else a file of the run would get the stream's number, and programs that are started would write into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # open until the end


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    _open_closed_streams()
    app(args, prog_name="loopwright")
