"""Runs: execution, resume, fork, regrade and results, for Python and for the command line."""

from loopwright.runner._api import afork, aregrade, aresume, arun, astream, fork, regrade, resume, run
from loopwright.runner._calling import EventStream
from loopwright.runner._fork import fork_episode, fork_run
from loopwright.runner._regrade import regrade_run
from loopwright.runner._regraded import CheckChange, RegradedEpisode, RegradedVariant, RegradeResult, load_regrade
from loopwright.runner._results import EpisodeResult, RunResult, load_result
from loopwright.runner._run import Run, new_run_id
from loopwright.runner._run_graph import run_graph

__all__ = [
    "CheckChange",
    "EpisodeResult",
    "EventStream",
    "RegradeResult",
    "RegradedEpisode",
    "RegradedVariant",
    "Run",
    "RunResult",
    "afork",
    "aregrade",
    "aresume",
    "arun",
    "astream",
    "fork",
    "fork_episode",
    "fork_run",
    "load_regrade",
    "load_result",
    "new_run_id",
    "regrade",
    "regrade_run",
    "resume",
    "run",
    "run_graph",
]
