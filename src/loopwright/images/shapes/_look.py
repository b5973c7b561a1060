"""The pixel verifier: answers a checklist about shapes from what a scene shows."""

from __future__ import annotations

from loopwright.images.checklist import (
    Answer,
    Atom,
    AttributeAtom,
    Box,
    Checklist,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    RelationAtom,
    SizeAtom,
)
from loopwright.images.shapes._prompt import Group, Reader
from loopwright.images.shapes._scene import DIRECTIONS, Scene, SceneObject


def look(checklist: Checklist, scene: Scene) -> dict[str, Answer]:
    """An answer to every atom, as if each were asked alone.

    What an atom says about a shape must hold of all its objects, and of one at least. Atoms that speak of anything
    else than shapes are answered with "unknown".

    Args:
        checklist: Of any prompt; `ShapesPrompt.checklist` makes one that is answered as a whole.
        scene: What `measure` saw, or what was drawn.
    """
    return {atom.id: _answer(atom, scene) for atom in checklist.atoms}


def _answer(atom: Atom, scene: Scene) -> Answer:
    try:
        holds, seen = _holds(atom, scene)
    except ValueError as error:
        return Answer(value="unknown", confidence=0, evidence=str(error))
    counted = len(_of(atom.object, scene)) if isinstance(atom, CountAtom) else None
    return Answer(value="yes" if holds else "no", seen=counted, boxes=_boxes(atom, scene), evidence=seen)


def _boxes(atom: Atom, scene: Scene) -> tuple[Box, ...]:
    """Where the objects stand that are counted, or that have the attribute."""
    match atom:
        case NegationAtom() | CountAtom():
            items = _of(atom.object, scene)
        case AttributeAtom() | SizeAtom():
            items = tuple(item for item in _of(atom.object, scene) if _wanted(atom).fits(item))
        case _:
            return ()
    return tuple(_rounded(item.box) for item in items)


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(edge, 4) for edge in box)
    return left, top, right, bottom


def _wanted(atom: AttributeAtom | SizeAtom) -> Group:
    return _group(f"{atom.size if isinstance(atom, SizeAtom) else atom.value} {atom.object}")


def _holds(atom: Atom, scene: Scene) -> tuple[bool, str]:
    """Whether it holds, and what was seen.

    Raises:
        ValueError: It does not speak of shapes.
    """
    match atom:
        case ObjectAtom():
            items = _of(atom.object, scene)
            return bool(items), _told(items)
        case NegationAtom():
            items = _of(atom.object, scene)
            return not items, _told(items)
        case CountAtom():
            items = _of(atom.object, scene)
            return atom.holds(len(items)), _told(items)
        case AttributeAtom() | SizeAtom():
            items = _of(atom.object, scene)
            return bool(items) and all(_wanted(atom).fits(item) for item in items), _told(items)
        case RelationAtom():
            items, others = _of(atom.object, scene), _of(atom.reference, scene)
            direction = next((known for known in DIRECTIONS if known == atom.relation), None)
            if direction is None:
                raise ValueError(f"shapes do not lie {atom.relation} each other")
            lie = all(one.lies(direction, other) for one in items for other in others)
            return bool(items and others) and lie, _told(items + others)
        case _:
            raise ValueError(f"a {atom.kind} cannot be measured")


def _group(name: str) -> Group:
    reader = Reader(name)
    group = reader.described()
    reader.end()
    return group


def _of(name: str, scene: Scene) -> tuple[SceneObject, ...]:
    group = _group(name)
    return tuple(item for item in scene.objects if group.fits(item))


def _told(items: tuple[SceneObject, ...]) -> str:
    return ", ".join(str(item) for item in items) or "none"
