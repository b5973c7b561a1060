"""`loopwright run --dry-run`: what a run could come to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loopwright.cli._output import write, write_json, write_table
from loopwright.preflight import CheckedRun, Estimate, estimate_run

_COLUMNS = ("task", "variant", "episodes", "calls, at most", "cost, at most")
_WITH_IMAGES = (*_COLUMNS[:4], "images, at most", _COLUMNS[4])


def show_ceiling(checked: CheckedRun, *, as_json: bool) -> None:
    """Writes the most that each variant and the run as a whole can come to."""
    bound = estimate_run(checked)
    if as_json:
        write_json(
            {
                "total": _plain(bound.total),
                "variants": [
                    {"task": task, "variant": variant, **_plain(one)} for (task, variant), one in bound.variants.items()
                ],
            }
        )
        return
    unknown = "no ceiling" if checked.prices else "not known"
    columns = _COLUMNS if bound.total.images == 0 else _WITH_IMAGES
    drawn = columns is _WITH_IMAGES
    rows = [(task, variant, *_cells(one, unknown, drawn)) for (task, variant), one in bound.variants.items()]
    write_table(columns, [*rows, ("all", "", *_cells(bound.total, unknown, drawn))], right=columns[2:])
    write(f"\nNothing was run. {_advice(bound.total, checked)}".rstrip())


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
