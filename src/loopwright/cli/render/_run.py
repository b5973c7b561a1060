"""A run in the terminal: its summary and a line per episode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loopwright.cli._output import write, write_json, write_table
from loopwright.cli.render._loosened import loosened_lines
from loopwright.cli.render._regrade import show_changes
from loopwright.cli.render._summary import summary_as_json
from loopwright.errors import StoreError
from loopwright.plan import RunConfig
from loopwright.report import EpisodeRow, render_text, summarize_run
from loopwright.runner import load_regrade
from loopwright.store import read_run

_COLUMNS = (
    "episode",
    "result",
    "score",
    "value",
    "iterations",
    "stopped by",
    "calls",
    "images",
    "tokens",
    "cost",
    "seconds",
)
_OPTIONAL = ("value", "images")
"""Columns that are left out where no episode has anything in them."""
_SPARE = ("tokens", "seconds", "iterations", "calls", "cost", "stopped by")
_RIGHT = ("score", "value", "iterations", "calls", "images", "tokens", "cost", "seconds")


def show_run(folder: Path, *, as_json: bool) -> None:
    """Writes a run's summary and episodes; the run may be live or interrupted."""
    summary = summarize_run(folder)
    if as_json:
        write_json({"folder": str(folder), "loosened": _loosened(folder), **summary_as_json(summary)})
        return
    write_episodes(summary.episodes)
    write("")
    write(render_text(summary))
    for what in _loosened(folder):
        write(f"loosened sandbox: {what}")
    _grades_before(folder)
    if summary.episodes:
        write(f"\nOne episode: loopwright show {folder} {summary.episodes[0].episode}")


def _loosened(folder: Path) -> list[str]:
    """What the run's tasks loosen of their sandboxes; nothing where its configuration cannot be used any more."""
    try:
        return loosened_lines(RunConfig.recorded(read_run(folder).manifest).tasks)
    except StoreError:
        return []


def _grades_before(folder: Path) -> None:
    """Of a run that grades another one's candidates again, what changed, as long as the other one is there."""
    if not read_run(folder).manifest.config.get("regrade"):
        return
    write("\nCandidates of another run, graded again:")
    try:
        show_changes(load_regrade(folder))
    except StoreError as error:
        write(f"the old grades cannot be read: {error.args[0]}")


def write_episodes(rows: Sequence[EpisodeRow]) -> None:
    """Writes a line per episode."""
    told = [dict(zip(_COLUMNS, _cells(row), strict=True)) for row in rows]
    columns = [name for name in _COLUMNS if name not in _OPTIONAL or any(row[name] for row in told)]
    right = [name for name in _RIGHT if name in columns]
    write_table(columns, [tuple(row[name] for name in columns) for row in told], right=right, spare=_SPARE)


def _cells(row: EpisodeRow) -> tuple[str, ...]:
    return (
        row.episode,
        _result(row),
        "" if row.score is None else f"{row.score:.2f}",
        "" if row.value is None else f"{row.value:.6g}",
        str(row.iterations),
        row.rule,
        str(row.model_calls),
        str(row.images or ""),
        str(row.usage.total),
        "" if row.cost_usd is None else f"${row.cost_usd:.4f}",
        f"{row.seconds:.1f}",
    )


def _result(row: EpisodeRow) -> str:
    if row.status == "scored":
        return "passed" if row.passed else "missed"
    return f"not scored: {row.failure.cause}" if row.failure else "not finished"
