"""Who looks at pictures: by a vision model, or by measuring pixels."""

from loopwright.images.looking._confirming import AHEAD, Ask, confirmed, gated
from loopwright.images.looking._pixels import PixelVerifier
from loopwright.images.looking._shown import held_before, shown_checklist, shown_picture, shown_reference
from loopwright.images.looking._vision import VisionVerifier

__all__ = [
    "AHEAD",
    "Ask",
    "PixelVerifier",
    "VisionVerifier",
    "confirmed",
    "gated",
    "held_before",
    "shown_checklist",
    "shown_picture",
    "shown_reference",
]
