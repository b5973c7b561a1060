"""A cap of the run: what solved prompts leave over goes to hard ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.task import Task

RATES = "painter/omit=0.3,swap=0.3,miscount=0.4,misplace=0.5,fail=0.3"
GOALS = (
    "a red circle",
    "two red circles left of a blue square",
    "three small yellow stars above a large green cross and two striped purple rings",
    "a green square left of a red circle, the circle left of a blue triangle, and two yellow stars",
)


def shared(each: int, together: int) -> Task:
    return Task.model_validate(
        {
            "name": "shared",
            "goal": "-",
            "environment": {"name": "images"},
            "data": [{"id": f"p{number}", "goal": goal} for number, goal in enumerate(GOALS)],
            "loop": {"strategy": "streams", "max_iterations": each},
            "budget": {"images": each, "run": {"images": together}},
        }
    )


def used(tmp_path: Path, task: Task, concurrency: int) -> list[tuple[bool, int | None]]:
    parts: dict[str, Any] = {"proposer": "image_refiner", "verifier": "pixel_verifier"}
    out = tmp_path / f"{task.budget.images}-{concurrency}"
    result = loopwright.run(task, out=out, concurrency=concurrency, generator=RATES, editor=RATES, **parts)
    episodes = sorted(result, key=lambda one: one.instance)
    return [(one.passed, one.images) for one in episodes]


def test_hard_prompts_use_what_easy_ones_leave_in_whatever_order_they_end(tmp_path: Path) -> None:
    together = used(tmp_path, shared(16, 32), 1)
    each = used(tmp_path, shared(8, 32), 1)
    images = [number or 0 for _, number in together]
    assert max(images) > 8
    assert sum(images) <= 32
    assert sum(passed for passed, _ in together) > sum(passed for passed, _ in each)
    assert used(tmp_path, shared(16, 32), 4) == together


@pytest.mark.parametrize("together", [10, 20])
def test_a_cap_of_the_run_is_never_exceeded(tmp_path: Path, together: int) -> None:
    images = [number or 0 for _, number in used(tmp_path, shared(16, together), 1)]
    assert sum(images) == together
