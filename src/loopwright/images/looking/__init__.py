"""Who looks at pictures: by a vision model, or by measuring pixels."""

from loopwright.images.looking._confirming import Ask, confirmed, gated
from loopwright.images.looking._pixels import PixelVerifier
from loopwright.images.looking._shown import expected_of, rates_of, shown_checklist, shown_picture, shown_reference
from loopwright.images.looking._vision import VisionVerifier

__all__ = [
    "Ask",
    "PixelVerifier",
    "VisionVerifier",
    "confirmed",
    "expected_of",
    "gated",
    "rates_of",
    "shown_checklist",
    "shown_picture",
    "shown_reference",
]
