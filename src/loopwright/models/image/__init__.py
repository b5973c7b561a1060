"""Image models: a text becomes a picture, and a picture another one."""

from loopwright.models.image._open import open_image_model
from loopwright.models.image._pixels import (
    checked_mask,
    checked_picture,
    kept_outside,
    picture_size,
    plain_picture,
    png,
)
from loopwright.models.image._types import (
    MOST_PIXELS,
    Connects,
    ImageModel,
    ImageReply,
    ImageRequest,
    image_request_hash,
)

__all__ = [
    "MOST_PIXELS",
    "Connects",
    "ImageModel",
    "ImageReply",
    "ImageRequest",
    "checked_mask",
    "checked_picture",
    "image_request_hash",
    "kept_outside",
    "open_image_model",
    "picture_size",
    "plain_picture",
    "png",
]
