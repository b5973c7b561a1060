"""Checklists of published benchmarks: GenEval's specs and the rows of the Davidsonian scene graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.errors import TaskError
from loopwright.images.checklist._atoms import (
    Atom,
    AttributeAtom,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    OtherAtom,
    Relation,
    RelationAtom,
    SizeAtom,
    StyleAtom,
    TextAtom,
)
from loopwright.images.checklist._checklist import Checklist, repaired
from loopwright.project import Document, Mark
from loopwright.task import first_problem, read_rows


@dataclass(frozen=True, slots=True)
class PublishedChecklist:
    """A checklist of a benchmark."""

    id: str
    """The benchmark's name of the prompt."""
    group: str
    """What the benchmark sorts its prompts by, such as a tag; empty where it does not."""
    checklist: Checklist
    changes: tuple[str, ...] = ()
    """What was wrong in the data and how it was mended."""


class _Clause(BaseModel):
    """One clause of a GenEval spec."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(alias="class", min_length=1)
    count: int = Field(default=1, ge=1, le=998)
    color: str = ""
    position: tuple[Literal["left of", "right of", "above", "below"], Annotated[int, Field(ge=0)]] | None = None


class _Spec(BaseModel):
    """One line of GenEval's `evaluation_metadata.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: str = Field(min_length=1)
    tag: str = ""
    include: tuple[_Clause, ...] = ()
    exclude: tuple[_Clause, ...] = ()


def read_geneval(path: Path) -> tuple[PublishedChecklist, ...]:
    """Reads GenEval's specs (Ghosh et al. 2023, arXiv 2310.11513).

    A clause of `include` becomes an object with atoms for its count, colour and position below it. `include` says "at
    least n" and `exclude` says "not n + 1": together they are "exactly n". A position names the clause that it is
    relative to, which in GenEval stands first although the prompt names it last.

    Raises:
        TaskError: A line is no spec; names the line.
    """
    found = []
    for number, (mark, row) in enumerate(read_rows(path)):
        document = Document(path, row, {(): mark})
        try:
            spec = _Spec.model_validate(row)
        except ValidationError as error:
            raise first_problem(document, error, _Spec) from None
        atoms = [atom for index in range(len(spec.include)) for atom in _included(spec, index, document)]
        atoms += [_excluded(clause, index) for index, clause in enumerate(spec.exclude) if not _exact(spec, clause)]
        if not atoms:
            remedy = "Write at least one clause under `include` or `exclude`."
            raise document.error("the spec has nothing that can be checked", remedy=remedy)
        checklist = Checklist(prompt=spec.prompt, atoms=tuple(atoms))
        found.append(PublishedChecklist(str(row.get("index", number)), spec.tag, checklist))
    return tuple(found)


def _included(spec: _Spec, index: int, document: Document) -> list[Atom]:
    clause, name = spec.include[index], str(index)
    thing, parents = clause.name, (name,)
    atoms: list[Atom] = [ObjectAtom(id=name, object=thing)]
    exactly = any(other.name == thing and _exact(spec, other) for other in spec.exclude)
    if exactly or clause.count > 1:
        compare: Literal["exactly", "at least"] = "exactly" if exactly else "at least"
        atoms.append(CountAtom(id=f"{name}.count", parents=parents, object=thing, count=clause.count, compare=compare))
    if clause.color:
        atoms.append(
            AttributeAtom(id=f"{name}.color", parents=parents, object=thing, aspect="color", value=clause.color)
        )
    if clause.position:
        relation, other = clause.position
        if other >= len(spec.include) or other == index:
            message = f"the position of {thing!r} is relative to clause {other}, which is no other clause"
            raise document.error(message, remedy="Name another clause of `include`, counted from 0.")
        reference = spec.include[other].name
        both = (name, str(other))
        atoms.append(
            RelationAtom(id=f"{name}.position", parents=both, object=thing, relation=relation, reference=reference)
        )
    return atoms


def _exact(spec: _Spec, excluded: _Clause) -> bool:
    """Whether the clause only makes a count of `include` exact."""
    wanted = {(clause.name, clause.count + 1) for clause in spec.include}
    return not excluded.color and (excluded.name, excluded.count) in wanted


