"""What a problem of discovery is: the fields of its environment."""

from __future__ import annotations

import ast
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from loopwright.environments import Fields, read_fields
from loopwright.errors import TaskError
from loopwright.task import Instance
from loopwright.types import Attempt, Candidate

PROGRAM = "solution.py"
"""The file of a candidate that is executed."""
OUTPUTS = ("construction.json", "construction.npy")
"""Where a candidate writes what it found."""
PARENTS = ("parent.json", "parent.npy")
"""Where a candidate finds the construction of the candidate that it was made from, in the format of that one."""
CONSTRUCTION = "construction"
"""Name of the construction that a candidate starts from, among its artifacts."""

_Length = Annotated[int, Field(gt=0, le=100_000)] | None
MEASURED = "measured"
"""Name of earlier measurements of a program: in how a candidate was made, and in the data of its check."""
UNFINISHED = "unfinished"
"""In the data of a check: that the program was stopped or failed after it wrote its construction."""
WITHOUT = "without"
"""The operation of a candidate that is an earlier one without one of its ideas."""
AGAIN = "again"
"""The operation of a candidate that is an earlier one, executed again."""


class Construction(Fields):
    """What data a verifier takes."""

    kind: Literal["real", "integer"] = "real"
    shape: tuple[_Length, ...] = Field(default=(None,), max_length=4)
    """Length of each level of the lists, such as `[26, 3]`; null for any length."""
    largest: float = Field(default=1e9, gt=0, le=1e15)
    """What no absolute value may exceed."""
    most: int = Field(default=100_000, gt=0, le=1_000_000)
    """How many numbers there may be."""
    draw: Literal["discs", "points", "steps"] | None = None
    """How reports draw it: rows of x, y and radius in the unit square; rows of x and y; heights of a step function."""


class Known(Fields):
    """A value that somebody reached."""

    value: float
    source: str = Field(min_length=1)


class Problem(Fields):
    """The public fields of a task of discovery."""

    verifier: str = Field(min_length=1)
    """Python source with a function `verify(construction)`: it returns the value, and raises ValueError for data that
    breaks a rule of the problem. It is executed in a sandbox where no candidate ever ran."""
    construction: Construction = Construction()
    seed: str = ""
    """The program that a search starts from."""
    known: tuple[Known, ...] = ()
    """Values in the literature."""
    noise: float = Field(default=0.0, ge=0, le=1e12)
    """Standard deviation of one measurement, where the program or the verifier draws by chance; 0 for none."""
    timeout: float = Field(default=20.0, gt=0, le=3600)
    """Seconds for a candidate."""
    unfinished: Literal["counts", "fails"] = "counts"
    """What a construction is worth whose program was stopped or failed after it wrote that: its value, or nothing."""
    verify_timeout: float = Field(default=5.0, gt=0, le=600)
    """Seconds for a verification."""

    @model_validator(mode="after")
    def _sources_are_python(self) -> Self:
        names = _functions(self.verifier, "verifier")
        if "verify" not in names:
            raise ValueError("verifier: there is no function `verify` at the top of it")
        _functions(self.seed, "seed")
        return self


def _functions(source: str, name: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise ValueError(
            f"{name}: {'line ' + str(line) + ': ' if line else ''}{getattr(error, 'msg', error)}"
        ) from None
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def problem_of(instance: Instance) -> Problem:
    """Reads the problem of an instance.

    Raises:
        TaskError: A field is unknown, missing or cannot be used.
    """
    known = {name: value for name, value in instance.public.items() if name != "kind"}
    if instance.hidden:
        raise TaskError(
            f"environment.hidden: the discovery environment has no hidden field {next(iter(instance.hidden))!r}",
            remedy="The verifier measures exactly, so nothing needs to be hidden.",
        )
    return read_fields(Problem, known, "environment")


def again_of(candidate: Candidate | None) -> bool:
    """Whether a candidate is an earlier one that is executed again."""
    return candidate is not None and candidate.made.get("operation") == AGAIN


def measured_of(attempt: Attempt) -> tuple[float, ...]:
    """What was measured of the program of an attempt so far, where its problem is noisy."""
    data = next((check.data for check in attempt.verdict.checks if check.data and MEASURED in check.data), None)
    found = data[MEASURED] if data else None
    return tuple(float(one) for one in found if isinstance(one, int | float)) if isinstance(found, list) else ()


def unfinished(attempt: Attempt) -> bool:
    """Whether the program of an attempt was stopped or failed after it wrote its construction."""
    return any(check.data and check.data.get(UNFINISHED) is True for check in attempt.verdict.checks)


def construction_of(attempt: Attempt) -> str | None:
    """Reference of the construction that an attempt found; None without one."""
    found = next(
        (check.data[CONSTRUCTION] for check in attempt.verdict.checks if check.data and CONSTRUCTION in check.data),
        None,
    )
    return None if found is None else str(found)
