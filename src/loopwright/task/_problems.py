"""Turns what pydantic found into one error: file, line, what is wrong, what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loopwright.errors import TaskError
from loopwright.project import Document, SourceLocation

_WHOLE, _NUMBER, _TEXT = "Write a whole number, such as 3.", "Write a number, such as 0.5.", "Write text, in quotes."
_TRUTH, _MAPPING, _LIST = "Write true or false.", "Write `key: value` lines below it, indented.", "Write a list."
_REMEDIES = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": _TEXT,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": _LIST,
    "list_type": _LIST,
}
_FORMS = frozenset({"str", "Template", "[key]"})
"""Names of the forms that a value in a task may have, as pydantic puts them into a location."""


def first_problem(
    document: Document, error: ValidationError, model: type[BaseModel], prefix: SourceLocation = ()
) -> TaskError:
    """Tells the first thing that is wrong, and how many more there are.

    Args:
        document: Where the value came from.
        error: What pydantic found.
        model: What the value was validated as.
        prefix: Where the value stands in the document.
    """
    problems = _one_per_place(error.errors(include_url=False), prefix, document)
    problems = _misspelt(problems, model, len(prefix)) or problems
    location, problem = problems[0]
    message, remedy = _told(problem, location, model, len(prefix))
    if len(problems) > 1:
        message += f" (and {len(problems) - 1} more)"
    return document.error(message, location, remedy=remedy)


def _misspelt(
    problems: list[tuple[SourceLocation, ErrorDetails]], model: type[BaseModel], skipped: int
) -> list[tuple[SourceLocation, ErrorDetails]]:
    """The problems, first a missing key that was written in another way, as that other key; none without one."""
    for location, problem in problems:
        written = problem["input"] if problem["type"] == "missing" else None
        if not isinstance(written, Mapping):
            continue
        known = _keys_at(model, location[skipped:-1])
        strange = difflib.get_close_matches(str(location[-1]), [str(key) for key in written if key not in known], n=1)
        if strange:
            place = (*location[:-1], strange[0])
            others = [other for other in problems if other[0] not in (location, place)]
            return [(place, {**problem, "type": "extra_forbidden"}), *others]
    return []


def _one_per_place(
    errors: list[ErrorDetails], prefix: SourceLocation, document: Document
) -> list[tuple[SourceLocation, ErrorDetails]]:
    """Problems by the place where the user sees them: of the forms a value may have, the one that came closest."""
    found: dict[SourceLocation, tuple[SourceLocation, ErrorDetails]] = {}
    for problem in errors:
        location = prefix + _written(problem, prefix, document)
        key = location[: len(prefix) + 1]
        if key not in found or len(location) > len(found[key][0]):
            found[key] = (location, problem)
        elif location not in [other for other, _ in found.values()]:
            found[location] = (location, problem)
    return list(found.values())


def _written(problem: ErrorDetails, prefix: SourceLocation, document: Document) -> SourceLocation:
    """The location without the names pydantic gives to the forms of a value, which nobody wrote."""
    location: SourceLocation = ()
    for part in problem["loc"]:
        if part not in _FORMS or (*prefix, *location, part) in document.marks:
            location = (*location, part)
    return location


def _told(problem: ErrorDetails, location: SourceLocation, model: type[BaseModel], skipped: int) -> tuple[str, str]:
    dotted = ".".join(str(part) for part in location)
    kind, given = problem["type"], problem.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and len(repr(given)) < 80 else ""
    if kind == "extra_forbidden":
        known = _keys_at(model, location[skipped:-1])
        return f"unknown key {dotted!r}", _near(str(location[-1]), known) or f"Known keys here: {', '.join(known)}."
    if kind == "missing":
        return f"the key {dotted!r} is missing", f"Add `{location[-1]}:` here."
    if kind == "literal_error":
        return _literal(dotted, given, str(problem.get("ctx", {}).get("expected", "")), shown)
    if kind == "string_pattern_mismatch":
        return (
            f"{dotted}: {given!r} cannot be a name",
            "Use letters, digits, dots, hyphens and underscores, and start with a letter or digit; at most 80.",
        )
    text = problem["msg"].removeprefix("Value error, ")
    text = text.removeprefix("Input ") if dotted else text
    return (f"{dotted}: {text}{shown}" if dotted else text), _REMEDIES.get(kind, _limit(problem))


def _literal(dotted: str, given: Any, expected: str, shown: str) -> tuple[str, str]:
    if dotted == "version":
        return f"version {given!r} of the format is not known", "Write `version: 1`, or install a newer loopwright."
    choices = re.findall(r"'([^']*)'", expected)
    return f"{dotted}: should be {expected}{shown}", _near(str(given), choices) or "Write one of them."


def _near(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _limit(problem: ErrorDetails) -> str:
    bounds = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    told = [f"{bounds[name]} {value}" for name, value in problem.get("ctx", {}).items() if name in bounds]
    return f"Write a value of {' and '.join(told)}." if told else "See `loopwright schema` for what goes here."


def _keys_at(model: type[BaseModel], location: SourceLocation) -> list[str]:
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        nested = _model_in(field.annotation) if field else None
        if nested is None:
            return []
        model = nested
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model in a type such as `tuple[Record, ...]` or `str | Template`."""
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Literal, Mapping):
        return None
    is_nested = isinstance(annotation, UnionType) or get_origin(annotation) in (Union, tuple)
    found = (_model_in(kind) for kind in get_args(annotation)) if is_nested else ()
    return next((model for model in found if model), None)
