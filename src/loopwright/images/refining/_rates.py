"""How often a verifier errs, and how often atoms hold in new pictures, as the answers of a run tell.

A verifier that looks several times contradicts itself where it errs. The answers to the atoms of a group are a mixture
of those to atoms that hold and of those to atoms that do not, with the likelihoods of `Votes`. Expectation maximisation
finds the two rates of errors, which all groups share, and the share of each group that holds. Groups are the kinds of
atoms in new pictures, atoms that an edit aimed at, and other atoms after an edit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from loopwright.images.refining._operations import aims_of
from loopwright.images.refining._stages import drawn
from loopwright.images.refining._votes import (
    ASSUMED,
    LASTING,
    NEW,
    WEIGHT,
    Rates,
    Votes,
    kind_of,
    same_picture,
    votes_of,
)
from loopwright.types import Attempt

_ROWS = TypeAdapter(list[tuple[str, int, int, int]])

Seen = tuple[str, int, int]
"""A group, and how many answers to an atom of it said "yes" and "no"."""

VOTES = "votes"
"""The field of an episode that holds what earlier episodes of its run were answered."""
WEIGHT_OF_RATES = 20
"""How many answers weigh as much as the rates of errors that are assumed."""
_AIMED, _KEPT = _EDITED = ("after an edit of it", "after another edit")
_ROUNDS = 200
_CLOSE = 1e-4
_WORST = 0.4
"""Most errors: a verifier that errs in half of its answers says nothing."""


def tally(attempts: Iterable[Attempt]) -> Counter[Seen]:
    """Counts the atoms of an episode's pictures by their group and the answers to them."""
    pictures: dict[int, Attempt] = {}
    counts = Counter[Seen]()
    for attempt in attempts:
        if attempt.candidate is None:
            continue
        before = pictures.get(attempt.parent) if attempt.parent is not None else None
        pictures[attempt.iteration] = attempt
        if before is not None and same_picture(before, attempt):
            continue
        aims = aims_of(attempt.candidate.made)
        for check in drawn(attempt):
            votes = votes_of(check)
            group = kind_of(check) if before is None else _AIMED if check.name in aims else _KEPT
            if votes != Votes():
                counts[group, votes.yes, votes.no] += 1
    return counts


def estimated(counts: Mapping[Seen, int]) -> Rates:
    """The rates under which the answers are most probable, together with what is assumed before."""
    return _estimated(tuple(counts.items()))


# Policy, proposer and verifier ask for the same counts at each picture.
@lru_cache(maxsize=64)
def _estimated(counts: tuple[tuple[Seen, int], ...]) -> Rates:
    number = Counter[str]()
    for (group, _, _), count in counts:
        number[group] += count
    share, rates = dict.fromkeys(number, NEW), ASSUMED
    for _ in range(_ROUNDS):
        held, holds, fails = (defaultdict[Any, float](float) for _ in range(3))
        for (group, yes, no), count in counts:
            expected = count * Votes(yes, no).posterior(share[group], rates)
            held[group] += expected
            holds[yes, no] += expected
            fails[no, yes] += count - expected
        share = {group: (NEW * WEIGHT + held[group]) / (WEIGHT + number[group]) for group in number}
        before = rates
        rates = Rates(_rate(fails, rates.false_yes, ASSUMED.false_yes), _rate(holds, rates.false_no, ASSUMED.false_no))
        if abs(rates.false_yes - before.false_yes) + abs(rates.false_no - before.false_no) < _CLOSE:
            break
    return replace(rates, new={group: (share[group], number[group]) for group in number if group not in _EDITED})


def _rate(answers: Mapping[tuple[int, int], float], rate: float, assumed: float) -> float:
    """A rate of errors, by the errors that are expected under the rate before.

    Args:
        answers: How many atoms were answered rightly and wrongly so often.
        rate: Before.
        assumed: What `WEIGHT_OF_RATES` answers say.
    """
    errors, drawn = assumed * WEIGHT_OF_RATES, float(WEIGHT_OF_RATES)
    for (right, wrong), weight in answers.items():
        lasting = LASTING * ((1 - rate) * (wrong == 0) + rate * (right == 0))
        again = lasting / (lasting + (1 - LASTING) * (1 - rate) ** right * rate**wrong)
        errors += weight * (again * (right == 0) + (1 - again) * wrong)
        drawn += weight * (again + (1 - again) * (right + wrong))
    return min(errors / drawn, _WORST)


def known_rates(fields: Mapping[str, object], attempts: Iterable[Attempt]) -> Rates:
    """The rates by what is known in an episode: the answers of episodes before it, and its own so far."""
    counts = tally(attempts)
    for group, yes, no, count in _ROWS.validate_python(fields.get(VOTES, ())):
        counts[group, yes, no] += count
    return estimated(counts) if counts else ASSUMED
