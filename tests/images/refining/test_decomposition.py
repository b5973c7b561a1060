"""A task's own picture: taken as it is, and taken apart object by object."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright
from bench.images.decomposition import STRATEGIES, scene_of, taken_apart
from loopwright.errors import UserError
from loopwright.images.shapes import measure, parse_prompt, render
from loopwright.store import read_run
from loopwright.task import Task

SCENE = scene_of(3, "tests")


def task(picture: str, goal: str) -> Task:
    return Task.model_validate(
        {
            "name": "picture",
            "goal": goal,
            "data": [{"id": "scene", "picture": picture}],
            "environment": {"name": "images"},
            "image_models": {"editor": "painter/fail=0.3,damage=0.2"},
            "agents": {"proposer": "image_refiner", "verifier": "pixel_verifier", "auditor": "pixel_verifier"},
            "loop": {"strategy": "streams", "max_iterations": 10},
        }
    )


def test_objects_are_removed_one_by_one_until_the_background_is_left(tmp_path: Path) -> None:
    picture = render(SCENE, 64)
    (tmp_path / "scene.png").write_bytes(picture)
    goal = ", ".join(f"no {item.shape}" for item in SCENE.objects)
    (episode,) = loopwright.run(task("scene.png", goal), out=tmp_path / "run", project=tmp_path)
    record = read_run(tmp_path / "run")
    shown = [record.get(one.candidate.artifacts["picture"]) for one in episode.attempts if one.candidate]
    assert measure(shown[0]) == measure(picture)
    assert episode.images == len(episode.attempts) - 1, "nobody is paid for the first picture"
    assert episode.passed
    assert measure(shown[-1]).objects == ()
    for one, after in zip(episode.attempts[1:], shown[1:], strict=True):
        assert one.parent is not None
        before = {*map(str, measure(shown[one.parent]).objects)}
        left = {*map(str, measure(after).objects)}
        assert left <= before
        assert len(before) - len(left) <= 1, "the mask keeps all other objects as they are"


def test_a_picture_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "scene.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(UserError, match="picture"):
        loopwright.run(task("scene.png", "no star"), out=tmp_path / "run", project=tmp_path)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_said_to_be_taken_apart_is(strategy: str) -> None:
    found = [taken_apart(strategy, scene_of(3, f"tests/{number}"), 0, "none") for number in range(20)]
    assert all(one.empty for one in found if one.claimed)
    assert all(one.empty for one in found if one.clean)
    assert any(one.empty for one in found)
    assert all(one.edits <= 6 for one in found)


def test_a_scene_holds_different_shapes() -> None:
    assert len({item.shape for item in SCENE.objects}) == 3
    goal = ", ".join(f"no {item.shape}" for item in SCENE.objects)
    assert not parse_prompt(goal).holds(SCENE)
