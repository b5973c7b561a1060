"""How often atoms are asked: all at once, then what is in doubt, and all again before a picture passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from loopwright.images.checklist import Answer, Atom, Checklist, to_ask, verdict
from loopwright.types import Check, Verdict

Ask = Callable[[Sequence[Atom], int], Awaitable[dict[str, Answer]]]
"""One look at the picture: answers some atoms; the number says how many looks there were before."""

UNSURE = 0.7
"""Confidence below which an answer is asked for once more."""
AHEAD = 2
"""By how many answers "yes" must be ahead of others, for each atom, before a picture passes."""
MOST = 4
"""Looks at one picture."""


async def confirmed(checklist: Checklist, ask: Ask, *, ahead: int = AHEAD, held: Collection[str] = ()) -> Verdict:
    """Looks at a picture as often as its verdict needs: a sequential test of each atom.

    A failed picture is looked at once. Asked again is what the verifier is unsure of or has answered both ways, what
    held before an edit and failed now, and what failed alone: there the look is wrong more often than the picture.
    Before a picture passes, every atom is asked again until "yes" is ahead by `ahead`. On recorded answers of three
    vision models (`python -m bench.images.dsg`) asking again what passed brought verdicts nearer to people's; asking
    again what failed did not.

    Args:
        checklist: What must hold.
        ask: Looks once.
        ahead: By how many answers "yes" must be ahead before a picture passes; 1 looks once and asks nothing again.
        held: Atoms that held in the picture that was edited.

    Returns:
        One check for each atom. One that was answered both ways and does not hold scores the share of "yes".
    """
    votes: dict[str, list[Answer]] = {atom.id: [] for atom in checklist.atoms}
    asked: Sequence[Atom] = checklist.atoms
    looked = 0
    while asked and looked < MOST:
        for name, answer in (await ask(asked, looked)).items():
            votes[name].append(answer)
        looked += 1
        asked = [] if ahead == 1 else _in_doubt(checklist, votes, ahead, held)
    said = verdict(checklist, gated(checklist, {name: _joined(answers) for name, answers in votes.items()}))
    return said.model_copy(update={"checks": tuple(_told(check, votes[check.name], looked) for check in said.checks)})


def gated(checklist: Checklist, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Answers without those below an atom that failed, as if nobody had asked them."""
    kept: dict[str, Answer] = {}
    while asked := to_ask(checklist, kept):
        kept |= {atom.id: answers[atom.id] for atom in asked}
    return kept


def _in_doubt(
    checklist: Checklist, votes: Mapping[str, Sequence[Answer]], ahead: int, held: Collection[str]
) -> list[Atom]:
    """The atoms to ask once more."""
    answers = gated(checklist, {name: _joined(given) for name, given in votes.items()})
    failed = {name for name, answer in answers.items() if answer.value != "yes"}
    if not failed:
        return [atom for atom in checklist.atoms if _lead(votes[atom.id]) < ahead]
    known = failed if len(failed) == 1 else failed & set(held)
    return [
        atom
        for atom in checklist.atoms
        if (atom.id in known and -_lead(votes[atom.id]) < ahead)
        or (atom.id in failed and _mixed(votes[atom.id]) and abs(_lead(votes[atom.id])) < ahead)
        or (len(votes[atom.id]) == 1 and _unsure(votes[atom.id][0]))
    ]


def _lead(votes: Sequence[Answer]) -> int:
    """By how many answers "yes" is ahead; below zero where it is behind."""
    yes = _yes(votes)
    return yes - (len(votes) - yes)


def _yes(votes: Sequence[Answer]) -> int:
    return sum(vote.value == "yes" for vote in votes)


def _mixed(votes: Sequence[Answer]) -> bool:
    return 0 < _yes(votes) < len(votes)


def _joined(votes: Sequence[Answer]) -> Answer:
    """The answer of most looks, as the last of them gave it; "no" where they are even."""
    value = "yes" if _lead(votes) > 0 else "no"
    agreeing = [vote for vote in votes if (vote.value == "yes") == (value == "yes")]
    share = len(agreeing) / len(votes)
    return agreeing[-1].model_copy(update={"confidence": agreeing[-1].confidence * share})


def _unsure(answer: Answer) -> bool:
    return answer.value == "unknown" or answer.confidence < UNSURE


def _told(check: Check, votes: Sequence[Answer], looked: int) -> Check:
    data = {**(check.data or {}), "looks": looked, "yes": _yes(votes), "asked": len(votes)}
    blocked = (check.data or {}).get("answer") == "skipped"
    score = check.score if check.passed or blocked else _yes(votes) / len(votes)
    return check.model_copy(update={"data": data, "score": score})
