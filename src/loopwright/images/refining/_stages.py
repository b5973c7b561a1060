"""Staged plans: a new picture shows a part of what is asked for, and edits add the rest, one thing after another.

A generator errs less on a short prompt, and an edit that adds a thing brings its attributes with it. The price is a
picture for each thing that is added. The idea is that of the video runner of IRCIG (arXiv 2601.15286), whose plans have
a core and at most two additions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    counted,
)
from loopwright.images.refining._operations import described, tries_in_stream, wanted_count
from loopwright.types import Attempt, Check

ADDED = 2
"""Things that are left to edits, at most."""
UNASKED = 0.03
"""How often an atom holds that no prompt asked for: as often as an edit spoils another one."""
IN_VAIN = 2
"""Edits in vain of the same atom after which the next plan is staged."""
CORE = "core"
"""What a candidate's `made` calls the atoms that its prompt asked for, where it left others to edits."""


@dataclass(frozen=True, slots=True)
class Core:
    """The first stage of a plan."""

    prompt: str
    atoms: tuple[str, ...]
    """Ids of the atoms that its prompt asks for."""
    left: tuple[str, ...]
    """Ids of those that are left to edits."""

    @property
    def made(self) -> dict[str, Any]:
        """What its candidate tells of how it was made."""
        return {CORE: list(self.atoms), "expected": dict.fromkeys(self.left, UNASKED)}


def next_core(checklist: Checklist, attempts: Sequence[Attempt], *, always: bool = False) -> Core | None:
    """What the next new picture shows, where a plan is staged; None where it shows all at once.

    A plan is staged where the stream before came to nothing: several edits aimed at the same atom, and it still fails.
    The things of such atoms are drawn, and the others are added.

    Args:
        checklist: What must hold.
        attempts: All pictures so far.
        always: Whether each plan is staged.
    """
    latest = attempts[-1] if attempts else None
    tried = tries_in_stream(attempts, latest.iteration) if latest else {}
    failed = {check.name for check in latest.verdict.failed} if latest else set()
    stuck = [atom for atom in checklist.atoms if atom.id in failed and tried.get(atom.id, 0) >= IN_VAIN]
    return core_of(checklist, [thing for atom in stuck for thing in _things(atom)]) if stuck or always else None


def core_of(checklist: Checklist, first: Sequence[str] = ()) -> Core | None:
    """The first stage of a plan for a checklist.

    None where everything is drawn at once: fewer than two things, or atoms that no prompt by rules can speak of.

    Args:
        checklist: What must hold.
        first: Things that are drawn before others.
    """
    there = [atom.object for atom in checklist.atoms if isinstance(atom, ObjectAtom)]
    things = list(dict.fromkeys([*(thing for thing in first if thing in there), *there]))
    if len(things) < 2 or any(_is_unspeakable(atom) for atom in checklist.atoms):
        return None
    first = things[: max(1, len(things) - ADDED)]
    asked = [atom for atom in checklist.atoms if _speaks_of(atom, first)]
    left = tuple(atom.id for atom in checklist.atoms if atom not in asked)
    return Core(_prompt(first, asked), tuple(atom.id for atom in asked), left)


def is_drawn(attempt: Attempt, atom: str) -> bool:
    """Whether the prompt of a new picture asked for an atom."""
    core = attempt.candidate.made.get(CORE) if attempt.candidate else None
    return not isinstance(core, list | tuple) or atom in core


def drawn(attempt: Attempt) -> list[Check]:
    """The checks of a new picture on what its prompt asked for."""
    return [check for check in attempt.verdict.checks if is_drawn(attempt, check.name)]


def _is_unspeakable(atom: Atom) -> bool:
    known = ObjectAtom | CountAtom | AttributeAtom | RelationAtom | StyleAtom | NegationAtom
    return not (isinstance(atom, known) or (isinstance(atom, SizeAtom) and not atom.than))


def _speaks_of(atom: Atom, things: Collection[str]) -> bool:
    return isinstance(atom, StyleAtom | NegationAtom) or set(_things(atom)) <= set(things)


def _things(atom: Atom) -> tuple[str, ...]:
    """The things that an atom is about."""
    match atom:
        case RelationAtom(object=thing, reference=reference):
            return thing, reference
        case ObjectAtom(object=thing) | CountAtom(object=thing) | AttributeAtom(object=thing) | SizeAtom(object=thing):
            return (thing,)
        case _:
            return ()


def _prompt(things: Sequence[str], atoms: Sequence[Atom]) -> str:
    """A prompt that asks for some things as the checklist wants them."""
    named: set[str] = set()

    def name(thing: str) -> str:
        if thing in named:
            return f"the {thing}"
        named.add(thing)
        return counted(wanted_count(thing, atoms), described(thing, atoms))

    parts = [f"{name(a.object)} {a.relation} {name(a.reference)}" for a in atoms if isinstance(a, RelationAtom)]
    parts += [name(thing) for thing in things if thing not in named]
    parts += [f"no {atom.object}" for atom in atoms if isinstance(atom, NegationAtom)]
    *first, last = parts
    styles = [atom.style for atom in atoms if isinstance(atom, StyleAtom)]
    return ", ".join([f"{', '.join(first)} and {last}" if first else last, *styles])
