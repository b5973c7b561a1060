"""Reports of a run: numbers for the terminal, one HTML file, JUnit XML and CSV. All are projections of its record."""

from loopwright.report._arms import arm_lines
from loopwright.report._atoms import AtomRow, Cost, atom_rows
from loopwright.report._comparison import (
    Pair,
    RunComparison,
    compare,
    compare_runs,
    compare_variants,
    render_comparison,
)
from loopwright.report._details import ended_entry
from loopwright.report._drift import alarm_line, render_drift
from loopwright.report._fit import FittedTable, fit_table
from loopwright.report._format import difference_bounds, duration, holds_difference, money, value_line
from loopwright.report._html import DrawnRun, RunPage, lone_episode, render_html, render_live, render_runs
from loopwright.report._ideas import IdeaOutcomes, Tried, idea_lines, idea_outcomes
from loopwright.report._knockouts import knockout_lines
from loopwright.report._pairing import Pairing, pair_variants
from loopwright.report._row import EpisodeRow
from loopwright.report._steering import steered_line
from loopwright.report._summary import RunSummary, VariantSummary, summarize, summarize_run
from loopwright.report._tables import render_csv, render_junit
from loopwright.report._text import render_text
from loopwright.types import Failure

__all__ = [
    "AtomRow",
    "Cost",
    "DrawnRun",
    "EpisodeRow",
    "Failure",
    "FittedTable",
    "IdeaOutcomes",
    "Pair",
    "Pairing",
    "RunComparison",
    "RunPage",
    "RunSummary",
    "Tried",
    "VariantSummary",
    "alarm_line",
    "arm_lines",
    "atom_rows",
    "compare",
    "compare_runs",
    "compare_variants",
    "difference_bounds",
    "duration",
    "ended_entry",
    "fit_table",
    "holds_difference",
    "idea_lines",
    "idea_outcomes",
    "knockout_lines",
    "lone_episode",
    "money",
    "pair_variants",
    "render_comparison",
    "render_csv",
    "render_drift",
    "render_html",
    "render_junit",
    "render_live",
    "render_runs",
    "render_text",
    "steered_line",
    "summarize",
    "summarize_run",
    "value_line",
]
