"""A checklist: the atoms of one prompt as a graph without circles, checked when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopwright.images.checklist._atoms import Atom, AtomBase
from loopwright.project import Document, SourceLocation, load_document
from loopwright.task import first_problem

MAX_ATOMS = 500
"""The longest checklist of DSG-1k has 52 questions."""

_TYPES: dict[str, type[AtomBase]] = {one.model_fields["kind"].default: one for one in get_args(get_args(Atom)[0])}


class Checklist(BaseModel):
    """What must hold in a picture of a prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Annotated[str, Field(min_length=1)]
    atoms: Annotated[tuple[Atom, ...], Field(min_length=1, max_length=MAX_ATOMS)]
    """In the order of the file; parents may stand behind their children."""

    @model_validator(mode="after")
    def _is_a_graph(self) -> Self:
        if fault := _first_fault(self.atoms):
            raise ValueError(fault.message)
        return self

    @cached_property
    def levels(self) -> tuple[tuple[Atom, ...], ...]:
        """The atoms by depth: first the roots, then those whose parents all stand before them."""
        return tuple(tuple(self.atoms[index] for index in level) for level in _levels(self.atoms)[0])

    @cached_property
    def ordered(self) -> tuple[Atom, ...]:
        """All atoms, parents before children."""
        return tuple(atom for level in self.levels for atom in level)

    @cached_property
    def ancestors(self) -> dict[str, frozenset[str]]:
        """The ids above each atom: its parents, their parents, and so on."""
        above: dict[str, frozenset[str]] = {}
        for atom in self.ordered:
            above[atom.id] = frozenset(atom.parents).union(*(above[parent] for parent in atom.parents))
        return above


@dataclass(frozen=True, slots=True)
class Repaired:
    """Atoms that form a checklist, and what was changed for that."""

    atoms: tuple[Atom, ...]
    changes: tuple[str, ...]
    """One sentence for each change; empty where the atoms were sound."""


def repaired(atoms: Sequence[Atom]) -> Repaired:
    """Makes a sound graph of atoms from published data, which may be wrong.

    A repeated id gets a number. A parent is dropped where it is given twice, does not exist, is the atom itself, or
    closes a circle; of a circle the link goes that the first of its atoms has.
    """
    changes: list[str] = []
    sound = _with_own_ids(atoms, changes)
    known = {atom.id for atom in sound}
    for index, atom in enumerate(sound):
        parents = tuple(p for p in dict.fromkeys(atom.parents) if p in known and p != atom.id)
        for parent in sorted(set(atom.parents) - set(parents)):
            why = "it is the atom itself" if parent == atom.id else "no such atom"
            changes.append(f"atom {atom.id}: the parent {parent} was dropped: {why}")
        if parents != atom.parents:
            sound[index] = atom.model_copy(update={"parents": parents})
    while circle := _circle(sound):
        index = min(circle)
        atom, closing = sound[index], sound[circle[(circle.index(index) + 1) % len(circle)]].id
        changes.append(f"atom {atom.id}: the parent {closing} was dropped: it closes a circle")
        kept = tuple(parent for parent in atom.parents if parent != closing)
        sound[index] = atom.model_copy(update={"parents": kept})
    return Repaired(tuple(sound), tuple(changes))


def load_checklist(path: Path) -> Checklist:
    """Reads a checklist from a YAML or JSON file.

    Raises:
        TaskError: The file is no checklist; names line and column.
    """
    return read_checklist(load_document(path))


