"""The attack table of the documentation, made of what the attack tests say they prove.

`python -m tests.security` writes it into docs/security.md.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- attack table: begin -->\n", "<!-- attack table: end -->\n"
BOTH = "bubblewrap, docker"

_rows: list[tuple[str, str, str, str]] = []


def proves(attack: str, outcome: str, providers: str = BOTH) -> Callable[[Test], Test]:
    """Marks a test as the proof of one row: who attacks what, how that ends, and with which providers it was tried."""

    def mark(test: Test) -> Test:
        _rows.append((attack, providers, outcome, f"{test.__module__.rpartition('.')[2]}.{test.__name__}"))
        return test

    return mark


def render() -> str:
    """The table as Markdown, in the order of the tests."""
    folder = Path(__file__).parent
    for path in sorted(folder.glob("test_*.py")):
        importlib.import_module(f"tests.security.{path.stem}")
    lines = ["| attack | provider | outcome | test |", "|---|---|---|---|"]
    rows = sorted(dict.fromkeys(_rows), key=lambda row: row[3].partition(".")[0])
    lines += [f"| {attack} | {provider} | {outcome} | `{test}` |" for attack, provider, outcome, test in rows]
    return "\n".join(lines) + "\n"


def documented() -> str:
    """The table as it stands in the documentation."""
    return DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]


def write() -> None:
    """Brings the table in the documentation up to date."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + render() + END + rest.partition(END)[2])
