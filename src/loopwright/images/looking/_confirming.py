"""How often atoms are asked: all at once, then what is unsure, then all again before a picture passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from loopwright.images.checklist import Answer, Atom, Checklist, to_ask, verdict
from loopwright.types import Check, Verdict

Ask = Callable[[Sequence[Atom], int], Awaitable[dict[str, Answer]]]
"""One look at the picture: answers some atoms; the number says how many looks there were before."""

UNSURE = 0.7
"""Confidence below which an answer is asked for once more."""
LOOKS = 2
"""Answers "yes" in a row that an atom needs before the picture passes."""


async def confirmed(checklist: Checklist, ask: Ask, *, looks: int = LOOKS) -> Verdict:
    """Looks at a picture as often as its verdict needs.

    A failed picture is looked at once, or twice where answers are unsure. Before it passes, every atom is asked again,
    in other words, until each was answered "yes" so many times in a row; a "no" ends that. On recorded answers of three
    vision models (`python -m bench.images.dsg`) asking again what passed brought verdicts nearer to people's; asking
    again what failed did not.

    Args:
        checklist: What must hold.
        ask: Looks once.
        looks: Looks that must agree before a picture passes.
    """
    answers, looked = await ask(checklist.atoms, 0), 1
    if unsure := [atom for atom in checklist.atoms if _unsure(answers[atom.id])]:
        answers |= await ask(unsure, looked)
        looked += 1
    said = verdict(checklist, gated(checklist, answers))
    for _ in range(looks - 1):
        if not said.passed:
            break
        answers = await ask(checklist.atoms, looked)
        looked += 1
        said = verdict(checklist, gated(checklist, answers))
    return said.model_copy(update={"checks": tuple(_told(check, looked) for check in said.checks)})


def gated(checklist: Checklist, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Answers without those below an atom that failed, as if nobody had asked them."""
    kept: dict[str, Answer] = {}
    while asked := to_ask(checklist, kept):
        kept |= {atom.id: answers[atom.id] for atom in asked}
    return kept


def _unsure(answer: Answer) -> bool:
    return answer.value == "unknown" or answer.confidence < UNSURE


def _told(check: Check, looked: int) -> Check:
    return check.model_copy(update={"data": {**(check.data or {}), "looks": looked}})
