"""Executes a run from the command line: live progress, signals, the closing words, the exit code."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from loopwright import Run, load_result
from loopwright.cli._acceptance import Acceptance, accepted
from loopwright.cli._exit import ExitCode
from loopwright.cli._options import Place
from loopwright.cli._output import load_env, tell, write, write_json
from loopwright.cli._person import AtTerminal
from loopwright.cli._progress import show_progress
from loopwright.cli.render._loosened import loosened_lines
from loopwright.cli.render._summary import summary_as_json
from loopwright.errors import Cause, Interrupted, UserError
from loopwright.notify import Target
from loopwright.plan import Machines
from loopwright.report import RunSummary, render_text, summarize_run
from loopwright.secrets import MASK, masked_names
from loopwright.task import Caps
from loopwright.types import Failure

_CAP = re.compile(r"the cap on (\w+) ")
_NOT_FOUND = re.compile(r"/(?P<model>\S+) at \S+: 404\b(?P<words>.*)")
_GRACE = 5.0
"""Seconds that closing sandboxes may take after the second signal."""


def execute(
    run: Run,
    *,
    accept: float | None,
    as_json: bool,
    checkpoints: str = "",
    notify: Sequence[Target] = (),
    machines: Machines | None = None,
) -> None:
    """Runs to the end, tells what came out, and exits.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    run.checkpoints, run.notify, run.machines = checkpoints, notify, machines
    folder = run.store.folder
    result = carry_out(run, accept)
    code = result.code
    summary = summarize_run(folder)
    if as_json:
        write_json(
            {
                "folder": str(folder),
                "exit_code": int(code),
                "reasons": list(result.reasons),
                "loosened": loosened_lines(run.config.tasks),
                **summary_as_json(summary),
            }
        )
    else:
        write(render_text(summary))
        write(closing_words(folder, result, summary))
    click.get_current_context().exit(int(code))


def machines_at(place: Place) -> Machines | None:
    """The machines that `--on` and `--workers` name, not yet connected; None for this one.

    Raises:
        UserError: `--on` is no address.
    """
    if not place["on"]:
        return None
    from loopwright.cluster import RayCluster

    return RayCluster(**place, tell=tell)


def carry_out(run: Run, accept: float | None) -> Acceptance:
    """Runs to the end with live progress; says how it ended.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    load_env(run.config.project / ".env")
    folder = run.store.folder
    if names := masked_names():
        tell(f"note: the values of {', '.join(names)} (.env) are written as {MASK} wherever they occur")
    for what in loosened_lines(run.config.tasks):
        tell(f"note: the sandbox is loosened by {what}")
    run.tell, run.ask_here = tell, AtTerminal() if AtTerminal.is_there() else None
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
    recorded_project = Path(str(run.store.manifest.config.get("project")))
    if run.config.project == run.store.folder.absolute() != recorded_project.absolute():
        tell(f"note: the run was not made here, so its project is not read: {recorded_project}; --project names one")


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


def closing_words(folder: Path, result: Acceptance, summary: RunSummary) -> str:
    """Where the run is, why it was not accepted, and what to do next."""
    lines = ["", f"Run folder: {folder}"]
    match result.code:
        case ExitCode.INTERRUPTED:
            lines.append(f"Interrupted. Go on: loopwright resume {folder}")
        case ExitCode.BELOW:
            lines += ["Not accepted:", *(f"  {reason}" for reason in result.reasons)]
        case ExitCode.INFRASTRUCTURE:
            failures = [row.failure for row in summary.episodes if row.failure]
            spent = failures and all(failure.cause == Cause.BUDGET.value for failure in failures)
            what = "A cap is spent" if spent else "Infrastructure failed"
            lines += [f"{what}, which leaves it open:", *(f"  {reason}" for reason in result.reasons)]
            lines += _remedies(folder, failures)
    lines += [f"Look at it: loopwright show {folder}", f"Report:     loopwright report {folder}"]
    return "\n".join(lines)


def _remedies(folder: Path, failures: Sequence[Failure]) -> list[str]:
    """What helps against each kind of failure; to resume alone repeats some of them."""
    options = {name: text.option for name, text in Caps.texts().items()}
    spent = [_CAP.search(failure.message) for failure in failures if failure.cause == Cause.BUDGET.value]
    raised = dict.fromkeys(options[found[1]] for found in spent if found and found[1] in options)
    lines = []
    if spent:
        caps = "".join(f" {option} N" for option in raised)
        lines.append(f"Raise the cap on the whole run: loopwright resume {folder}{caps}")
        lines.append("A cap on each episode stays as it was recorded: raise it in the task, and run it anew.")
    rejected = [failure for failure in failures if failure.error == "ModelRejected"]
    not_found = [found for failure in rejected if (found := _NOT_FOUND.search(failure.message))]
    if not_found and not any(map(_is_about_model, not_found)):
        lines.append(f"A server has nothing at its URL: mend the URL, then: loopwright resume {folder}")
    elif not_found:
        lines.append("A server does not know the model, and a run keeps its models: run the task anew with --model.")
        lines.append(f"If the server or its URL was what is wrong: loopwright resume {folder}")
    elif rejected:
        lines.append("A request that was refused is refused again: change the agent's card or the endpoint's settings.")
        lines.append(f"Then: loopwright resume {folder} --changed")
    if any(failure.error == "ModelRateLimited" for failure in failures):
        lines.append("A server limits how often it is asked: wait, or ask it less often.")
        lines.append(f"To go on: loopwright resume {folder} --concurrency 1")
    told = {"ModelRejected", "ModelRateLimited"}
    others = [one for one in failures if one.cause != Cause.BUDGET.value and one.error not in told]
    return lines if lines and not others else [*lines, f"Mend the cause, then: loopwright resume {folder}"]


def _is_about_model(found: re.Match[str]) -> bool:
    """Whether a 404 says that there is no such model; others are about the path."""
    words = found["words"].lower()
    return "model" in words or found["model"].lower() in words
