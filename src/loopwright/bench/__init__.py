"""Benchmarks: suites of sandboxed tasks, and what their runs come to."""

from loopwright.bench._canaries import CANARIES, PLANS, Canary, flags_of, run_canaries
from loopwright.bench._fetch import fetch
from loopwright.bench._maps import GEO_TASKS, GeoTask, geo_task
from loopwright.bench._outcomes import Rate, VariantOutcome, outcomes, outcomes_of
from loopwright.bench._repeats import Repeats
from loopwright.bench._replay import Published, replay
from loopwright.bench._replayed import ReplayedLog, Turn
from loopwright.bench._solutions import SolutionCheck, check_solutions
from loopwright.bench._sources import SOURCES, Pin, Source
from loopwright.bench._suites import SUITES, Suite, find_suite

__all__ = [
    "CANARIES",
    "GEO_TASKS",
    "PLANS",
    "SOURCES",
    "SUITES",
    "Canary",
    "GeoTask",
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
    "geo_task",
    "outcomes",
    "outcomes_of",
    "replay",
    "run_canaries",
]
