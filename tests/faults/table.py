"""The fault table of the documentation, made of what the fault tests say they prove.

`python -m tests.faults` writes it into docs/results/durability.md.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])

DOCUMENT = Path(__file__).parents[2] / "docs" / "results" / "durability.md"
BEGIN, END = "<!-- fault table: begin -->\n", "<!-- fault table: end -->\n"

_rows: dict[str, tuple[str, str]] = {}
_answers: dict[str, tuple[str, str, str]] = {}


def provider_fault(answer: str, error: str, retried: str, charged: str) -> None:
    """Adds a row on something a provider answers: the error that it becomes, whether it is retried, what it costs."""
    _answers[answer] = (error, retried, charged)


def proves(fault: str, outcome: str) -> Callable[[Test], Test]:
    """Marks a test as the proof of one row: what goes wrong, and what then holds."""

    def mark(test: Test) -> Test:
        _rows[f"{test.__module__.rpartition('.')[2]}.{test.__name__}"] = (fault, outcome)
        return test

    return mark


def render() -> str:
    """The table as Markdown."""
    tests = DOCUMENT.parents[2] / "tests"
    for path in sorted(tests.rglob("test_*.py")):
        if f"from {__name__} import" in path.read_text():
            importlib.import_module(".".join(path.relative_to(tests.parent).with_suffix("").parts))
    lines = ["| fault | what holds | test |", "|---|---|---|"]
    lines += [f"| {fault} | {outcome} | `{name}` |" for name, (fault, outcome) in sorted(_rows.items())]
    lines += [
        "",
        "| the provider answers | error | retried | charged | recorded | graded |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {answer} | `{error}` | {retried} | {charged} | call and attempts | no: `failed`, cause `model` |"
        for answer, (error, retried, charged) in _answers.items()
    ]
    return "\n".join(lines) + "\n"


def documented() -> str:
    """The table as it stands in the documentation."""
    return DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]


def write() -> None:
    """Brings the table in the documentation up to date."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + render() + END + rest.partition(END)[2])
