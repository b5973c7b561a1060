"""What the boxes of a detector say about atoms: presence, number, and places in the plane of the picture.

The rule for places is that of GenEval (Ghosh et al. 2023, arXiv 2310.11513): the offset of two centres, less a tenth of
the summed sizes, points to a side where it makes up more than half of the offset's length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from loopwright.images.checklist import (
    Answer,
    Atom,
    Box,
    Checklist,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    RelationAtom,
)

SAME = 0.6
"""Share that two boxes have in common from which on they are one thing."""
_BESIDE, _CLEAR = 0.1, 0.5
_SIDES = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
"""Relation to an axis, and to the sign of the offset along it."""


@dataclass(frozen=True, slots=True)
class ObjectDetection:
    """A thing that was found."""

    label: str
    score: float
    box: Box


class ObjectDetector(Protocol):
    """Finds things in pictures by their names."""

    async def detect(self, picture: bytes, labels: Sequence[str]) -> Sequence[ObjectDetection]:
        """Everything with one of the names; what is hardly likely is left out."""
        ...


def things_of(checklist: Checklist) -> list[str]:
    """The names that a detector is asked for, each once."""
    named: list[str] = []
    for atom in checklist.atoms:
        if isinstance(atom, ObjectAtom | CountAtom | NegationAtom | RelationAtom):
            named.append(atom.object)
        if isinstance(atom, RelationAtom):
            named.append(atom.reference)
    return list(dict.fromkeys(named))


def detected(checklist: Checklist, found: Iterable[ObjectDetection]) -> dict[str, Answer]:
    """Answers to the atoms that boxes decide; the others are left out."""
    by_name: dict[str, list[ObjectDetection]] = {name: [] for name in things_of(checklist)}
    for one in sorted(found, key=lambda one: -one.score):
        known = by_name.get(one.label)
        if known is not None and all(_overlap(one.box, other.box) < SAME for other in known):
            known.append(one)
    answers = {}
    for atom in checklist.atoms:
        if (answer := _answer(atom, by_name)) is not None:
            answers[atom.id] = answer
    return answers


def _answer(atom: Atom, found: dict[str, list[ObjectDetection]]) -> Answer | None:
    match atom:
        case ObjectAtom(object=thing):
            return _said(bool(found[thing]), found[thing])
        case NegationAtom(object=thing):
            return _said(not found[thing], found[thing])
        case CountAtom(object=thing):
            return _said(atom.holds(len(found[thing])), found[thing])
        case RelationAtom(object=thing, relation=relation, reference=reference) if relation in _SIDES:
            pairs = [(one.box, other.box) for one in found[thing] for other in found[reference]]
            holds = bool(pairs) and all(_lies(relation, *pair) for pair in pairs)
            return Answer(value="yes" if holds else "no", evidence=_told(found[thing] + found[reference]))
        case _:
            return None


def _said(holds: bool, there: list[ObjectDetection]) -> Answer:
    boxes = tuple(one.box for one in there)
    return Answer(value="yes" if holds else "no", seen=len(there), boxes=boxes, evidence=_told(there))


def _told(there: Iterable[ObjectDetection]) -> str:
    return ", ".join(f"{one.label} {one.score:.2f}" for one in there) or "nothing found"


def _lies(relation: str, one: Box, other: Box) -> bool:
    axis, sign = _SIDES[relation]
    offsets = [(one[at] + one[at + 2] - other[at] - other[at + 2]) / 2 for at in (0, 1)]
    sizes = [one[at + 2] - one[at] + other[at + 2] - other[at] for at in (0, 1)]
    clear = [
        math.copysign(max(abs(offset) - _BESIDE * size, 0), offset) for offset, size in zip(offsets, sizes, strict=True)
    ]
    length = math.hypot(*offsets)
    return length > 0 and sign * clear[axis] / length > _CLEAR


def _overlap(one: Box, other: Box) -> float:
    """The share that two boxes have in common of what they cover together."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    common = max(across, 0) * max(down, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common) if common else 0.0
