"""Runs: execution, resume, fork and results, for Python and for the command line."""

from loopwright.runner._api import EventStream, arun, astream, run
from loopwright.runner._fork import fork
from loopwright.runner._results import EpisodeResult, RunResult, load_result
from loopwright.runner._run import Run, new_run_id

__all__ = [
    "EpisodeResult",
    "EventStream",
    "Run",
    "RunResult",
    "arun",
    "astream",
    "fork",
    "load_result",
    "new_run_id",
    "run",
]
