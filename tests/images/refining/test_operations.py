"""From failed atoms to the next operation."""

from __future__ import annotations

import pytest

from loopwright.images.checklist import Answer, Checklist, StyleAtom, verdict
from loopwright.images.looking import gated
from loopwright.images.refining import answers, next_operation, wants_new_picture
from loopwright.images.shapes import parse_instruction, parse_prompt
from loopwright.types import Verdict

PROMPT = "two red circles left of a blue square and a large star, no ring"
CHECKLIST = parse_prompt(PROMPT).checklist()


def judged(checklist: Checklist, **seen: int) -> Verdict:
    """A verdict in which the atoms that are named fail; names with blanks by underscores, counts by what was seen."""
    failed = {name.replace("_", " "): count for name, count in seen.items()}
    answers = {
        atom.id: Answer(value="no" if atom.id in failed else "yes", seen=failed.get(atom.id))
        for atom in checklist.atoms
    }
    return verdict(checklist, gated(checklist, answers))


@pytest.mark.parametrize(
    ("failed", "instruction"),
    [
        ({"circle": 0}, "Add two red circles left of the square"),
        ({"circle_count": 1}, "Add a red circle"),
        ({"circle_count": 4}, "Remove one circle"),
        ({"circle_colour": 0}, "Make the circle red"),
        ({"star": 0}, "Add a large star"),
        ({"star_size": 0}, "Make the star large"),
        ({"circle_left_of_square": 0}, "Move the circle left of the square"),
        ({"no_ring": 0}, "Remove the ring"),
        ({"circle_colour": 0, "circle": 0}, "Add two red circles left of the square"),
    ],
)
def test_each_failure_has_its_operation(failed: dict[str, int], instruction: str) -> None:
    said = judged(CHECKLIST, **failed)
    operation = next_operation(CHECKLIST, said, answers(said))
    assert operation is not None
    assert operation.instruction == instruction
    parse_instruction(instruction)


def test_what_failed_least_often_comes_first_and_in_other_words() -> None:
    said = judged(CHECKLIST, circle_colour=0, star_size=0)
    first = next_operation(CHECKLIST, said, answers(said))
    assert first is not None
    second = next_operation(CHECKLIST, said, answers(said), {first.aims[0]: 1})
    assert second is not None
    assert second.aims != first.aims
    assert len({first.prompt(tries) for tries in range(3)}) == 3


def test_nothing_failed_needs_no_operation() -> None:
    said = judged(CHECKLIST)
    assert next_operation(CHECKLIST, said, answers(said)) is None


def test_what_is_least_believed_is_edited_first() -> None:
    said = judged(CHECKLIST, circle_colour=0, star_size=0)
    for doubted in ("circle colour", "star size"):
        operation = next_operation(
            CHECKLIST, said, answers(said) | {"circle colour": 0.3, "star size": 0.3, doubted: 0.1}
        )
        assert operation is not None
        assert operation.aims == (doubted,)


def test_a_new_picture_is_wanted_where_more_than_half_or_the_style_is_wrong() -> None:
    assert not wants_new_picture(CHECKLIST, judged(CHECKLIST, star=0))
    assert wants_new_picture(CHECKLIST, judged(CHECKLIST, circle=0, square=0))
    styled = Checklist(prompt="ink", atoms=(*CHECKLIST.atoms, StyleAtom(id="ink", style="ink drawing")))
    assert wants_new_picture(styled, judged(styled, ink=0))
