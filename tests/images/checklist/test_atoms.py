"""Atoms: the questions that they ask."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from loopwright.images.checklist import (
    AttributeAtom,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    OtherAtom,
    RelationAtom,
    SizeAtom,
    StyleAtom,
    TextAtom,
)


@pytest.mark.parametrize(
    ("atom", "question"),
    [
        (ObjectAtom(id="1", object="bench"), "Is there a bench?"),
        (ObjectAtom(id="1", object="orange"), "Is there an orange?"),
        (ObjectAtom(id="1", object="unicorn"), "Is there a unicorn?"),
        (ObjectAtom(id="1", object="skis"), "Are there skis?"),
        (ObjectAtom(id="1", object="box of chocolates"), "Is there a box of chocolates?"),
        (ObjectAtom(id="1", object="wine glass"), "Is there a wine glass?"),
        (CountAtom(id="1", object="knife", count=3), "Are there exactly three knives?"),
        (CountAtom(id="1", object="sheep", count=12, compare="at least"), "Are there at least 12 sheep?"),
        (CountAtom(id="1", object="bus", count=1), "Is there exactly one bus?"),
        (AttributeAtom(id="1", object="gloves", aspect="material", value="rubber"), "Are the gloves made of rubber?"),
        (AttributeAtom(id="1", object="cat", aspect="color", value="black"), "Is the cat black?"),
        (RelationAtom(id="1", object="cat", relation="left of", reference="dog"), "Is the cat to the left of the dog?"),
        (RelationAtom(id="1", object="cats", relation="behind", reference="dog"), "Are the cats behind the dog?"),
        (SizeAtom(id="1", object="cat", size="small"), "Is the cat small?"),
        (SizeAtom(id="1", object="cat", size="smaller", than="dog"), "Is the cat smaller than the dog?"),
        (StyleAtom(id="1", style="watercolour"), "Is the style of the picture watercolour?"),
        (TextAtom(id="1", text="STOP", object="sign"), 'Can the text "STOP" be read on the sign?'),
        (NegationAtom(id="1", object="person"), "Is the picture free of people?"),
    ],
)
def test_the_question_is_made_from_the_fields(atom: ObjectAtom, question: str) -> None:
    assert atom.question == question


def test_a_question_that_is_given_stays() -> None:
    assert ObjectAtom(id="1", object="cat", question="Do you see a cat?").question == "Do you see a cat?"


def test_what_only_a_vision_model_can_judge_needs_its_question() -> None:
    assert OtherAtom(id="1", question="Is the man waving?").question == "Is the man waving?"
    with pytest.raises(ValidationError, match="needs a question"):
        OtherAtom(id="1")


def test_a_count_is_asked_without_its_number() -> None:
    atom = CountAtom(id="1", object="mouse", count=3)
    assert atom.open_question == "How many mice are there?"


@pytest.mark.parametrize(("compare", "fitting"), [("exactly", [3]), ("at least", [3, 4, 5]), ("at most", [0, 1, 2, 3])])
def test_a_number_that_was_seen_is_compared(compare: str, fitting: list[int]) -> None:
    atom = CountAtom.model_validate({"id": "1", "object": "mouse", "count": 3, "compare": compare})
    assert [seen for seen in range(6) if atom.holds(seen)] == fitting


def test_relations_in_depth_are_told_apart() -> None:
    def depth(relation: str) -> bool:
        return RelationAtom.model_validate({"id": "1", "object": "a", "relation": relation, "reference": "b"}).depth

    assert [depth(one) for one in ("in front of", "behind", "left of", "on")] == [True, True, False, False]
