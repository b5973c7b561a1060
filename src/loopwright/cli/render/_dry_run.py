"""`loopwright run --dry-run`: what a run could come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from loopwright.cli._output import write, write_json, write_table
from loopwright.preflight import CheckedRun, Estimate, RunEstimate, RunForecast, Total, estimate_run, forecast_run
from loopwright.report import duration

_COLUMNS = ("task", "variant", "episodes", "calls, at most", "cost, at most")
_FORECAST = ("task", "variant", "episodes", "by", "calls", "tokens", "cost", "time")
_WITH_IMAGES = (*_COLUMNS[:4], "images, at most", _COLUMNS[4])


def show_plan(checked: CheckedRun, earlier: Path | None, *, as_json: bool) -> None:
    """Writes the most that a run can come to, and what it will come to by the rates of an earlier run."""
    bound = estimate_run(checked)
    forecast = None if earlier is None else forecast_run(checked, earlier)
    if as_json:
        told = {
            "total": _plain(bound.total),
            "variants": [
                {"task": task, "variant": variant, **_plain(one)} for (task, variant), one in bound.variants.items()
            ],
        }
        write_json(told if forecast is None else {**told, "forecast": asdict(forecast)})
        return
    _show_ceiling(bound, checked)
    if forecast is not None:
        _show_forecast(forecast, str(earlier))


def _show_ceiling(bound: RunEstimate, checked: CheckedRun) -> None:
    unknown = "no ceiling" if checked.prices else "not known"
    columns = _COLUMNS if bound.total.images == 0 else _WITH_IMAGES
    drawn = columns is _WITH_IMAGES
    rows = [(task, variant, *_cells(one, unknown, drawn)) for (task, variant), one in bound.variants.items()]
    write_table(columns, [*rows, ("all", "", *_cells(bound.total, unknown, drawn))], right=columns[2:])
    write(f"\nNothing was run. {_advice(bound.total, checked)}".rstrip())


def _show_forecast(found: RunForecast, earlier: str) -> None:
    write(f"\nBy the rates of {earlier}, of so many episodes each (`by`):\n")
    rows = [
        (
            one.task,
            one.variant,
            str(one.episodes),
            str(one.measured),
            f"{one.model_calls:,.0f}",
            f"{one.tokens:,.0f}",
            "-" if one.usd is None else f"${one.usd:.4f}",
            duration(one.seconds),
        )
        for one in found.variants
    ]
    usd = "-" if found.usd is None else f"${found.usd.mean:.4f}"
    total = ("all", "", str(sum(one.episodes for one in found.variants)), "")
    seconds = sum(one.seconds for one in found.variants)
    amounts = (f"{found.model_calls.mean:,.0f}", f"{found.tokens.mean:,.0f}", usd, duration(seconds))
    write_table(_FORECAST, [*rows, (*total, *amounts)], right=_FORECAST[2:])
    write(f"\n{_hours(found)}")
    write(_shares(found))


def _hours(found: RunForecast) -> str:
    places = f"{found.concurrency} episode{'' if found.concurrency == 1 else 's'} at a time"
    cost = f" and {_interval(found.usd, lambda usd: f'${usd:.4f}')}" if found.usd else ""
    return f"With {places}: {_interval(found.hours, lambda hours: duration(hours * 3600))}{cost}."


def _interval(found: Total, told: Callable[[float], str]) -> str:
    between = "" if found.low is None or found.high is None else f" [{told(found.low)}, {told(found.high)}]"
    return f"{told(found.mean)}{between}"


def _shares(found: RunForecast) -> str:
    parts = ", ".join(f"{share:.0%} {name}" for name, share in found.shares.items())
    at_most = f"the {found.processors} processors" if found.processors > 1 else "the processor"
    why = {
        "processors": f"{at_most} hold the run up: more episodes at a time gain nothing",
        "longest episode": "a single episode holds the run up: more episodes at a time gain nothing",
        "waiting": "waiting holds the run up",
    }.get(found.bottleneck, f"{found.bottleneck} hold the run up")
    most = f" Beyond about {max(1, found.enough)} at a time, sandboxes wait for {at_most}." if found.enough else ""
    return f"Of an episode's time: {parts}; {why}.{most}"


def _cells(bound: Estimate, unknown: str, drawn: bool) -> tuple[str, ...]:
    calls = "no ceiling" if bound.model_calls is None else str(bound.model_calls)
    images = [_images(bound)] if drawn else []
    return str(bound.episodes), calls, *images, unknown if bound.usd is None else f"${bound.usd:.4f}"


def _images(bound: Estimate) -> str:
    if bound.images is None:
        return "no ceiling"
    return f"{bound.images}" + (f" (${bound.images_usd:.4f})" if bound.images_usd else "")


def _plain(bound: Estimate) -> dict[str, Any]:
    return {
        "episodes": bound.episodes,
        "model_calls": bound.model_calls,
        "images": bound.images,
        "images_usd": _text(bound.images_usd),
        "usd": _text(bound.usd),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _advice(total: Estimate, checked: CheckedRun) -> str:
    advice = []
    if total.model_calls is None:
        advice.append("Calls: set a ceiling with --max-calls or `budget.model_calls`.")
    if total.images is None:
        advice.append("Pictures: set a ceiling with --max-images or `budget.images`.")
    if total.usd is None:
        needs = "with --max-usd or `budget.usd`" if checked.prices else "with --prices and --max-usd"
        advice.append(f"Cost: set a ceiling {needs}.")
    return " ".join(advice)
