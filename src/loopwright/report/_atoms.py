"""The atoms of a checklist over an episode of pictures: what was found out of each, and what its edits cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from loopwright.record import EpisodeRecord, IterationRecord, Spent
from loopwright.types import Check

Fate = Literal["holds", "fails", "unasked", "unknown"]
"""What was found out of an atom in one picture."""
_WITHOUT_AIM = {"given": "the task's own picture", "critic": "edits in a critic's words"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of an episode used."""

    images: int = 0
    calls: int = 0
    """Of chat models."""
    tokens: int = 0
    usd: Decimal | None = Decimal(0)
    """None where a call has no price."""
    seconds: float = 0.0
    """Of models."""

    @classmethod
    def of(cls, spent: Spent) -> Self:
        """What was spent, in the numbers of the table."""
        return cls(spent.images, spent.calls, spent.usage.total, spent.cost_usd, spent.seconds)

    def plus(self, other: Cost, times: int = 1) -> Cost:
        """Both together; with `times` -1 what is left without the other."""
        both = (self.usd, other.usd)
        return Cost(
            self.images + other.images * times,
            self.calls + other.calls * times,
            self.tokens + other.tokens * times,
            None if both[0] is None or both[1] is None else both[0] + both[1] * times,
            self.seconds + other.seconds * times,
        )


@dataclass(frozen=True, slots=True)
class AtomRow:
    """One row of the table: an atom, or what was for none."""

    name: str
    question: str = ""
    """Empty for what is no atom."""
    fates: tuple[tuple[int, Fate], ...] = ()
    """What the loop found out of it, by iteration."""
    graded: Fate | None = None
    """What the grade of the answer says of it."""
    edits: tuple[int, ...] = ()
    """Iterations that aimed at it, or that the row counts."""
    cost: Cost = Cost()
    """Of the iterations that aimed at it first, with their looks: so each picture is in one row."""


def fate_of(check: Check) -> Fate:
    """What a check of a picture says."""
    if check.passed:
        return "holds"
    answer = (check.data or {}).get("answer")
    return "unasked" if answer == "skipped" else "unknown" if answer == "unknown" else "fails"


def atom_rows(episode: EpisodeRecord) -> tuple[AtomRow, ...]:
    """The atoms in the order of the checklist, then new pictures and what else was for none; together all of its cost.

    Empty for an episode whose checks are no atoms of a checklist.
    """
    turns = [turn for _, turn in sorted(episode.iterations.items())]
    answer = episode.finished.answer_iteration if episode.finished else None
    graded = next((turn.graded for turn in turns if turn.number == answer), None)
    grade = {check.name: fate_of(check) for check in (graded.verdict.checks if graded else ())}
    found = [(turn.number, check) for turn in turns if turn.judged for check in turn.judged.verdict.checks]
    questions = {
        check.name: str(check.data["question"]) for _, check in found if check.data and "question" in check.data
    }
    if not questions:
        return ()
    rows = [
        AtomRow(
            name,
            question,
            tuple((number, fate_of(check)) for number, check in found if check.name == name),
            grade.get(name),
            tuple(turn.number for turn in turns if name in aims_of(turn)),
            _total(turn for turn in turns if aims_of(turn)[:1] == [name]),
        )
        for name, question in questions.items()
    ]
    return (*rows, *_without_aim(episode, turns, set(questions)))


def aims_of(turn: IterationRecord) -> list[str]:
    """The atoms that an iteration's edit was for, the most important first."""
    candidate = turn.proposed.candidate if turn.proposed else None
    aims = candidate.made.get("aims") if candidate else None
    return [str(aim) for aim in aims] if isinstance(aims, list | tuple) else []


def _without_aim(episode: EpisodeRecord, turns: Sequence[IterationRecord], atoms: set[str]) -> Iterable[AtomRow]:
    rest, kinds = Cost.of(episode.spent), dict[str, list[IterationRecord]]()
    for turn in turns:
        rest = rest.plus(_total([turn]), -1).plus(Cost.of(turn.grading), -1)
        if not atoms.intersection(aims_of(turn)[:1]):
            kinds.setdefault(_kind_of(turn), []).append(turn)
    for kind, made in kinds.items():
        yield AtomRow(kind, edits=tuple(turn.number for turn in made if turn.begun), cost=_total(made))
    graded = Cost.of(Spent.total(turn.grading for turn in turns))
    for name, cost in (("grades after the loop", graded), ("checklist, and calls for no picture", rest)):
        if cost.images or cost.calls or cost.tokens:
            yield AtomRow(name, cost=cost)


def _kind_of(turn: IterationRecord) -> str:
    candidate = turn.proposed.candidate if turn.proposed else None
    if not turn.begun:
        return "drawn ahead, not looked at"
    if candidate is None:
        return "no picture"
    other = "new pictures" if turn.parent is None else "edits for no atom"
    return _WITHOUT_AIM.get(str(candidate.made.get("operation")), other)


def _total(turns: Iterable[IterationRecord]) -> Cost:
    """What iterations used, without their grades."""
    whole = Cost()
    for turn in turns:
        whole = whole.plus(Cost.of(turn.spent)).plus(Cost.of(turn.grading), -1)
    return whole
