"""Checklists: what must hold in a picture of a prompt, atom by atom, and how answers to it become a verdict."""

from loopwright.images.checklist._atoms import (
    DEPTH_RELATIONS,
    Atom,
    AtomBase,
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
from loopwright.images.checklist._checklist import Checklist, Repaired, load_checklist, read_checklist, repaired
from loopwright.images.checklist._published import PublishedChecklist, read_dsg, read_geneval
from loopwright.images.checklist._scores import Answer, Box, Gating, blocking, to_ask, verdict
from loopwright.images.checklist._templated import templated_checklist
from loopwright.images.checklist._words import counted

__all__ = [
    "DEPTH_RELATIONS",
    "Answer",
    "Atom",
    "AtomBase",
    "AttributeAtom",
    "Box",
    "Checklist",
    "CountAtom",
    "Gating",
    "NegationAtom",
    "ObjectAtom",
    "OtherAtom",
    "PublishedChecklist",
    "Relation",
    "RelationAtom",
    "Repaired",
    "SizeAtom",
    "StyleAtom",
    "TextAtom",
    "blocking",
    "counted",
    "load_checklist",
    "read_checklist",
    "read_dsg",
    "read_geneval",
    "repaired",
    "templated_checklist",
    "to_ask",
    "verdict",
]
