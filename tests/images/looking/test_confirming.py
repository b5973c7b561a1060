"""How often a picture is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from loopwright.images.checklist import Answer, Atom, Checklist, ObjectAtom
from loopwright.images.looking import confirmed
from loopwright.types import Verdict

CHECKLIST = Checklist(
    prompt="-",
    atoms=(
        ObjectAtom(id="a", object="a"),
        ObjectAtom(id="b", object="b"),
        ObjectAtom(id="c", object="c", parents=("b",)),
    ),
)


def look(*answers: str, ahead: int = 2) -> tuple[Verdict, list[str]]:
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
        return await confirmed(CHECKLIST, ask, ahead=ahead)

    return asyncio.run(go()), asked


@pytest.mark.parametrize(
    ("answers", "passed", "asked"),
    [
        (["nny"], False, ["abc"]),
        (["nyn"], False, ["abc"]),
        (["yyy", "yyy"], True, ["abc", "abc"]),
        (["yyn", "yyn"], False, ["abc", "c"]),
        (["yyy", "yyn", "yyn", "yyn"], False, ["abc", "abc", "c", "c"]),
        (["yyn", "yyy", "yyy", "yyy"], True, ["abc", "c", "c", "abc"]),
        (["?yy", "yyy"], True, ["abc", "abc"]),
    ],
)
def test_a_failed_picture_is_looked_at_once_and_a_pass_is_confirmed(
    answers: list[str], passed: bool, asked: list[str]
) -> None:
    verdict, looked = look(*answers)
    assert (verdict.passed, looked) == (passed, asked)
    assert all(check.data and check.data["looks"] == len(asked) for check in verdict.checks)


def test_what_stands_below_a_failed_atom_does_not_count() -> None:
    verdict, _ = look("yny", ahead=1)
    assert [check.score for check in verdict.checks] == [1.0, 0.0, 0.0]


def test_one_look_can_be_enough() -> None:
    verdict, looked = look("yyy", ahead=1)
    assert (verdict.passed, len(looked)) == (True, 1)
