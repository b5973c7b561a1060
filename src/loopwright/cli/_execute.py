"""Executes a run from the command line: live progress, signals, the closing words, the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from loopwright import EpisodeResult, Run, RunResult, load_result
from loopwright.cli._exit import ExitCode
from loopwright.cli._output import load_env, tell, write, write_json
from loopwright.cli._progress import show_progress
from loopwright.cli.render._summary import summary_as_json
from loopwright.errors import Interrupted, UserError
from loopwright.plan import PlannedEpisode, ResolvedRun
from loopwright.report import render_text, summarize_run
from loopwright.secrets import MASK, masked_names
from loopwright.session import sessions_of

_GRACE = 5.0
"""Seconds that closing sandboxes may take after the second signal."""


def execute(run: Run, *, accept: float | None, as_json: bool, checkpoints: str = "") -> None:
    """Runs to the end, tells what came out, and exits.

    Raises:
        UserError: A task, agent, model or environment cannot be used as it is.
    """
    load_env(run.config.project / ".env")
    run.checkpoints = checkpoints
    folder = run.store.folder
    interrupted = False
    if names := masked_names():
        tell(f"note: the values of {', '.join(names)} (.env) are written as {MASK} wherever they occur")
    with show_progress(run):
        try:
            asyncio.run(_until_signalled(run))
        except (Interrupted, asyncio.CancelledError):
            interrupted = True
        except UserError:
            tell(f"the run stopped; mend what follows, then: loopwright resume {folder}")
            raise
    code = ExitCode.INTERRUPTED if interrupted else verdict(load_result(folder), run.resolved, accept)
    summary = summarize_run(folder)
    if as_json:
        write_json({"folder": str(folder), "exit_code": int(code), **summary_as_json(summary)})
    else:
        write(render_text(summary))
        write(_closing_words(folder, code))
    click.get_current_context().exit(int(code))


def tell_code(run: Run) -> None:
    """Tells what code a recorded run uses, and where it comes from."""
    modules = [name.removeprefix("module ") for name in run.resolved.fingerprints if name.startswith("module ")]
    if modules:
        tell(f"note: the run uses code of {run.config.project}, or installed: {', '.join(modules)}")


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


def verdict(result: RunResult, run: ResolvedRun, accept: float | None) -> ExitCode:
    """The exit code of a run that went to its end.

    Args:
        result: What it came to.
        run: What was run; each task's own threshold holds for that task over all strategies.
        accept: Threshold for the whole run instead, in [0, 1].
    """
    if not result.scored:
        return ExitCode.INFRASTRUCTURE
    told = {name: planned for name, planned in sessions_of(run.episodes).items() if _fails(planned)}
    if any(alarm.worse for name in told for alarm in result.alarms.get(name, ())):
        return ExitCode.BELOW
    if told.keys() & result.unwatched.keys():
        return ExitCode.INFRASTRUCTURE
    if accept is not None:
        return _judge(result.episodes, accept)
    codes = [
        _judge([episode for episode in result if episode.task == task.name], task.accept)
        for task in run.config.tasks
        if task.accept is not None
    ]
    return next((code for code in (ExitCode.BELOW, ExitCode.INFRASTRUCTURE) if code in codes), ExitCode.PASSED)


def _fails(planned: Sequence[PlannedEpisode]) -> bool:
    """Whether a session's task fails by drift."""
    drift = planned[0].task.drift
    return bool(drift and drift.fail)


def _judge(episodes: Sequence[EpisodeResult], accept: float) -> ExitCode:
    """Told only where episodes without a score cannot change it: infrastructure passes nothing and fails nothing."""
    if not episodes:
        return ExitCode.INFRASTRUCTURE
    passed, lost = sum(episode.passed for episode in episodes), sum(not episode.scored for episode in episodes)
    if (passed + lost) / len(episodes) < accept:
        return ExitCode.BELOW
    return ExitCode.INFRASTRUCTURE if passed / len(episodes) < accept else ExitCode.PASSED


def _closing_words(folder: Path, code: ExitCode) -> str:
    lines = ["", f"Run folder: {folder}"]
    match code:
        case ExitCode.INTERRUPTED:
            lines.append(f"Interrupted. Go on: loopwright resume {folder}")
        case ExitCode.BELOW:
            lines.append("Below the threshold, or an alarm of drift for the worse.")
        case ExitCode.INFRASTRUCTURE:
            lines.append(
                "Infrastructure failed: episodes without a score, or a drift monitor that broke, leave it open."
            )
            lines.append(f"Mend the cause, then: loopwright resume {folder}")
    lines += [f"Look at it: loopwright show {folder}", f"Report:     loopwright report {folder}"]
    return "\n".join(lines)
