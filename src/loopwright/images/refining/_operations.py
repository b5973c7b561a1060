"""From atoms that failed to the next operation: what an editor is told, or that a new picture is made.

The rules are those of EPIC (arXiv 2605.11722) and of the video runner of IRCIG (arXiv 2601.15286): what is missing, or
has a wrong attribute, is edited; what is too many is removed; a wrong style, or more than half of the atoms wrong, asks
for a new picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopwright.images.checklist import (
    Atom,
    AttributeAtom,
    Checklist,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    RelationAtom,
    SizeAtom,
    StyleAtom,
    TextAtom,
    counted,
)
from loopwright.types import Attempt, Verdict

PICTURE = "picture"
"""Name of a candidate's picture among its artifacts."""
GIVEN = "given"
"""The operation that takes the task's own picture."""
KEEP = "Keep everything else as it is."
"""Editors damage less of a picture if they are told; the sentence is the published loop's habit."""
HINTS = ("", "Do it so that nobody can miss it. ", "This has not worked yet: do this alone, and do it fully. ")
"""Other words for an operation that failed, by how often it did."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of a picture."""

    kind: str
    """`add`, `remove`, `change`, `move`, or `write`."""
    aims: tuple[str, ...]
    """Ids of the atoms that it should turn."""
    instruction: str
    """One sentence, without a full stop."""

    def prompt(self, tries: int) -> str:
        """What the editor is told, in other words after each try that failed."""
        return f"{self.instruction}. {HINTS[min(tries, len(HINTS) - 1)]}{KEEP}"


def wants_new_picture(checklist: Checklist, verdict: Verdict) -> bool:
    """Whether so much is wrong that editing costs more than a new picture."""
    failed = failed_atoms(checklist, verdict)
    return any(isinstance(atom, StyleAtom) for atom in failed) or 2 * len(failed) > len(checklist.atoms)


def began_with_given(attempts: Iterable[Attempt]) -> bool:
    """Whether the pictures go back to the task's own one: then there is no new one to be had."""
    return any(one.candidate is not None and one.candidate.made.get("operation") == GIVEN for one in attempts)


def failed_atoms(checklist: Checklist, verdict: Verdict) -> tuple[Atom, ...]:
    """The atoms that do not hold, parents before children; those below a failed one were not asked and count too."""
    failed = {check.name for check in verdict.failed}
    return tuple(atom for atom in checklist.ordered if atom.id in failed)


def answers(verdict: Verdict) -> dict[str, float]:
    """The scores of a verdict by atom: what is believed by whoever takes each answer for the truth."""
    return {check.name: check.score for check in verdict.checks}


def next_operation(
    checklist: Checklist,
    verdict: Verdict,
    believed: Mapping[str, float],
    tried: Mapping[str, int] | None = None,
) -> Operation | None:
    """What to do next about a picture: the operation that brings most, parents before children.

    Args:
        checklist: What must hold.
        verdict: On the picture.
        believed: Ids of atoms to the probability that they hold.
        tried: Ids of atoms to how many edits aimed at them in vain.

    Returns:
        None where no editor could be told what to do.
    """
    holds = {atom.id: believed[atom.id] for atom in checklist.ordered if atom.id in believed}
    least = min(holds, key=lambda name: holds[name], default=None)
    if least is None or holds[least] >= 1:
        return None
    wrong = {name for name, probability in holds.items() if probability < 0.5} or {least}
    open_ = [atom for atom in checklist.ordered if atom.id in wrong and not wrong.intersection(atom.parents)]
    known = [found for atom in open_ if (found := _operation(atom, checklist, verdict)) is not None]

    def gain(operation: Operation) -> float:
        return (1 - holds[operation.aims[0]]) * chance((tried or {}).get(operation.aims[0], 0))

    return max(known, key=gain, default=None)


def chance(tried: int) -> float:
    """How likely an operation is to turn what it aims at, after so many tries in vain; one half after the first two."""
    return 2 / (2 + tried)


