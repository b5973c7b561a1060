"""A run's summary as JSON."""

from __future__ import annotations

from typing import Any

from loopwright.report import EpisodeRow, RunSummary, VariantSummary


def summary_as_json(summary: RunSummary) -> dict[str, Any]:
    """The summary as plain data; rates are over scored episodes alone."""
    return {
        "run": summary.run,
        "created": summary.created,
        "loopwright": summary.loopwright,
        "planned": summary.planned,
        "finished": summary.finished,
        "running": str(summary.writer) if summary.writer and not summary.finished else None,
        "variants": [_variant(variant) for variant in summary.variants],
        "drift": [{"session": event.episode, **event.data.model_dump(mode="json")} for event in summary.drift],
        "episodes": [episode_as_json(row) for row in summary.episodes],
    }


def _variant(variant: VariantSummary) -> dict[str, Any]:
    interval = variant.interval if variant.n else None
    return {
        "name": variant.name,
        "strategy": variant.strategy,
        "models": dict(variant.models),
        "n": variant.n,
        "passed": variant.passed,
        "pass_rate": variant.pass_rate,
        "interval": [interval.low, interval.high] if interval else None,
        "mean_score": variant.mean_score,
        "value": variant.valued.model_dump() | {"mean": variant.mean_value} if variant.valued else None,
        "over_refinement": _over_refinement(variant),
        "failures": dict(variant.failures),
        "unfinished": variant.unfinished,
        "model_calls": variant.model_calls,
        "images": variant.images,
        "usage": variant.usage.model_dump(),
        "cost_usd": _text(variant.cost_usd),
        "seconds": variant.seconds,
    }


def _over_refinement(variant: VariantSummary) -> dict[str, Any] | None:
    over = variant.over_refinement
    if over is None:
        return None
    return {"n": over.n, "spoiled": over.spoiled, "interval": [over.interval.low, over.interval.high]}


def episode_as_json(row: EpisodeRow) -> dict[str, Any]:
    """One episode's numbers as plain data."""
    return {
        "episode": row.episode,
        "task": row.task,
        "instance": row.instance,
        "variant": row.variant,
        "repeat": row.repeat,
        "status": row.status,
        "score": row.score,
        "value": row.value,
        "passed": row.passed,
        "spoiled": row.spoiled,
        "iterations": row.iterations,
        "rule": row.rule,
        "model_calls": row.model_calls,
        "images": row.images,
        "usage": row.usage.model_dump(),
        "cost_usd": _text(row.cost_usd),
        "seconds": row.seconds,
        "failure": row.failure.model_dump() if row.failure else None,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
