"""What is believed of each atom in each picture of an episode: the probability that it holds.

The pictures form a tree of edits. Of each atom, apart from the others, a hidden state says in which pictures it holds:

    P(holds in a new picture)            = `Rates.holds_anew`
    P(holds after an edit | held before) = KEPT
    P(holds after an edit | did not)     = TURNED where the edit aimed at it, else 1 - KEPT

The answers to an atom of a picture have the likelihood of `Votes` in each state.

Belief propagation on the tree makes the probability of each state given all answers. So an atom that is denied in one
picture, and affirmed in another that was made from it by an edit of something else, is believed to hold in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from loopwright.images.refining._operations import aims_of
from loopwright.images.refining._stages import UNASKED, drawn, is_drawn
from loopwright.images.refining._votes import ASSUMED, Rates, Votes, kind_of, new_picture, same_picture, votes_of
from loopwright.types import Attempt

KEPT = 0.97
"""How often an edit leaves an atom as it is that it does not aim at, or that holds already."""
TURNED = 0.7
"""How often an edit turns an atom that it aims at."""
MOVED = 0.35
"""How often an edit turns a relation in space: things are moved less reliably than they are changed."""


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


def beliefs(attempts: Iterable[Attempt], rates: Rates = ASSUMED) -> dict[int, dict[str, float]]:
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
    new = new_picture(votes_of(check) for one in order if one.before is None for check in drawn(one.attempts[0]))
    found: dict[int, dict[str, float]] = {id(one): {} for one in order}
    kinds = {check.name: kind_of(check) for one in order for check in one.attempts[0].verdict.checks}
    for atom, kind in kinds.items():
        for one, probability in zip(order, _propagated(order, atom, kind, new, rates), strict=True):
            found[id(one)][atom] = probability
    return {number: found[id(one)] for number, one in pictures.items()}


def all_hold(believed: Mapping[str, float]) -> float:
    """The probability that every atom holds."""
    return prod(believed.values())


def _propagated(order: Sequence[_Picture], atom: str, kind: str, among: float, rates: Rates) -> list[float]:
    """The probability of one atom in each picture; a picture stands behind the one that it was made from."""
    for one in order:
        checks = [check for attempt in one.attempts for check in attempt.verdict.checks if check.name == atom]
        votes = sum(map(votes_of, checks), Votes())
        one.turns = turned(kind) if atom in one.aims else None
        one.below = (votes.likelihood(holds=False, rates=rates), votes.likelihood(holds=True, rates=rates))
    for one in reversed(order):
        if one.before is not None:
            low, high = (after_edit(state, one.turns) for state in (0.0, 1.0))
            absent, present = one.below
            one.told = (absent * (1 - low) + present * low, absent * (1 - high) + present * high)
            one.before.below = (one.before.below[0] * one.told[0], one.before.below[1] * one.told[1])
    found = []
    for one in order:
        prior = rates.holds_anew(kind, among) if is_drawn(one.attempts[0], atom) else UNASKED
        if one.before is not None:
            fails, holds = (one.before.above[at] * one.before.below[at] / one.told[at] for at in (0, 1))
            prior = after_edit(holds / (fails + holds), one.turns)
        one.above = (1 - prior, prior)
        fails, holds = (one.above[at] * one.below[at] for at in (0, 1))
        found.append(holds / (fails + holds))
    return found
