"""What boxes of a detector say about atoms, and which part of a picture is worth a second look."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from loopwright.images.checklist import (
    AttributeAtom,
    Box,
    Checklist,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    RelationAtom,
)
from loopwright.images.checklist._atoms import Relation
from loopwright.images.looking import ObjectDetection, cropped, detected, region_of

CHECKLIST = Checklist(
    prompt="-",
    atoms=(
        ObjectAtom(id="cat", object="cat"),
        CountAtom(id="two", object="cat", count=2),
        NegationAtom(id="no dog", object="dog"),
        AttributeAtom(id="striped", object="cat", value="striped"),
    ),
)
LEFT, RIGHT, LOW = (0.1, 0.1, 0.3, 0.3), (0.6, 0.1, 0.8, 0.3), (0.1, 0.6, 0.3, 0.8)


def cat(box: Box, score: float = 0.5) -> ObjectDetection:
    return ObjectDetection("cat", score, box)


def test_boxes_decide_presence_and_number_and_leave_the_rest() -> None:
    answers = detected(CHECKLIST, [cat(LEFT), cat(RIGHT, 0.9)])
    assert {name: one.value for name, one in answers.items()} == {"cat": "yes", "two": "yes", "no dog": "yes"}
    assert (answers["two"].seen, answers["two"].boxes) == (2, (RIGHT, LEFT))
    assert answers["two"].evidence == "cat 0.90, cat 0.50"


def test_boxes_of_one_thing_count_once_and_other_labels_not_at_all() -> None:
    again = (0.11, 0.1, 0.3, 0.31)
    answers = detected(
        CHECKLIST, [cat(LEFT), cat(again, 0.4), ObjectDetection("dog", 0.8, LOW), ObjectDetection("car", 0.8, LOW)]
    )
    assert {name: one.value for name, one in answers.items()} == {"cat": "yes", "two": "no", "no dog": "no"}
    assert answers["two"].seen == 1
    assert {one.value for name, one in detected(CHECKLIST, []).items() if name != "no dog"} == {"no"}


@pytest.mark.parametrize(
    ("one", "relation", "other", "value"),
    [
        (LEFT, "left of", RIGHT, "yes"),
        (RIGHT, "left of", LEFT, "no"),
        (LEFT, "above", LOW, "yes"),
        (LOW, "above", LEFT, "no"),
        (LEFT, "above", RIGHT, "no"),
        ((0.1, 0.1, 0.5, 0.5), "left of", (0.13, 0.1, 0.53, 0.5), "no"),
        (LEFT, "left of", LEFT, "no"),
    ],
)
def test_places_are_told_by_centres_and_sizes(one: Box, relation: Relation, other: Box, value: str) -> None:
    atoms = (RelationAtom(id="r", object="cat", relation=relation, reference="cup"),)
    found = [ObjectDetection("cat", 0.5, one), ObjectDetection("cup", 0.5, other)]
    assert detected(Checklist(prompt="-", atoms=atoms), found)["r"].value == value
    assert detected(Checklist(prompt="-", atoms=atoms), found[:1])["r"].value == "no"


def test_depth_is_nothing_that_boxes_tell() -> None:
    atoms = (RelationAtom(id="r", object="cat", relation="behind", reference="cup"),)
    assert detected(Checklist(prompt="-", atoms=atoms), [cat(LEFT)]) == {}


@pytest.mark.parametrize(
    ("boxes", "region"),
    [
        ([], None),
        ([LEFT], (0.05, 0.05, 0.35, 0.35)),
        ([(0.0, 0.0, 0.2, 0.2)], (0.0, 0.0, 0.25, 0.25)),
        ([LEFT, RIGHT], (0.0, 0.05, 0.975, 0.35)),
        ([(0.1, 0.1, 0.8, 0.8)], None),
    ],
)
def test_a_part_with_a_margin_is_shown_unless_it_is_most_of_the_picture(boxes: list[Box], region: Box | None) -> None:
    found = region_of(boxes)
    assert (found is None) == (region is None)
    assert found is None or found == pytest.approx(region)


def test_a_part_is_enlarged_where_it_is_small() -> None:
    picture = Image.new("RGB", (64, 32), "white")
    picture.paste("red", (8, 8, 16, 16))
    out = io.BytesIO()
    picture.save(out, "PNG")
    part = Image.open(io.BytesIO(cropped(out.getvalue(), (8 / 64, 8 / 32, 16 / 64, 16 / 32))))
    assert part.size == (512, 512)
    assert part.getpixel((0, 0)) == part.getpixel((511, 511)) == (255, 0, 0)
    large = io.BytesIO()
    Image.new("RGB", (4000, 3000)).save(large, "PNG")
    assert Image.open(io.BytesIO(cropped(large.getvalue(), (0, 0, 0.5, 0.5)))).size == (2000, 1500)
