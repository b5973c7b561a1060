"""How often a picture is looked at: once where it plainly fails, and else until it is sure enough that it passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from loopwright.images.checklist import Answer, Atom, Checklist, to_ask, verdict
from loopwright.images.refining import ASSUMED, Rates, Votes, all_hold, new_picture
from loopwright.types import Check, Verdict

Ask = Callable[[Sequence[Atom], int], Awaitable[dict[str, Answer]]]
"""One look at the picture: answers some atoms; the number says how many looks there were before."""

UNSURE = 0.7
"""Confidence below which an answer is no vote, and is asked for once more."""
PASS = 0.95
"""Probability that all atoms hold from which on a picture passes at once."""
FAIL = 0.08
"""Probability that all atoms hold below which a picture fails at once, if an answer denied one."""
SURE = 0.99
"""Probability of an atom above which it is not asked again."""
LOOKS = 3
"""Looks at one picture, at most, where nothing else is said."""


async def confirmed(
    checklist: Checklist,
    ask: Ask,
    *,
    expected: Mapping[str, float] | None = None,
    rates: Rates = ASSUMED,
    looks: int = LOOKS,
) -> Verdict:
    """Looks at a picture as often as its verdict needs: a sequential test of all atoms.

    After each look, the probability of each atom is that of `Votes`. The picture fails as soon as an atom is denied and
    hardly any chance is left, and passes as soon as all of them together are sure enough; else what is in doubt is
    asked again. After the last look the picture passes if it is more probable than not that all of it holds. An atom
    that no answer affirmed never passes.

    Args:
        checklist: What must hold.
        ask: Looks once.
        expected: Ids of atoms to the probability that they hold, as known before the first look: from the picture that
            was edited. None for a new picture; for one that shows a part of what is asked for, the other atoms.
        rates: Of whoever answers.
        looks: At the picture, at most.

    Returns:
        One check for each atom; its data hold `p`, the probability. One that does not pass has it as its score.
    """
    votes = {atom.id: Votes() for atom in checklist.atoms}
    last: dict[str, Answer] = {}
    asked: Sequence[Atom] = checklist.atoms
    looked = 0
    while True:
        for name, answer in (await ask(asked, looked)).items():
            votes[name] = _counted(votes[name], answer)
            last[name] = answer
        looked += 1
        among = new_picture(given for name, given in votes.items() if name not in (expected or {}))
        new = {atom.id: rates.holds_anew(atom.kind, among) for atom in checklist.atoms}
        holds = {name: given.posterior((expected or {}).get(name, new[name]), rates) for name, given in votes.items()}
        asked = [atom for atom in checklist.atoms if holds[atom.id] < SURE or not votes[atom.id].yes]
        probability = all_hold(holds)
        sure = probability >= PASS and all(given.yes for given in votes.values())
        denied = probability <= FAIL and any(given.no for given in votes.values())
        if looked >= looks or denied or sure or not asked:
            break
    return _told(checklist, last, votes, holds, looked)


def _counted(votes: Votes, answer: Answer) -> Votes:
    if answer.value == "unknown" or answer.confidence < UNSURE:
        return votes
    return Votes(votes.yes + (answer.value == "yes"), votes.no + (answer.value == "no"))


def gated(checklist: Checklist, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Answers without those below an atom that failed, as if nobody had asked them."""
    kept: dict[str, Answer] = {}
    while asked := to_ask(checklist, kept):
        kept |= {atom.id: answers[atom.id] for atom in asked}
    return kept


def _value(answer: Answer, *, affirmed: bool) -> str:
    return "yes" if affirmed else "no" if answer.value == "yes" else answer.value


def _told(
    checklist: Checklist,
    last: Mapping[str, Answer],
    votes: Mapping[str, Votes],
    holds: Mapping[str, float],
    looked: int,
) -> Verdict:
    affirmed = {name for name, probability in holds.items() if probability >= 0.5 and votes[name].yes}
    if all_hold(holds) < 0.5:
        affirmed.discard(min(holds, key=lambda name: holds[name]))
    answers = {
        name: answer.model_copy(update={"value": _value(answer, affirmed=name in affirmed)})
        for name, answer in last.items()
    }
    said = verdict(checklist, gated(checklist, answers))

    def told(check: Check) -> Check:
        given, probability = votes[check.name], round(holds[check.name], 4)
        data = {
            **(check.data or {}),
            "looks": looked,
            "yes": given.yes,
            "asked": given.yes + given.no,
            "p": probability,
        }
        return check.model_copy(update={"data": data, "score": check.score if check.passed else min(probability, 0.99)})

    return said.model_copy(update={"checks": tuple(map(told, said.checks))})
