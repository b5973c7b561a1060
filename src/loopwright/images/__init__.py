"""Pictures refined until their checklist holds: checklists, drawn scenes, and what refines pictures."""

from loopwright.images.shapes import open_painter

__all__ = ["open_painter"]
