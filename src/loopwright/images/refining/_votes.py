"""Answers to one atom of one picture, and how often such answers are wrong.

A verifier errs at rates e: it denies what holds with e = `false_no`, and affirms what does not with e = `false_yes`. A
share LASTING of its answers belongs to the picture and comes again whenever it looks; others are drawn anew. Of y
answers that are right in a state and n that are wrong,

    P(y, n | state) = LASTING * ((1 - e)[n = 0] + e[y = 0]) + (1 - LASTING) * (1 - e)^y * e^n
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loopwright.images.refining._operations import PICTURE
from loopwright.types import Attempt, Check

LASTING = 0.5
"""Share of its answers that come again whenever a verifier looks at the same picture."""
NEW = 0.75
"""How often an atom holds in a new picture, before one was seen."""
WEIGHT = 4
"""How many atoms of new pictures weigh as much as `NEW`."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often answers are wrong, and how often atoms hold in new pictures."""

    false_yes: float = 0.1
    """How often a verifier affirms an atom that does not hold: what vision models were measured at is 0.05 to 0.2."""
    false_no: float = 0.05
    """How often it denies one that holds."""
    new: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Kind of atom to the share that holds in new pictures, and to the number of atoms that it was learned from."""

    def holds_anew(self, kind: str, among: float) -> float:
        """The probability that an atom of a kind holds in a new picture.

        Args:
            kind: Of the atom.
            among: How often atoms of all kinds hold, as `new_picture` says.
        """
        share, number = self.new.get(kind, (among, 0.0))
        return (WEIGHT * among + number * share) / (WEIGHT + number)


ASSUMED = Rates()
"""What is assumed before a verifier was seen."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What was answered about one atom of one picture."""

    yes: int = 0
    no: int = 0

    def __add__(self, other: Votes) -> Votes:
        """All answers of both."""
        return Votes(self.yes + other.yes, self.no + other.no)

    def likelihood(self, *, holds: bool, rates: Rates = ASSUMED) -> float:
        """The probability of these answers, in their order, where the atom holds or does not."""
        right, wrong, rate = (self.yes, self.no, rates.false_no) if holds else (self.no, self.yes, rates.false_yes)
        lasting = (1 - rate) * (wrong == 0) + rate * (right == 0) if right or wrong else 1.0
        return LASTING * lasting + (1 - LASTING) * (1 - rate) ** right * rate**wrong

    def posterior(self, prior: float, rates: Rates = ASSUMED) -> float:
        """The probability that the atom holds, given these answers."""
        holds = prior * self.likelihood(holds=True, rates=rates)
        return holds / (holds + (1 - prior) * self.likelihood(holds=False, rates=rates))


def votes_of(check: Check) -> Votes:
    """The answers behind a check; those of a verifier that counts none are one answer, or none where nobody asked."""
    data = check.data or {}
    yes, asked = data.get("yes"), data.get("asked")
    if isinstance(yes, int) and isinstance(asked, int):
        return Votes(yes, asked - yes)
    if data.get("answer") in ("skipped", "unknown"):
        return Votes()
    return Votes(int(check.passed), int(not check.passed))


def kind_of(check: Check) -> str:
    """The kind of atom that a check is about; empty where it does not say."""
    return str((check.data or {}).get("kind", ""))


def new_picture(answers: Iterable[Votes]) -> float:
    """The probability that an atom holds in a new picture, after answers to atoms of such pictures."""
    first = [votes.yes / (votes.yes + votes.no) for votes in answers if votes.yes + votes.no]
    return (NEW * WEIGHT + sum(first)) / (WEIGHT + len(first))


def same_picture(one: Attempt, other: Attempt) -> bool:
    """Whether both hold the very same picture: an edit changed nothing."""
    shown = [attempt.candidate.artifacts.get(PICTURE) if attempt.candidate else None for attempt in (one, other)]
    return shown[0] is not None and shown[0] == shown[1]
