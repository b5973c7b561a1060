"""What truth says of the maps of a run, task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loopwright.cli._output import write, write_table
from loopwright.runner import EpisodeResult

_COLUMNS = (
    "task", "places", "I of map", "raw", "best baseline", "answer", "95 %, blocks", "over raw", "over best",
    "by stage", "answer's stage", "stop",
)  # fmt: skip


def show_map_scores(episodes: Sequence[EpisodeResult]) -> None:
    """Writes Spearman's rank correlation with the truth for each task, with intervals from blocks of the globe."""
    rows = [_row(episode, told) for episode in episodes if (told := _told(episode))]
    if rows:
        write("")
        write_table(_COLUMNS, rows)
        write("Spearman's rank correlation with the truth; intervals resample blocks of the globe, in pairs.")


def _told(episode: EpisodeResult) -> Mapping[str, Any]:
    checks = episode.verdict.checks if episode.scored and episode.verdict else ()
    told = next((check.data for check in checks if check.name == "rank correlation"), None) or {}
    return told if "best" in told else {}


def _row(episode: EpisodeResult, told: Mapping[str, Any]) -> tuple[str, ...]:
    others, best = told["others"], told["best"]
    answer = episode.outcome.answer_iteration if episode.outcome else None
    return (
        episode.instance,
        str(told["places"]),
        "" if told["moran"] is None else f"{told['moran']:.2f}",
        f"{others.get('raw rating', float('nan')):.3f}",
        f"{best} {others.get(best, float('nan')):.3f}",
        f"{told['spearman']:.3f}",
        _interval(told["interval"], ".3f"),
        _interval(told["over raw"], "+.3f"),
        _interval(told["over best"], "+.3f"),
        " ".join(f"{one.score:.3f}" for one in episode.graded if one.score is not None),
        "" if answer is None else str(answer),
        episode.stop_reason,
    )


def _interval(ends: Sequence[float] | None, form: str) -> str:
    return f"{ends[0]:{form}} to {ends[1]:{form}}" if ends else ""
