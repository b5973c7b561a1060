"""Image models: a text becomes a picture, and a picture another one."""

from loopwright.models.image._open import open_image_model
from loopwright.models.image._types import ImageModel, ImageReply, ImageRequest

__all__ = ["ImageModel", "ImageReply", "ImageRequest", "open_image_model"]
