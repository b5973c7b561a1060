"""Streams of edits: which picture is edited next, when one is rolled back, and when a new one is made."""

from __future__ import annotations

import pytest

from loopwright.images.checklist import Checklist, ObjectAtom, StyleAtom
from loopwright.images.refining import next_edit, picture_to_edit, published_critique
from loopwright.types import Attempt, Candidate, Check, Verdict

CHECKLIST = Checklist(prompt="-", atoms=tuple(ObjectAtom(id=name, object=name) for name in "abcd"))


def attempt(
    iteration: int, held: str, parent: int | None = None, aims: str = "", picture: int | None = None
) -> Attempt:
    """A picture in which the atoms a to d hold as named; `held` is `-` where there is no picture."""
    checks = tuple(Check(name=name, score=float(name in held)) for name in "abcd")
    shown = f"sha256:{iteration if picture is None else picture:064}"
    candidate = Candidate(text="-", artifacts={"picture": shown}, made={"aims": list(aims)})
    return Attempt(
        iteration=iteration,
        parent=parent,
        candidate=None if held == "-" else candidate,
        verdict=Verdict(checks=() if held == "-" else checks),
    )


@pytest.mark.parametrize(
    ("attempts", "edited"),
    [
        ([attempt(0, "abc")], 0),
        ([attempt(0, "")], None),
        ([attempt(0, "-")], None),
        ([attempt(0, "ab"), attempt(1, "abc", 0, "c")], 1),
        ([attempt(0, "ab"), attempt(1, "abc", 0, "c"), attempt(2, "bc", 1, "d")], 1),
        ([attempt(0, "abc"), attempt(1, "abc", 0, "d", picture=0)], 0),
        ([attempt(0, "a"), attempt(1, "abc")], 1),
        ([attempt(0, "abc"), attempt(1, "-")], 0),
    ],
    ids=["nearly", "nothing", "no-picture", "won", "rolled-back", "unchanged", "better-one", "lost-reply"],
)
def test_the_picture_that_is_nearest_to_its_checklist_is_edited(attempts: list[Attempt], edited: int | None) -> None:
    assert picture_to_edit(CHECKLIST, attempts) == edited


def test_after_edits_in_vain_a_new_picture_is_made() -> None:
    tries = [attempt(number, "abc", 0, "d", picture=0) for number in range(1, 8)]
    chosen = [picture_to_edit(CHECKLIST, [attempt(0, "abc"), *tries[:count]]) for count in range(8)]
    assert chosen[0] == 0
    assert chosen[-1] is None


def test_a_wrong_style_asks_for_a_new_picture() -> None:
    styled = Checklist(prompt="-", atoms=(*CHECKLIST.atoms[:3], StyleAtom(id="d", style="ink drawing")))
    assert picture_to_edit(styled, [attempt(0, "abc")]) is None


def test_a_style_in_doubt_is_no_reason_for_an_edit() -> None:
    """No editor can be told to mend it, and what the proposer would draw anew must not stand as an edit."""
    styled = Checklist(prompt="-", atoms=(CHECKLIST.atoms[0], StyleAtom(id="d", style="ink drawing")))
    told = attempt(0, "ad")
    checks = tuple(check for check in told.verdict.checks if check.name in "ad")
    unsure = checks[1].model_copy(update={"score": 0.5, "data": {"yes": 1, "asked": 2}})
    doubted = told.model_copy(update={"verdict": Verdict(checks=(checks[0], unsure))})
    assert next_edit(styled, [doubted], doubted) is None
    assert picture_to_edit(styled, [doubted]) is None


def test_of_a_picture_that_was_given_there_is_no_new_one() -> None:
    lost = attempt(0, "")
    assert lost.candidate
    made = lost.candidate.model_copy(update={"made": {"operation": "given"}})
    given = lost.model_copy(update={"candidate": made})
    deep = [given, *(attempt(number, "abc", number - 1, "d") for number in range(1, 9))]
    assert picture_to_edit(CHECKLIST, [lost]) is None
    assert picture_to_edit(CHECKLIST, [given]) == 0
    assert picture_to_edit(CHECKLIST, deep) is not None
    assert published_critique(CHECKLIST, lost, [lost]).decision == "restart"
    assert published_critique(CHECKLIST, given, [given]).decision == "continue"


def test_an_edit_tells_what_is_expected_of_it() -> None:
    first = attempt(0, "abc")
    edit = next_edit(CHECKLIST, [first], first)
    assert edit is not None
    assert edit.operation.aims == ("d",)
    assert min(edit.expected, key=lambda name: edit.expected[name]) == "d"
    assert 0.5 < edit.expected["d"] < edit.expected["a"] < 1
