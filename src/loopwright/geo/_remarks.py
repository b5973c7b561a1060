"""What is worth saying of a stage in words, read from what its candidate tells of how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from loopwright.geo._evidence import Evidence

_EVIDENCE = TypeAdapter(tuple[Evidence, ...])


def remarks(made: Mapping[str, object]) -> tuple[str, ...]:
    """Which covariates were kept and why, and whether answers counted.

    Nothing where there is nothing to say, or where a candidate that somebody sent tells nonsense.
    """
    try:
        evidence = _EVIDENCE.validate_python(made.get("covariates", ()))
    except ValidationError:
        evidence = ()
    return (*map(_covariate, evidence), *_uncounted(made))


def _covariate(one: Evidence) -> str:
    said = f"{'kept' if one.kept else 'left out'}, as {one.why}"
    interval = f"{one.low:+.2f} to {one.high:+.2f}"
    return f"covariate {one.name}: {said}; partial rank correlation {one.correlation:+.2f} ({interval})"


def _uncounted(made: Mapping[str, object]) -> Iterator[str]:
    asked, failed = made.get("asked"), made.get("failed")
    if made.get("counted") is False and isinstance(asked, int) and isinstance(failed, int) and asked > failed:
        why = "they confirm ratings or neighbours no more than chance would"
        yield f"{asked - failed} answers came and none counts: {why}"
