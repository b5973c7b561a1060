"""Prompts in known forms are taken apart as a whole, and others not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import TaskError
from loopwright.images.checklist import templated_checklist


def told(prompt: str) -> list[str]:
    return [atom.question for atom in templated_checklist(prompt).atoms]


@pytest.mark.parametrize(
    ("prompt", "questions"),
    [
        (
            "a green banana and a brown dog",
            ["Is there a banana?", "Is the banana green?", "Is there a dog?", "Is the dog brown?"],
        ),
        (
            "a chair hidden by a turtle",
            ["Is there a chair?", "Is there a turtle?", "Is the chair behind the turtle?"],
        ),
        ("a photo of three benchs", ["Is there a bench?", "Are there exactly three benches?"]),
        (
            "The sleek black cat sat on top of the pillow.",
            [
                "Is there a cat?",
                "Is the cat sleek?",
                "Is the cat black?",
                "Is there a pillow?",
                "Is the cat on the pillow?",
            ],
        ),
        (
            "three red cubes left of a striped cat, watercolour",
            [
                "Is there a cube?",
                "Are the cubes red?",
                "Are there exactly three cubes?",
                "Is there a cat?",
                "Is the cat striped?",
                "Are the cubes to the left of the cat?",
                "Is the style of the picture watercolour?",
            ],
        ),
        (
            "a big wooden chair and rubber gloves without any dogs",
            [
                "Is there a chair?",
                "Is the chair big?",
                "Is the chair made of wood?",
                "Are there gloves?",
                "Are the gloves made of rubber?",
                "Is the picture free of dogs?",
            ],
        ),
        (
            "a red cube on a blue cube",
            [
                "Is there a cube?",
                "Is there a red cube?",
                "Is there a blue cube?",
                "Are there at least two cubes?",
                "Is the red cube on the blue cube?",
            ],
        ),
        ("a cup and a cup", ["Is there a cup?", "Are there at least two cups?"]),
        ("a light brown box of chocolates", ["Is there a box of chocolates?", "Is the box of chocolates light brown?"]),
    ],
)
def test_forms_that_are_known(prompt: str, questions: list[str]) -> None:
    assert told(prompt) == questions


def test_parents_lead_to_the_objects() -> None:
    atoms = {atom.id: atom for atom in templated_checklist("two red cups behind a blue cup").atoms}
    assert atoms["red cup.count"].parents == ("cup", "cup.red")
    assert atoms["cup.red"].parents == ("cup",)


@pytest.mark.parametrize(
    "prompt",
    [
        "The red scarf draped over the black jacket.",
        "A black and white cat sits in a white sink.",
        "three camels shared a burger",
        "a cat left of a dog above a mat",
        "a cat and a dog left of a mat",
        "happiness",
        "two cups and three cups",
        "a " + "very" * 40 + " red cup",
        " and ".join(["a cup"] * 1000),
    ],
)
def test_others_are_not_taken_apart_by_half(prompt: str) -> None:
    with pytest.raises(TaskError, match=r"cannot take the prompt .* apart"):
        templated_checklist(prompt)


@pytest.mark.parametrize("prompt", ["", "  ", "!!!", "a photo", "a picture of the", "..."])
def test_a_prompt_without_anything_checkable_is_told_so(prompt: str) -> None:
    with pytest.raises(TaskError, match="nothing that can be checked"):
        templated_checklist(prompt)


NOUNS = st.sampled_from(["cup", "dog", "wine glass", "sheep", "knife", "bus"])
COLORS = st.sampled_from(["red", "blue", "orange"])


@given(st.lists(st.tuples(COLORS, NOUNS), min_size=1, max_size=5))
def test_every_object_and_color_of_a_list_is_found(things: list[tuple[str, str]]) -> None:
    checklist = templated_checklist(" and ".join(f"a {color} {noun}" for color, noun in things))
    assert {atom.object for atom in checklist.atoms if atom.kind == "object"} == {noun for _, noun in things}
    found = {(atom.value, atom.object) for atom in checklist.atoms if atom.kind == "attribute"}
    assert found == set(things)
    least = {atom.object: atom.count for atom in checklist.atoms if atom.kind == "count"}
    assert all(least.get(noun, 1) == sum(noun == other for _, other in things) for _, noun in things)


PARTS = ["a", "the", "red", "cup", "cups", "two", "of", "and", ",", "on", "left", "no", "in", "style"]


@given(st.text(max_size=60) | st.lists(st.sampled_from(PARTS)).map(" ".join))
def test_any_text_is_a_checklist_or_an_error_with_a_remedy(prompt: str) -> None:
    try:
        templated_checklist(prompt)
    except TaskError as error:
        if not error.remedy:
            raise
