"""The grammar of prompts and of instructions, in both directions."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loopwright.images.checklist import templated_checklist, verdict
from loopwright.images.shapes import (
    Add,
    Group,
    Make,
    Move,
    Placement,
    Remove,
    Scene,
    SceneObject,
    ShapesPrompt,
    follow,
    look,
    parse_instruction,
    parse_prompt,
    sample_prompt,
    sample_scene,
)

SEEDS = st.integers(0, 2**32)


def _scene(*objects: SceneObject) -> Scene:
    return Scene(objects)


RED_CIRCLE = SceneObject("circle", "red", "plain", 0.2, 0.5, 0.085)
BLUE_SQUARE = SceneObject("square", "blue", "striped", 0.7, 0.5, 0.14)


def test_a_prompt_is_read() -> None:
    read = parse_prompt("Two small red circles left of a blue square, a striped star above the square and no cross.")
    assert read == ShapesPrompt(
        (
            Group("circle", 2, size="small", colour="red"),
            Group("square", colour="blue"),
            Group("star", texture="striped"),
            Group("cross", 0),
        ),
        (Placement("circle", "left of", "square"), Placement("star", "above", "square")),
    )
    assert [(atom.kind, atom.id) for atom in read.checklist().atoms] == [
        ("object", "circle"),
        ("count", "circle count"),
        ("size", "circle size"),
        ("attribute", "circle colour"),
        ("object", "square"),
        ("attribute", "square colour"),
        ("object", "star"),
        ("attribute", "star texture"),
        ("negation", "no cross"),
        ("relation", "circle left of square"),
        ("relation", "star above square"),
    ]


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(1, 12))
def test_what_is_written_is_read_back(seed: int, atoms: int) -> None:
    prompt = sample_prompt(Random(seed), atoms)
    assert parse_prompt(str(prompt)) == prompt
    assert len(prompt.checklist().atoms) == prompt.size == atoms


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(1, 12))
def test_a_drawn_scene_fulfils_its_prompt(seed: int, atoms: int) -> None:
    random = Random(seed)
    prompt = sample_prompt(random, atoms)
    try:
        scene = sample_scene(prompt, random)
    except ValueError:
        assume(False)  # too crowded
    assert prompt.holds(scene)
    assert len(scene.objects) == sum(group.count for group in prompt.groups)
    for item in scene.objects:
        assert min(item.box) > 0
        assert max(item.box) < 1


@settings(deadline=None, max_examples=50)
@given(SEEDS, SEEDS, st.integers(1, 8))
def test_the_checklist_and_the_prompt_agree_on_any_scene(seed: int, other: int, atoms: int) -> None:
    prompt = sample_prompt(Random(seed), atoms)
    scene = sample_scene(sample_prompt(Random(other), 3), Random(other))
    checklist = prompt.checklist()
    assert verdict(checklist, look(checklist, scene)).passed == prompt.holds(scene)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a red cube", "'cube' (number 3) cannot stand there"),
        ("red circle", "'red' (number 1)"),
        ("a circle left a square", "'a' (number 4) cannot stand there. Known there: of"),
        ("a circle and", "the end cannot stand there"),
        ("a red circle and a blue circle", "names the circle twice"),
        ("the circle", "no circle is named before"),
        ("a circle left of no square", "must not be there"),
        ("a circle above the circle", "beside itself"),
        ("a circle; a square", "';' (number 3)"),
        ("", "the end cannot stand there"),
    ],
)
def test_a_prompt_outside_the_grammar_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_prompt(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse_prompt(text)
    except ValueError:
        return
    assert str(parse_prompt(str(read))) == str(read)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("add two red circles left of the blue square", Add(Group("circle", 2, colour="red"), "left of", "square")),
        ("add a star", Add(Group("star"))),
        ("remove the green star", Remove("star")),
        ("remove one circle", Remove("circle", one=True)),
        ("make the circle blue", Make("circle", "blue")),
        ("make the squares large", Make("square", "large")),
        ("move the circle above the square", Move("circle", "above", "square")),
    ],
)  # fmt: skip
def test_an_instruction_is_read(text: str, read: object) -> None:
    found = parse_instruction(text)
    assert found == read
    assert parse_instruction(str(found)) == found


@pytest.mark.parametrize("text", ["paint a star", "add no star", "make the star loud", "move the star", "remove star"])
def test_an_instruction_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_instruction(text)


@pytest.mark.parametrize(
    ("instruction", "after"),
    [
        ("remove the circle", "a large striped blue square and no circle"),
        ("make the circle large", "a large plain red circle left of a large striped blue square"),
        ("make the square plain", "a small red circle left of a large plain blue square"),
        ("make the square red", "a small red circle left of a large striped red square"),
        ("move the circle right of the square", "a small red circle right of a large striped blue square"),
        ("add two green stars above the circle", "two green stars above a small red circle and a blue square"),
    ],
)
def test_an_instruction_does_what_it_says_and_nothing_else(instruction: str, after: str) -> None:
    before = _scene(RED_CIRCLE, BLUE_SQUARE)
    assert not parse_prompt(after).holds(before)
    assert parse_prompt(after).holds(follow(parse_instruction(instruction), before, Random(1)))


def test_one_of_several_goes() -> None:
    before = _scene(RED_CIRCLE, BLUE_SQUARE, SceneObject("circle", "green", "plain", 0.5, 0.2, 0.085))
    assert len(follow(parse_instruction("remove one circle"), before, Random(0)).of_shape("circle")) == 1


def test_what_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="there is no star"):
        follow(parse_instruction("make the star red"), _scene(RED_CIRCLE), Random(0))


def test_a_checklist_of_other_things_is_not_guessed() -> None:
    answers = look(templated_checklist("a red circle on the left of a dog"), _scene(RED_CIRCLE))
    assert {name: answer.value for name, answer in answers.items()} == {
        "circle": "yes",
        "circle.red": "yes",
        "dog": "unknown",
        "left of": "unknown",
    }