def read_checklist(document: Document, location: SourceLocation = (), *, prompt: str = "") -> Checklist:
    """Reads a checklist that stands in a document, such as a task file.

    Args:
        document: The document.
        location: Where the mapping with `atoms` stands in it.
        prompt: The prompt of a checklist that names none.

    Raises:
        TaskError: It is no checklist; names line and column.
    """
    value = document.data
    for key in location:
        value = value[key]
    if not isinstance(value, dict):
        raise document.error("a checklist is a mapping", location, remedy="Write `prompt:` and `atoms:`.")
    listed = value.get("atoms")
    if not isinstance(listed, list) or not listed:
        remedy = "Write at least one atom, such as `{id: cat, kind: object, object: cat}`."
        raise document.error("the checklist has no list of atoms", (*location, "atoms"), remedy=remedy)
    places: list[SourceLocation] = [(*location, "atoms", index) for index in range(len(listed))]
    atoms = [_read_atom(document, one, place) for one, place in zip(listed, places, strict=True)]
    if fault := _first_fault(atoms):
        raise document.error(fault.message, places[fault.index], remedy=fault.remedy)
    try:
        return Checklist.model_validate(
            {"prompt": prompt, **value, "atoms": atoms} if prompt else {**value, "atoms": atoms}
        )
    except ValidationError as error:
        raise first_problem(document, error, Checklist, location) from None


def _read_atom(document: Document, value: object, place: SourceLocation) -> Atom:
    known = ", ".join(_TYPES)
    if not isinstance(value, dict):
        raise document.error("an atom is a mapping", place, remedy="Write `id:`, `kind:` and its fields.")
    kind = value.get("kind")
    if kind is None:
        raise document.error("an atom needs a kind", place, remedy=f"Add `kind:` with one of {known}.")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise document.error(f"there is no kind of atom {kind!r}", (*place, "kind"), remedy=f"Write one of {known}.")
    try:
        return _TYPES[kind].model_validate(value)  # type: ignore[return-value]
    except ValidationError as error:
        raise first_problem(document, error, _TYPES[kind], place) from None


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a graph, and the index of the atom where it is."""

    index: int
    message: str
    remedy: str


def _first_fault(atoms: Sequence[Atom]) -> _Fault | None:
    ids = [atom.id for atom in atoms]
    for index, atom in enumerate(atoms):
        if atom.id in ids[:index]:
            return _Fault(index, f"the id {atom.id!r} is given twice", "Give every atom an id of its own.")
        if atom.id in atom.parents:
            return _Fault(index, f"the atom {atom.id!r} is its own parent", "Take it out of `parents`.")
        if missing := [parent for parent in atom.parents if parent not in ids]:
            remedy = f"Write one of these ids: {', '.join(ids[:20])}."
            return _Fault(index, f"the atom {atom.id!r} has the parent {missing[0]!r}, which is not there", remedy)
    if circle := _circle(atoms):
        told = " -> ".join(ids[index] for index in [*circle, circle[0]])
        return _Fault(circle[0], f"atoms are parents of each other in a circle: {told}", "Take one link out.")
    return None


def _levels(atoms: Sequence[Atom]) -> tuple[list[list[int]], list[int]]:
    """Indices by depth, and those that no order can hold: in a circle or below one."""
    placed: set[str] = set()
    left = list(range(len(atoms)))
    levels: list[list[int]] = []
    while level := [index for index in left if placed.issuperset(atoms[index].parents)]:
        levels.append(level)
        placed.update(atoms[index].id for index in level)
        left = [index for index in left if atoms[index].id not in placed]
    return levels, left


def _circle(atoms: Sequence[Atom]) -> list[int]:
    """The indices of one circle, each followed by a parent of it; empty where there is none."""
    stuck = {atoms[index].id: index for index in _levels(atoms)[1]}
    path: list[int] = list(stuck.values())[:1]
    while path:
        # Every atom that is stuck has a parent that is stuck, so the walk must come back to where it was.
        above = next(stuck[parent] for parent in atoms[path[-1]].parents if parent in stuck)
        if above in path:
            return path[path.index(above) :]
        path.append(above)
    return []


def _with_own_ids(atoms: Sequence[Atom], changes: list[str]) -> list[Atom]:
    taken: dict[str, Atom] = {}
    for atom in atoms:
        name, count = atom.id, 1
        while name in taken:
            count += 1
            name = f"{atom.id} ({count})"
        if name != atom.id:
            changes.append(f"atom {atom.id}: the id is given twice; the second is {name} now")
        taken[name] = atom.model_copy(update={"id": name})
    return list(taken.values())