def _excluded(clause: _Clause, index: int) -> Atom:
    name, thing = f"not.{index}", f"{clause.color} {clause.name}".strip()
    if clause.count == 1:
        return NegationAtom(id=name, object=thing)
    return CountAtom(id=name, object=thing, count=clause.count - 1, compare="at most")


_DSG_COLUMNS = ("item_id", "text", "proposition_id", "dependency", "category_broad", "category_detailed", "tuple")
_DSG_QUESTION = "question_natural_language"
_ASPECTS = {"color": "color", "shape": "shape", "material": "material", "texture": "texture", "state": "state"}
_PLACES: dict[str, Relation] = {
    "to the left of": "left of",
    "on the left of": "left of",
    "to the right of": "right of",
    "on the right of": "right of",
    "above": "above",
    "over": "above",
    "below": "below",
    "under": "below",
    "next to": "next to",
    "beside": "next to",
    "near": "next to",
    "on": "on",
    "on top of": "on",
    "in front of": "in front of",
    "behind": "behind",
}


def read_dsg(path: Path) -> tuple[PublishedChecklist, ...]:
    """Reads rows of DSG-1k and of lists in the same form (Cho et al. 2023, arXiv 2310.18235).

    Questions and ids stay as they are. What is wrong in the graph is mended and told in `changes`, since the lists were
    partly made by a model: see `repaired`. A row whose question is blank gets one made from its tuple.

    Raises:
        TaskError: A column is missing, or a row is no atom; names the line.
    """
    rows: dict[str, list[tuple[Mark, dict[str, Any]]]] = {}
    for mark, row in read_rows(path):
        if lacking := [name for name in (*_DSG_COLUMNS, _DSG_QUESTION) if name not in row]:
            remedy = f"The columns are {', '.join((*_DSG_COLUMNS, _DSG_QUESTION))}."
            raise TaskError(f"the column {lacking[0]!r} is missing", path=str(path), line=1, remedy=remedy)
        rows.setdefault(row["item_id"], []).append((mark, row))
    return tuple(_dsg_checklist(name, its) for name, its in rows.items())


def _dsg_checklist(name: str, rows: Sequence[tuple[Mark, dict[str, Any]]]) -> PublishedChecklist:
    atoms = []
    for mark, row in rows:
        try:
            atoms.append(_dsg_atom(row))
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise TaskError(f"the row is no atom: {message}", path=str(mark.path), line=mark.line) from None
    done = repaired(atoms)
    checklist = Checklist(prompt=rows[0][1]["text"], atoms=done.atoms)
    return PublishedChecklist(name, "", checklist, done.changes)


def _dsg_atom(row: Mapping[str, str]) -> Atom:
    parents = [one.strip() for one in row["dependency"].split(",")]
    given: dict[str, Any] = {"id": row["proposition_id"], "parents": [one for one in parents if one not in ("", "0")]}
    given["question"] = row[_DSG_QUESTION].strip()
    broad, detail = row["category_broad"].strip(), row["category_detailed"].strip()
    inside = re.search(r"\((.*)\)", row["tuple"], re.DOTALL)
    words = [word.strip() for word in inside[1].split(",")] if inside else []
    match broad, detail, words:
        case "entity", _, [thing]:
            return ObjectAtom(**given, object=thing)
        case ("other", "count", [thing, many]) if exact := re.fullmatch(r"== ?(\d{1,3})", many):
            return CountAtom(**given, object=thing, count=int(exact[1]))
        case "other", "text rendering", [thing, text]:
            return TextAtom(**given, object=thing, text=text.strip('"') or text)
        case "attribute", "size" | "scale", [thing, size]:
            return SizeAtom(**given, object=thing, size=size)
        case "attribute", _, [thing, value] if detail != "count":
            return AttributeAtom(**given, object=thing, aspect=_ASPECTS.get(detail, "other"), value=value)
        case "relation", "spatial", [thing, reference, where] if where in _PLACES:
            return RelationAtom(**given, object=thing, relation=_PLACES[where], reference=reference)
        case "global", _, [style]:
            return StyleAtom(**given, style=style)
    given["question"] = given["question"] or f"Is this true of the picture: {', '.join(words)}?"
    return OtherAtom(**given)
