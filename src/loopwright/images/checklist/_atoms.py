"""Atoms: the smallest statements about a picture that can be checked, one type for each kind.

The kinds are those of EPIC's predicates (arXiv 2605.11722) and of the Davidsonian scene graph (Cho et al. 2023, arXiv
2310.18235), which also gives atoms their parents. A question is written so that "yes" is right.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopwright.images.checklist._words import article, is_plural, plural, spelled

Word = Annotated[str, Field(min_length=1, max_length=300)]
Relation = Literal["left of", "right of", "above", "below", "next to", "on", "in front of", "behind"]

DEPTH_RELATIONS: frozenset[Relation] = frozenset({"in front of", "behind"})
"""The relations that need depth; the others can be seen in the plane of the picture."""
_SIDES = {"left of": "to the left of", "right of": "to the right of"}


class AtomBase(BaseModel):
    """What all atoms have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=80)]
    """The name of the atom; answers and checks go by it."""
    parents: tuple[str, ...] = ()
    """Ids of the atoms that must hold before this one has a meaning."""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    question: str = Field(default="", max_length=2000)
    """What to ask, so that "yes" is right; made from the other fields where it is not given."""

    @model_validator(mode="before")
    @classmethod
    def _asked(cls, value: Any) -> Any:
        """Takes ids written as numbers, as YAML reads them."""
        if isinstance(value, dict):
            value = dict(value)
            if type(value.get("id")) is int:
                value["id"] = str(value["id"])
            if isinstance(value.get("parents"), list | tuple):
                value["parents"] = [str(one) if type(one) is int else one for one in value["parents"]]
        return value

    @model_validator(mode="after")
    def _has_question(self) -> Self:
        if not self.question.strip():
            object.__setattr__(self, "question", self._wording())
        return self

    def _wording(self) -> str:
        raise ValueError("an atom of this kind needs a question")


class ObjectAtom(AtomBase):
    """Something is in the picture."""

    kind: Literal["object"] = "object"
    object: Word

    def _wording(self) -> str:
        return f"{_be(self.object)} there {article(self.object)}?"


class CountAtom(AtomBase):
    """Something is there so many times."""

    kind: Literal["count"] = "count"
    object: Word
    count: int = Field(ge=0, le=999)
    compare: Literal["exactly", "at least", "at most"] = "exactly"

    @property
    def open_question(self) -> str:
        """The question that does not tell the number: open answers suggest less than "yes" or "no"."""
        return f"How many {plural(self.object)} are there?"

    def holds(self, seen: int) -> bool:
        """Whether a number that was seen fits."""
        if self.compare == "exactly":
            return seen == self.count
        return seen >= self.count if self.compare == "at least" else seen <= self.count

    def _wording(self) -> str:
        if self.count == 1:
            return f"Is there {self.compare} one {self.object}?"
        return f"Are there {self.compare} {spelled(self.count)} {plural(self.object)}?"


class AttributeAtom(AtomBase):
    """Something has a property that is no size."""

    kind: Literal["attribute"] = "attribute"
    object: Word
    aspect: Literal["color", "shape", "material", "texture", "state", "other"] = "other"
    value: Word

    def _wording(self) -> str:
        made = "made of " if self.aspect == "material" else ""
        return f"{_be(self.object)} the {self.object} {made}{self.value}?"


class RelationAtom(AtomBase):
    """Something stands in a relation to a reference, as seen by the viewer."""

    kind: Literal["relation"] = "relation"
    object: Word
    relation: Relation
    reference: Word

    @property
    def depth(self) -> bool:
        """Whether the relation needs depth to be seen."""
        return self.relation in DEPTH_RELATIONS

    def _wording(self) -> str:
        where = _SIDES.get(self.relation, self.relation)
        return f"{_be(self.object)} the {self.object} {where} the {self.reference}?"


class SizeAtom(AtomBase):
    """Something is big, small, tall and so on; with `than`, it is bigger, smaller, taller than another thing."""

    kind: Literal["size"] = "size"
    object: Word
    size: Word
    than: str = ""

    def _wording(self) -> str:
        return f"{_be(self.object)} the {self.object} {self.size}{f' than the {self.than}' if self.than else ''}?"


class StyleAtom(AtomBase):
    """The whole picture is in a style or a medium."""

    kind: Literal["style"] = "style"
    style: Word

    def _wording(self) -> str:
        return f"Is the style of the picture {self.style}?"


class TextAtom(AtomBase):
    """A text can be read in the picture, on an object where one is named."""

    kind: Literal["text"] = "text"
    text: Word
    object: str = ""

    def _wording(self) -> str:
        where = f" on the {self.object}" if self.object else " in the picture"
        return f'Can the text "{self.text}" be read{where}?'


class NegationAtom(AtomBase):
    """Something is not in the picture."""

    kind: Literal["negation"] = "negation"
    object: Word

    def _wording(self) -> str:
        return f"Is the picture free of {plural(self.object)}?"


class OtherAtom(AtomBase):
    """What only a vision model can judge: an action, a mood, a relation outside the list; the question says it."""

    kind: Literal["other"] = "other"


Atom = Annotated[
    ObjectAtom | CountAtom | AttributeAtom | RelationAtom | SizeAtom | StyleAtom | TextAtom | NegationAtom | OtherAtom,
    Field(discriminator="kind"),
]
"""One atom, told apart by `kind`."""


def _be(noun: str) -> str:
    return "Are" if is_plural(noun) else "Is"
