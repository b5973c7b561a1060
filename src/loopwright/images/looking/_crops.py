"""Parts of pictures, enlarged for a second look at what is small."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

from loopwright.images.checklist import Box
from loopwright.models import needs_pillow, opened_picture
from loopwright.models.image import png

MARGIN = 0.25
"""What is shown around a box on each side, in shares of its side: a thing is told by what is beside it."""
LARGEST = 0.4
"""Share of a picture above which a part of it is not worth another look."""
SIDE = 512
"""Pixels of the longer side of an enlarged part, at least."""


def region_of(boxes: Sequence[Box]) -> Box | None:
    """The part of a picture that holds boxes, with a margin; None where there are none, or it is large itself."""
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    region = (max(0.0, left - across), max(0.0, top - down), min(1.0, right + across), min(1.0, bottom + down))
    return region if 0 < (region[2] - region[0]) * (region[3] - region[1]) <= LARGEST else None


def cropped(picture: bytes, region: Box) -> bytes:
    """A part of a picture as a PNG, enlarged where it is small.

    Args:
        picture: PNG, JPEG, GIF or WebP.
        region: The part, in shares of width and height.

    Raises:
        ValueError: It is no picture, or a broken one.
        MissingExtra: Pillow is not installed.
    """
    needs_pillow("a part of a picture is cut out")
    from PIL import Image

    with opened_picture(picture) as whole:
        left, top = floor(region[0] * whole.width), floor(region[1] * whole.height)
        right, bottom = ceil(region[2] * whole.width), ceil(region[3] * whole.height)
        part = whole.convert("RGB").crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    scale = SIDE / max(part.size)
    if scale > 1:
        part = part.resize(
            (max(1, round(part.width * scale)), max(1, round(part.height * scale))), Image.Resampling.BICUBIC
        )
    return png(part)
