"""Runs: execution, resume, fork and results, for Python and for the command line."""

from loopwright.runner._api import EventStream, afork, aresume, arun, astream, fork, resume, run
from loopwright.runner._fork import fork_episode, fork_run
from loopwright.runner._results import EpisodeResult, RunResult, load_result
from loopwright.runner._run import Run, new_run_id

__all__ = [
    "EpisodeResult",
    "EventStream",
    "Run",
    "RunResult",
    "afork",
    "aresume",
    "arun",
    "astream",
    "fork",
    "fork_episode",
    "fork_run",
    "load_result",
    "new_run_id",
    "resume",
    "run",
]