def tries_in_stream(attempts: Iterable[Attempt], picture: int) -> dict[str, int]:
    """Atoms to how many edits aimed at them in the stream of a picture: since the new picture that it goes back to."""
    roots: dict[int, int] = {}
    aimed: dict[int, Counter[str]] = {}
    for attempt in attempts:
        number = attempt.iteration
        roots[number] = number if attempt.parent is None else roots.get(attempt.parent, number)
        if attempt.candidate is not None:
            aimed.setdefault(roots[number], Counter()).update(aims_of(attempt.candidate.made))
    return dict(aimed.get(roots.get(picture, picture), {}))


def aims_of(made: Mapping[str, Any]) -> tuple[str, ...]:
    """The atoms that an operation aimed at, as its candidate tells."""
    aims = made.get("aims", ())
    return tuple(map(str, aims)) if isinstance(aims, list | tuple) else ()


def _operation(atom: Atom, checklist: Checklist, verdict: Verdict) -> Operation | None:
    match atom:
        case ObjectAtom(object=thing):
            wanted = described(thing, checklist.atoms)
            place = _place(thing, checklist, verdict)
            below = tuple(one.id for one in checklist.atoms if atom.id in one.parents)
            count = wanted_count(thing, checklist.atoms)
            return Operation("add", (atom.id, *below), f"Add {counted(count, wanted)}{place}")
        case CountAtom(object=thing):
            return _recount(atom, thing, checklist, verdict)
        case AttributeAtom(object=thing, value=value) | SizeAtom(object=thing, size=value):
            return Operation("change", (atom.id,), f"Make the {thing} {value}")
        case RelationAtom(object=thing, relation=relation, reference=reference):
            return Operation("move", (atom.id,), f"Move the {thing} {relation} the {reference}")
        case NegationAtom(object=thing):
            return Operation("remove", (atom.id,), f"Remove the {thing}")
        case TextAtom(text=text, object=thing):
            where = f" on the {thing}" if thing else ""
            return Operation("write", (atom.id,), f'Write "{text}"{where}')
        case StyleAtom():
            return None
        case _:
            return Operation(
                "change", (atom.id,), f"Change the picture so that the answer is yes: {atom.question.rstrip('?')}"
            )


def _recount(atom: CountAtom, thing: str, checklist: Checklist, verdict: Verdict) -> Operation:
    check = next(check for check in verdict.checks if check.name == atom.id)
    seen = (check.data or {}).get("seen")
    if isinstance(seen, int) and seen > atom.count:
        return Operation("remove", (atom.id,), f"Remove one {thing}")
    missing = atom.count - seen if isinstance(seen, int) else 1
    return Operation("add", (atom.id,), f"Add {counted(max(missing, 1), described(thing, checklist.atoms))}")


def described(thing: str, atoms: Sequence[Atom]) -> str:
    """A thing with the size and the attributes that the checklist asks of it, in the order of English."""
    sizes = [atom.size for atom in atoms if isinstance(atom, SizeAtom) and atom.object == thing and not atom.than]
    given = [atom for atom in atoms if isinstance(atom, AttributeAtom) and atom.object == thing]
    colours = [atom.value for atom in given if atom.aspect == "color"]
    others = [atom.value for atom in given if atom.aspect != "color"]
    return " ".join([*sizes, *others, *colours, thing])


def wanted_count(thing: str, atoms: Sequence[Atom]) -> int:
    return next((atom.count for atom in atoms if isinstance(atom, CountAtom) and atom.object == thing), 1)


def _place(thing: str, checklist: Checklist, verdict: Verdict) -> str:
    """Where a thing goes: beside something that is there, as a relation of the checklist says."""
    there = {check.name for check in verdict.checks if check.passed}
    present = {atom.object for atom in checklist.atoms if isinstance(atom, ObjectAtom) and atom.id in there}
    for atom in checklist.atoms:
        if not isinstance(atom, RelationAtom):
            continue
        if atom.object == thing and atom.reference in present:
            return f" {atom.relation} the {atom.reference}"
        if (
            isinstance(atom, RelationAtom)
            and atom.reference == thing
            and atom.object in present
            and atom.relation in _OPPOSITES
        ):
            return f" {_OPPOSITES[atom.relation]} the {atom.object}"
    return ""


_OPPOSITES: dict[str, str] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "next to": "next to",
    "in front of": "behind",
    "behind": "in front of",
}
