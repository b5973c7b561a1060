"""How often a picture is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from loopwright.images.checklist import Answer, Atom, Checklist, ObjectAtom
from loopwright.images.looking import LOOKS, confirmed
from loopwright.types import Verdict

CHECKLIST = Checklist(
    prompt="-",
    atoms=(
        ObjectAtom(id="a", object="a"),
        ObjectAtom(id="b", object="b"),
        ObjectAtom(id="c", object="c", parents=("b",)),
    ),
)


def look(*answers: str, expected: dict[str, float] | None = None, looks: int = LOOKS) -> tuple[Verdict, list[str]]:
    """The verdict by answers such as `yyn`, one string for each look, and what was asked; `?` is unsure."""
    asked: list[str] = []

    async def ask(atoms: Sequence[Atom], looked: int) -> dict[str, Answer]:
        asked.append("".join(atom.id for atom in atoms))
        said = dict(zip("abc", answers[looked], strict=True))
        return {
            atom.id: Answer(
                value="yes" if said[atom.id] in "y?" else "no", confidence=0.5 if said[atom.id] == "?" else 1.0
            )
            for atom in atoms
        }

    async def go() -> Verdict:
        return await confirmed(CHECKLIST, ask, expected=expected, looks=looks)

    return asyncio.run(go()), asked


@pytest.mark.parametrize("looks", [1, 2, 5])
def test_a_picture_in_doubt_is_looked_at_so_often_as_is_allowed(looks: int) -> None:
    verdict, asked = look("???", "???", "???", "???", "???", looks=looks)
    assert len(asked) == looks
    assert not verdict.passed


SURE = {"a": 0.999, "b": 0.999, "c": 0.999}


@pytest.mark.parametrize(
    ("answers", "expected", "passed", "looks"),
    [
        (["nny"], None, False, 1),
        (["yyy", "yyy", "yyy"], None, True, 2),
        (["yyn", "yyn", "yyn"], None, False, 2),
        (["yyn", "yyy", "yyy"], None, True, 3),
        (["yyy"], SURE, True, 1),
        (["yyn", "yyy", "yyy"], SURE, True, 2),
        (["nnn"], SURE | {"a": 0.1}, False, 1),
        (["???", "???", "???"], SURE, False, 3),
        (["yyy", "yyy", "yyy"], {"a": 0.02, "b": 0.02, "c": 0.999}, False, 3),
    ],
    ids=[
        "fails",
        "passes",
        "denied",
        "denied-once",
        "known",
        "known-denied-once",
        "known-wrong",
        "never-said",
        "affirmed-against-odds",
    ],
)
def test_a_picture_is_looked_at_until_it_is_sure_enough(
    answers: list[str], expected: dict[str, float] | None, passed: bool, looks: int
) -> None:
    verdict, asked = look(*answers, expected=expected)
    assert (verdict.passed, len(asked)) == (passed, looks)
    assert all(check.data and check.data["looks"] == looks for check in verdict.checks)


def test_what_is_sure_is_not_asked_again() -> None:
    assert look("yyn", "yyy", "yyy", expected={"a": 0.999, "b": 0.999, "c": 0.9})[1][1] == "c"


def test_what_stands_below_a_failed_atom_does_not_pass() -> None:
    verdict, _ = look("yny", "yny", "yny")
    assert [check.passed for check in verdict.checks] == [True, False, False]


def test_a_check_tells_the_votes_and_the_probability() -> None:
    verdict, _ = look("nyy", "nyy", "nyy")
    data = verdict.checks[0].data
    assert data is not None
    assert data["yes"] == 0
    assert data["p"] == verdict.checks[0].score < 0.2
