"""Pictures refined until their checklist holds: checklists, drawn scenes, and what refines pictures."""

from loopwright.images._environment import ImagesEnvironment
from loopwright.images._replay import open_replay
from loopwright.images.looking import DetectorVerifier, ObjectDetection, ObjectDetector, PixelVerifier, VisionVerifier
from loopwright.images.refining import IRCIG, STREAMS, ImageCritic, ImageRefiner, save_gallery
from loopwright.images.shapes import open_painter

__all__ = [
    "IRCIG",
    "STREAMS",
    "DetectorVerifier",
    "ImageCritic",
    "ImageRefiner",
    "ImagesEnvironment",
    "ObjectDetection",
    "ObjectDetector",
    "PixelVerifier",
    "VisionVerifier",
    "open_painter",
    "open_replay",
    "save_gallery",
]
