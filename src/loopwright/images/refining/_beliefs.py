"""What is believed of each atom in each picture of an episode: the probability that it holds.

The pictures form a tree of edits. Of each atom, apart from the others, a hidden state says in which pictures it holds:

    P(holds in a new picture)            = (3 + yes) / (4 + asked), over the first answers to all new pictures
    P(holds after an edit | held before) = KEPT
    P(holds after an edit | did not)     = TURNED where the edit aimed at it, else 1 - KEPT

A verifier errs at rates e: it denies what holds with e = FALSE_NO, and affirms what does not with e = FALSE_YES. A
share LASTING of its answers belongs to the picture and comes again whenever it looks; others are drawn anew. Of y
answers that are right in a state and n that are wrong,

    P(y, n | state) = LASTING * ((1 - e)[n = 0] + e[y = 0]) + (1 - LASTING) * (1 - e)^y * e^n

Belief propagation on the tree makes the probability of each state given all answers. So an atom that is denied in one
picture, and affirmed in another that was made from it by an edit of something else, is believed to hold in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from loopwright.images.refining._operations import PICTURE, aims_of
from loopwright.types import Attempt, Check

FALSE_YES = 0.1
"""How often a verifier affirms an atom that does not hold: what vision models were measured at is 0.05 to 0.2."""
FALSE_NO = 0.05
"""How often it denies one that holds."""
LASTING = 0.5
"""Share of its answers that come again whenever it looks at the same picture."""
KEPT = 0.97
"""How often an edit leaves an atom as it is that it does not aim at, or that holds already."""
TURNED = 0.7
"""How often an edit turns an atom that it aims at."""
MOVED = 0.35
"""How often an edit turns a relation in space: things are moved less reliably than they are changed."""
NEW = 0.75
"""How often an atom holds in a new picture, before one was seen."""
WEIGHT = 4
"""How many answers to new pictures weigh as much as `NEW`."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What was answered about one atom of one picture."""

    yes: int = 0
    no: int = 0

    def __add__(self, other: Votes) -> Votes:
        """All answers of both."""
        return Votes(self.yes + other.yes, self.no + other.no)

    def likelihood(self, *, holds: bool) -> float:
        """The probability of these answers, in their order, where the atom holds or does not."""
        right, wrong, rate = (self.yes, self.no, FALSE_NO) if holds else (self.no, self.yes, FALSE_YES)
        lasting = (1 - rate) * (wrong == 0) + rate * (right == 0) if right or wrong else 1.0
        return LASTING * lasting + (1 - LASTING) * (1 - rate) ** right * rate**wrong

    def posterior(self, prior: float) -> float:
        """The probability that the atom holds, given these answers."""
        holds, fails = prior * self.likelihood(holds=True), (1 - prior) * self.likelihood(holds=False)
        return holds / (holds + fails)


def votes_of(check: Check) -> Votes:
    """The answers behind a check; those of a verifier that counts none are one answer, or none where nobody asked."""
    data = check.data or {}
    yes, asked = data.get("yes"), data.get("asked")
    if isinstance(yes, int) and isinstance(asked, int):
        return Votes(yes, asked - yes)
    if data.get("answer") in ("skipped", "unknown"):
        return Votes()
    return Votes(int(check.passed), int(not check.passed))


def new_picture(answers: Iterable[Votes]) -> float:
    """The probability that an atom holds in a new picture, after answers to atoms of such pictures."""
    first = [votes.yes / (votes.yes + votes.no) for votes in answers if votes.yes + votes.no]
    return (NEW * WEIGHT + sum(first)) / (WEIGHT + len(first))


def turned(kind: object) -> float:
    """How often an edit turns an atom of a kind that it aims at."""
    return MOVED if kind == "relation" else TURNED


def after_edit(before: float, turns: float | None = None) -> float:
    """The probability that an atom holds after an edit; `turns` is how often one turns it that aims at it."""
    return before * KEPT + (1 - before) * (1 - KEPT if turns is None else turns)


@dataclass(slots=True)
class _Picture:
    """One picture in the tree, while one atom is looked at: pairs are for "does not hold" and "holds"."""

    attempts: list[Attempt]
    """Those that show it: the one that made it, and edits that changed nothing."""
    before: _Picture | None
    aims: frozenset[str]
    turns: float | None = None
    """How often its edit turns the atom; None where it did not aim at it."""
    below: tuple[float, float] = (1.0, 1.0)
    """Likelihood of the answers here and in all pictures made from this one."""
    above: tuple[float, float] = (1.0, 1.0)
    """Probability by all other answers."""
    told: tuple[float, float] = field(default=(1.0, 1.0))
    """Likelihood of `below` by the state of the picture before."""


def beliefs(attempts: Iterable[Attempt]) -> dict[int, dict[str, float]]:
    """For each picture, by iteration, the probability of each atom.

    Where an edit changed nothing, the answers to its picture are further ones to the picture that it was made from.
    """
    pictures: dict[int, _Picture] = {}
    order: list[_Picture] = []
    for attempt in attempts:
        if attempt.candidate is None or not attempt.verdict.checks:
            continue
        before = pictures.get(attempt.parent) if attempt.parent is not None else None
        if before is not None and same_picture(before.attempts[0], attempt):
            before.attempts.append(attempt)
            pictures[attempt.iteration] = before
        else:
            order.append(_Picture([attempt], before, frozenset(aims_of(attempt.candidate.made))))
            pictures[attempt.iteration] = order[-1]
    new = new_picture(
        votes_of(check) for one in order if one.before is None for check in one.attempts[0].verdict.checks
    )
    found: dict[int, dict[str, float]] = {id(one): {} for one in order}
    for atom in dict.fromkeys(check.name for one in order for check in one.attempts[0].verdict.checks):
        for one, probability in zip(order, _propagated(order, atom, new), strict=True):
            found[id(one)][atom] = probability
    return {number: found[id(one)] for number, one in pictures.items()}


def same_picture(one: Attempt, other: Attempt) -> bool:
    """Whether both hold the very same picture: an edit changed nothing."""
    shown = [attempt.candidate.artifacts.get(PICTURE) if attempt.candidate else None for attempt in (one, other)]
    return shown[0] is not None and shown[0] == shown[1]


def all_hold(believed: Mapping[str, float]) -> float:
    """The probability that every atom holds."""
    return prod(believed.values())


def _propagated(order: Sequence[_Picture], atom: str, new: float) -> list[float]:
    """The probability of one atom in each picture; a picture stands behind the one that it was made from."""
    for one in order:
        checks = [check for attempt in one.attempts for check in attempt.verdict.checks if check.name == atom]
        votes = sum(map(votes_of, checks), Votes())
        kind = (checks[0].data or {}).get("kind") if checks else None
        one.turns = turned(kind) if atom in one.aims else None
        one.below = (votes.likelihood(holds=False), votes.likelihood(holds=True))
    for one in reversed(order):
        if one.before is not None:
            low, high = (after_edit(state, one.turns) for state in (0.0, 1.0))
            absent, present = one.below
            one.told = (absent * (1 - low) + present * low, absent * (1 - high) + present * high)
            one.before.below = (one.before.below[0] * one.told[0], one.before.below[1] * one.told[1])
    found = []
    for one in order:
        prior = new
        if one.before is not None:
            fails, holds = (one.before.above[at] * one.before.below[at] / one.told[at] for at in (0, 1))
            prior = after_edit(holds / (fails + holds), one.turns)
        one.above = (1 - prior, prior)
        fails, holds = (one.above[at] * one.below[at] for at in (0, 1))
        found.append(holds / (fails + holds))
    return found
