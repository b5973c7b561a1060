"""Benchmarks: suites of sandboxed tasks, and what their runs come to."""

from loopwright.bench._canaries import CANARIES, PLANS, Canary, flags_of, run_canaries
from loopwright.bench._fetch import fetch
from loopwright.bench._outcomes import Rate, VariantOutcome, outcomes, outcomes_of
from loopwright.bench._repeats import Repeats
from loopwright.bench._replay import Published, replay
from loopwright.bench._replayed import ReplayedLog, Turn
from loopwright.bench._solutions import SolutionCheck, check_solutions
from loopwright.bench._sources import SOURCES, Pin, Source
from loopwright.bench._suites import SUITES, Suite, find_suite

__all__ = [
    "CANARIES",
    "PLANS",
    "SOURCES",
    "SUITES",
    "Canary",
    "Pin",
    "Published",
    "Rate",
    "Repeats",
    "ReplayedLog",
    "SolutionCheck",
    "Source",
    "Suite",
    "Turn",
    "VariantOutcome",
    "check_solutions",
    "fetch",
    "find_suite",
    "flags_of",
    "outcomes",
    "outcomes_of",
    "replay",
    "run_canaries",
]
