"""Who looks at pictures: by a vision model, a detector, or by measuring pixels."""

from loopwright.images.looking._confirming import LOOKS, Ask, confirmed, gated
from loopwright.images.looking._crops import cropped, region_of
from loopwright.images.looking._detections import ObjectDetection, ObjectDetector, detected
from loopwright.images.looking._detector import DetectorOptions, DetectorVerifier, TransformersDetector
from loopwright.images.looking._pixels import PixelVerifier
from loopwright.images.looking._shown import expected_of, rates_of, shown_checklist, shown_picture, shown_reference
from loopwright.images.looking._vision import VisionVerifier

__all__ = [
    "LOOKS",
    "Ask",
    "DetectorOptions",
    "DetectorVerifier",
    "ObjectDetection",
    "ObjectDetector",
    "PixelVerifier",
    "TransformersDetector",
    "VisionVerifier",
    "confirmed",
    "cropped",
    "detected",
    "expected_of",
    "gated",
    "rates_of",
    "region_of",
    "shown_checklist",
    "shown_picture",
    "shown_reference",
]
