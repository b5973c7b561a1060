"""What is told of pictures before a run: how many there can be, what they cost, and who is asked before the loop."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import UserError
from loopwright.task import Task

UNKNOWN = "a cat that dances on a piano while it rains"


def task(goal: Any = "a red circle", **more: Any) -> Task:
    return Task.model_validate(
        {
            "name": "picture",
            "goal": goal,
            "environment": {"name": "images"},
            "image_models": {"generator": "painter/default", "editor": ["painter/exact", "painter/default"]},
            "agents": {"proposer": "image_refiner", "verifier": "pixel_verifier", "auditor": "pixel_verifier"},
            "loop": {"strategy": "streams", "max_iterations": 6},
            **more,
        }
    )


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.yaml"
    text = "date: 2026-11-01\nmodels:\n  painter/default: {image: 0.5}\n  painter/exact: {image: 0.25}\n"
    file.write_text(text + "  scripted/*: {input: 1, output: 10}\n")
    return file


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "replies.yaml").write_text("- yes\n")
    return f"scripted/{tmp_path}/replies.yaml"


@pytest.mark.parametrize(
    ("caps", "images"),
    [
        ({}, 12),
        ({"images": 4}, 8),
        ({"images": 4, "run": {"images": 5}}, 5),
    ],
)
def test_pictures_are_bounded_by_iterations_and_by_caps(caps: dict[str, Any], images: int, prices: Path) -> None:
    bound = loopwright.estimate(task(budget=caps), repeats=2, prices=prices)
    assert (bound.total.images, bound.total.model_calls) == (images, 0)
    # The dearer of the models may draw them all.
    assert bound.total.images_usd == bound.total.usd == images * Decimal("0.5")
    assert loopwright.explain(task(budget=caps), repeats=2).images == images


def test_a_cap_on_all_runs_bounds_pictures_and_their_cost(prices: Path) -> None:
    bound = loopwright.estimate(task(), budget={"images": 3}, prices=prices)
    assert (bound.variants["picture", "streams"].images, bound.total.images, bound.total.usd) == (6, 3, Decimal("1.5"))


def test_a_task_without_image_models_makes_no_pictures(model: str) -> None:
    text = Task.model_validate({"name": "say", "goal": "Say a.", "environment": {"name": "text"}})
    assert loopwright.estimate(text, model=model).total.images == 0


def test_a_cap_on_cost_refuses_an_image_model_without_a_price_before_the_run(tmp_path: Path, prices: Path) -> None:
    capped = task(budget={"usd": 2}, image_models={"generator": "painter/default", "editor": "painter/omit=0"})
    with pytest.raises(UserError, match=r"a cap on cost needs prices, and painter/omit=0 has none") as error:
        loopwright.run(capped, prices=prices, out=tmp_path / "run")
    assert "{image: USD per picture}" in str(error.value)
    assert not (tmp_path / "run").exists()
    assert loopwright.check(task(budget={"usd": 2}), prices=prices)


def test_who_makes_the_checklist_is_told_before_a_run(model: str, prices: Path) -> None:
    asked = task(goal={"template": "{{ prompt }}"}, data=_prompts("a red circle", UNKNOWN), model=model)
    (note,) = loopwright.check(asked).notes
    assert note == (f"picture: {model} is asked for a checklist before the loop, for 1 of 2 instances, such as 'p1'")
    bound = loopwright.estimate(asked, prices=prices, budget={"tokens": 1_000_000})
    # One request and one repair of it.
    assert (bound.total.model_calls, bound.total.usd) == (2, Decimal(10) + 12 * Decimal("0.5"))


def test_a_prompt_that_nobody_can_take_apart_is_told_before_the_run() -> None:
    (note,) = loopwright.check(task(goal=UNKNOWN)).notes
    assert "no model is named that could be asked for a checklist, for 1 of 1 instances, such as 'picture'" in note
    given = {"name": "images", "checklist": {"atoms": [{"id": "cat", "kind": "object", "object": "cat"}]}}
    assert loopwright.check(task(goal=UNKNOWN, environment=given)).notes == ()


def test_a_vision_verifier_without_a_model_is_told_before_the_run() -> None:
    agents = {"proposer": "image_refiner", "verifier": "vision_verifier", "auditor": "vision_verifier"}
    (note,) = loopwright.check(task(agents=agents)).notes
    assert "no model is named for the auditor and the verifier" in note


@pytest.mark.parametrize(("fields", "looks"), [({}, 3), ({"looks": 5}, 5)])
def test_looks_of_a_vision_verifier_are_bounded(model: str, fields: dict[str, Any], looks: int) -> None:
    agents = {"proposer": "image_refiner", "verifier": "vision_verifier"}
    loop = {"strategy": "best_of_n", "max_iterations": 3}
    seen = task(agents=agents, model=model, loop=loop, environment={"name": "images", **fields})
    calls = loopwright.estimate(seen).total.model_calls
    # So many looks at each of three pictures, each with one repair.
    assert calls == looks * 3 * 2


def _prompts(*goals: str) -> list[dict[str, Any]]:
    return [{"id": f"p{number}", "vars": {"prompt": goal}} for number, goal in enumerate(goals)]
