"""From answers to a verdict: which questions are asked, which answers count, and what the score is.

The score of the Davidsonian scene graph (Cho et al. 2023, arXiv 2310.18235) is the mean of the answers that are "yes";
an answer counts for nothing where a parent's is not "yes". Its tables use the parents' own answers. A checker that asks
nothing below a failed atom computes another thing: there all ancestors must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from loopwright.errors import VerifierError
from loopwright.images.checklist._atoms import Atom
from loopwright.images.checklist._checklist import Checklist
from loopwright.types import Check, Verdict

_Share = Annotated[float, Field(allow_inf_nan=False)]
Box = tuple[_Share, _Share, _Share, _Share]
"""Left, top, right, bottom, in shares of the picture's width and height."""


class Answer(BaseModel):
    """What somebody who saw the picture says to one atom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Literal["yes", "no", "unknown"]
    confidence: float = Field(default=1.0, ge=0, le=1)
    """The probability that the value is right, as claimed."""
    seen: int | None = Field(default=None, ge=0)
    """How many were seen, of an atom that counts."""
    boxes: tuple[Box, ...] = ()
    """Where the objects stand that were counted, or that have the attribute, as far as it is known."""
    evidence: str = ""
    """What was seen, for readers: "two cubes, one of them green"."""

    @property
    def p_yes(self) -> float:
        """The probability of "yes"; one half where the answer is not known."""
        if self.value == "unknown":
            return 0.5
        return self.confidence if self.value == "yes" else 1.0 - self.confidence


class Gating(StrEnum):
    """Which answers must be "yes" so that the answer of an atom counts."""

    NONE = "none"
    PARENTS = "parents"
    """Those of its parents, whatever they count themselves: the published rule."""
    ANCESTORS = "ancestors"
    """Those of all atoms above it: what is left when nothing is asked below a failed atom."""


def blocking(
    checklist: Checklist, answers: Mapping[str, Answer], gating: Gating = Gating.ANCESTORS
) -> dict[str, tuple[str, ...]]:
    """For each atom, in order of the graph, the ids above it without a "yes" that keep its answer from counting."""
    above: dict[str, frozenset[str]] = {}
    for atom in checklist.ordered:
        if gating is Gating.NONE:
            above[atom.id] = frozenset()
        else:
            above[atom.id] = checklist.ancestors[atom.id] if gating is Gating.ANCESTORS else frozenset(atom.parents)
    failed = {atom.id for atom in checklist.atoms if not _yes(answers.get(atom.id))}
    order = [atom.id for atom in checklist.ordered if atom.id in failed]
    return {name: tuple(one for one in order if one in ids) for name, ids in above.items()}


def to_ask(checklist: Checklist, answers: Mapping[str, Answer], gating: Gating = Gating.ANCESTORS) -> tuple[Atom, ...]:
    """The atoms to ask next: without an answer, and nothing above them fails or is still to be asked.

    Roots come first. With none left the checklist is settled: `verdict` can be made.
    """
    blocked = blocking(checklist, answers, gating)
    return tuple(atom for atom in checklist.ordered if atom.id not in answers and not blocked[atom.id])


def verdict(checklist: Checklist, answers: Mapping[str, Answer], gating: Gating = Gating.ANCESTORS) -> Verdict:
    """One check for each atom, by its id; the score is the weighted mean, and all correct is `passed`.

    The data of a check hold `kind`, `question` and `answer`: the value, or "skipped" where something above the atom
    failed and nobody asked.

    Raises:
        VerifierError: An answer is to no atom, or an atom that had to be asked has no answer.
    """
    known = {atom.id for atom in checklist.atoms}
    if strange := sorted(set(answers) - known):
        remedy = "Answer by the ids of the checklist."
        raise VerifierError(f"an answer is to {strange[0]!r}, which is no atom of the checklist", remedy=remedy)
    if missing := to_ask(checklist, answers, gating):
        told = ", ".join(atom.id for atom in missing)
        raise VerifierError(f"these atoms have no answer: {told}", remedy='Ask them; "unknown" is an answer too.')
    blocked = blocking(checklist, answers, gating)
    checks = [_check(atom, answers.get(atom.id), blocked[atom.id]) for atom in checklist.atoms]
    held = sum(check.passed for check in checks)
    return Verdict(checks=tuple(checks), summary=f"{held} of {len(checks)} atoms hold")


def _seen(answer: Answer | None) -> dict[str, JsonValue]:
    if answer is None:
        return {}
    boxes: dict[str, JsonValue] = {"boxes": [list(box) for box in answer.boxes]} if answer.boxes else {}
    return boxes if answer.seen is None else {"seen": answer.seen, **boxes}


def _yes(answer: Answer | None) -> bool:
    return answer is not None and answer.value == "yes"


def _check(atom: Atom, answer: Answer | None, blocked: tuple[str, ...]) -> Check:
    told = "skipped" if answer is None else answer.value
    evidence = "" if _yes(answer) and not blocked else f"{told}: {atom.question}"
    if blocked:
        evidence += f" (does not count: {', '.join(blocked)} failed)"
    elif answer is not None and answer.evidence and evidence:
        evidence += f" ({answer.evidence})"
    return Check(
        name=atom.id,
        score=float(_yes(answer) and not blocked),
        evidence=evidence,
        confidence=1.0 if answer is None else answer.confidence,
        weight=atom.weight,
        data={"kind": atom.kind, "question": atom.question, "answer": told, **_seen(answer)},
    )
