"""Searches in the report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import loopwright
from loopwright.report import render_html

VERIFIER = "def verify(rows):\n    if rows[0][0] < 0:\n        raise ValueError('left')\n    return rows[0][0]\n"
REPLY = "A step.\n```python\nimport json\njson.dump({data}, open('construction.json', 'w'))\n```\n"


def writing(data: object) -> str:
    return REPLY.replace("{data}", json.dumps(data))


def page_of(tmp_path: Path, draw: str, constructions: list[object], shape: list[int | None], verifier: str) -> str:
    replies = [writing(data) for data in constructions]
    return searched(tmp_path, replies, {"shape": shape, "draw": draw}, verifier)


def searched(
    tmp_path: Path, replies: list[str], construction: Mapping[str, object], verifier: str, **fields: object
) -> str:
    (tmp_path / "replies.json").write_text(json.dumps(replies))
    environment = {"name": "discovery", "verifier": verifier, "construction": construction, **fields}
    given = {
        "name": "hill",
        "goal": "Up.",
        "environment": environment,
        "sandbox": {"provider": "bubblewrap"},
        "agents": {"proposer": "coder"},
        "loop": {
            "strategy": "discover",
            "max_iterations": len(replies),
            "width": 1,
            "value": {"name": "height", "direction": "maximize"},
        },
    }
    task = loopwright.Task.model_validate(given)
    loopwright.run(task, model=f"scripted/{tmp_path / 'replies.json'}", out=tmp_path / "run", seed=1)
    return render_html(tmp_path / "run")


def test_a_report_draws_discs_and_tells_what_became_of_candidates(tmp_path: Path) -> None:
    rows = [[[0.25, 0.5, 0.25]], [[-1.0, 0.5, 0.25]], [[0.5, 0.5, 0.25]]]
    page = page_of(tmp_path, "discs", [*rows], [1, 3], VERIFIER)
    assert re.findall(r'<circle class="disc" ([^/]+)/>', page) == ['cx="150.0" cy="150.0" r="75.0"']
    told = re.findall(r'<th scope="row">([^<]+)</th><td class="num">(\d+)</td>', page)
    assert ("valid", "2") in told
    assert ("breaks a rule of the problem", "1") in told
    assert "height over candidates" in page


@pytest.mark.parametrize(
    ("unfinished", "wanted"),
    [
        ("counts", "valid, of a program that did not finish"),
        ("fails", "stopped or failed, and the problem does not count that"),
    ],
)
def test_a_report_counts_programs_that_wrote_something_and_did_not_finish(
    tmp_path: Path, unfinished: str, wanted: str
) -> None:
    programs = [writing([[1.0, 0.0, 1.0]]), writing([[2.0, 0.0, 1.0]]).replace("\n```\n", "\n1 / 0\n```\n")]
    page = searched(tmp_path, programs, {"shape": [1, 3]}, VERIFIER, unfinished=unfinished)
    told = re.findall(r'<th scope="row">([^<]+)</th><td class="num">(\d+)</td>', page)
    assert {("valid", "1"), (wanted, "1")} <= set(told)


@pytest.mark.parametrize(
    ("draw", "data", "wanted"),
    [("points", [[0, 0], [2, 1]], '<circle class="disc"'), ("steps", [1, 2, 0.5], '<path class="edge" d="M0.00')],
)
def test_points_and_steps_are_drawn(tmp_path: Path, draw: str, data: list[object], wanted: str) -> None:
    shape: list[int | None] = [None, 2] if draw == "points" else [None]
    page = page_of(tmp_path, draw, [data], shape, "def verify(rows):\n    return len(rows)\n")
    assert wanted in page
