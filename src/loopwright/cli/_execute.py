"""Executes a run from the command line: live progress, signals, the closing words, the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import click

from loopwright import Run, load_result
from loopwright.cli._acceptance import Acceptance, accepted
from loopwright.cli._exit import ExitCode
from loopwright.cli._output import load_env, tell, write, write_json
from loopwright.cli._progress import show_progress
from loopwright.cli.render._summary import summary_as_json
from loopwright.errors import Interrupted, UserError
from loopwright.report import render_text, summarize_run
from loopwright.secrets import MASK, masked_names

_GRACE = 5.0
"""Seconds that closing sandboxes may take after the second signal."""


def execute(run: Run, *, accept: float | None, as_json: bool, checkpoints: str = "") -> None:
    """Runs to the end, tells what came out, and exits.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    run.checkpoints = checkpoints
    folder = run.store.folder
    result = carry_out(run, accept)
    code = result.code
    summary = summarize_run(folder)
    if as_json:
        write_json(
            {"folder": str(folder), "exit_code": int(code), "reasons": list(result.reasons), **summary_as_json(summary)}
        )
    else:
        write(render_text(summary))
        write(closing_words(folder, result))
    click.get_current_context().exit(int(code))


def carry_out(run: Run, accept: float | None) -> Acceptance:
    """Runs to the end with live progress; says how it ended.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    load_env(run.config.project / ".env")
    folder = run.store.folder
    if names := masked_names():
        tell(f"note: the values of {', '.join(names)} (.env) are written as {MASK} wherever they occur")
    with show_progress(run):
        try:
            asyncio.run(_until_signalled(run))
        except (Interrupted, asyncio.CancelledError):
            return Acceptance(ExitCode.INTERRUPTED)
        except UserError:
            tell(f"the run stopped; mend what follows, then: loopwright resume {folder}")
            raise
    return accepted(load_result(folder), run.resolved, accept)


def tell_code(run: Run) -> None:
    """Tells what code a recorded run uses, where it comes from, and what of it is not used."""
    modules = [name.removeprefix("module ") for name in run.resolved.fingerprints if name.startswith("module ")]
    if modules:
        tell(f"note: the run uses code of {run.config.project}, or installed: {', '.join(modules)}")
    if (recorded := run.store.manifest.config.get("cache")) and run.config.cache is None:
        tell(f"note: the run was not made here, so its response cache is not used: {recorded}")


async def _until_signalled(run: Run) -> None:
    """Drains the run at the first SIGINT or SIGTERM; stops it where it stands at the second."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    seen = 0

    def stop() -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            tell("stopping after the steps under way; once more to stop now")
            run.drain()
        elif seen == 2 and task is not None:
            # The record is whole at any instant, and what computes in a thread cannot be cancelled.
            killer = threading.Timer(_GRACE, os._exit, (int(ExitCode.INTERRUPTED),))
            killer.daemon = True
            killer.start()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await run.execute()


def closing_words(folder: Path, result: Acceptance) -> str:
    """Where the run is, why it was not accepted, and what to do next."""
    lines = ["", f"Run folder: {folder}"]
    match result.code:
        case ExitCode.INTERRUPTED:
            lines.append(f"Interrupted. Go on: loopwright resume {folder}")
        case ExitCode.BELOW:
            lines += ["Not accepted:", *(f"  {reason}" for reason in result.reasons)]
        case ExitCode.INFRASTRUCTURE:
            lines += ["Infrastructure failed, which leaves it open:", *(f"  {reason}" for reason in result.reasons)]
            lines.append(f"Mend the cause, then: loopwright resume {folder}")
    lines += [f"Look at it: loopwright show {folder}", f"Report:     loopwright report {folder}"]
    return "\n".join(lines)
