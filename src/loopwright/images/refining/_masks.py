"""Masks for the removal of what is too many: where the verifier says that it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor

from pydantic import TypeAdapter, ValidationError

from loopwright.images.checklist import AttributeAtom, Box, Checklist, CountAtom, SizeAtom
from loopwright.models import needs_pillow
from loopwright.models.image import picture_size, png
from loopwright.types import Verdict

_BOXES = TypeAdapter(tuple[Box, ...])
_MARGIN = 0.01
"""How far a mask goes beyond a box on each side, in shares of the picture's side: edges are blurred."""


def surplus(aim: str, checklist: Checklist, verdict: Verdict) -> tuple[Box, ...]:
    """Where the objects stand that an atom has too many of; none where the verifier did not say where they are.

    Of objects of one kind, those go first that lack most of the attributes that the checklist asks of the kind.
    """
    atom = next(atom for atom in checklist.atoms if atom.id == aim)
    boxes = {check.name: _boxes(check.data or {}) for check in verdict.checks}
    there = boxes.get(aim, ())
    if not isinstance(atom, CountAtom):
        return there
    fitting = [
        boxes.get(other.id, ())
        for other in checklist.atoms
        if isinstance(other, AttributeAtom | SizeAtom) and other.object == atom.object
    ]
    order = sorted(there, key=lambda box: sum(box in fit for fit in fitting))
    return tuple(order[: max(0, len(there) - atom.count)])


def mask_of(picture: bytes, boxes: Sequence[Box]) -> bytes:
    """A mask that is white inside of boxes: a grey PNG of the picture's size.

    Args:
        picture: The picture to edit.
        boxes: What is repainted.

    Raises:
        ValueError: It is no picture.
        MissingExtra: Pillow is not installed.
    """
    needs_pillow("a mask is a picture")
    from PIL import Image

    width, height = picture_size(picture)

    mask = Image.new("L", (width, height))
    for left, top, right, bottom in boxes:
        low = (max(0, floor((left - _MARGIN) * width)), max(0, floor((top - _MARGIN) * height)))
        high = (min(width, ceil((right + _MARGIN) * width)), min(height, ceil((bottom + _MARGIN) * height)))
        if low[0] < high[0] and low[1] < high[1]:
            mask.paste(255, (*low, *high))
    return png(mask)


def _boxes(data: Mapping[str, object]) -> tuple[Box, ...]:
    try:
        return _BOXES.validate_python(data.get("boxes", ()))
    except ValidationError:
        return ()
