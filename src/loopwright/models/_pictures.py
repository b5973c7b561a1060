"""Pictures for models: which formats they take, and how large."""

from __future__ import annotations

import io
import warnings

from loopwright.errors import MissingExtra

_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_QUALITY = 90
"""Of JPEG, in percent."""


def picture_type(data: bytes) -> str:
    """The media type of a picture.

    Raises:
        ValueError: It is no PNG, JPEG, GIF or WebP.
    """
    for start, kind in _SIGNATURES.items():
        if data.startswith(start):
            return kind
    raise ValueError("it is no picture in PNG, JPEG, GIF or WebP")


def fit_picture(data: bytes, max_side: int | None) -> bytes:
    """A picture whose longer side has so many pixels at most; one that fits stays as it is, byte by byte.

    Args:
        data: PNG, JPEG, GIF or WebP.
        max_side: Pixels; None for any size.

    Raises:
        ValueError: It is no picture, or a broken one.
        MissingExtra: A limit is set, and Pillow is not installed.
    """
    picture_type(data)
    if max_side is None:
        return data
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingExtra(
            "a card limits the size of pictures, and Pillow is not installed",
            remedy="Run: pip install 'loopwright[images]', or take `images.max_side` out of the card.",
        ) from None
    try:
        with warnings.catch_warnings():
            # A picture that unpacks to gigabytes is refused.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                if max(opened.size) <= max_side:
                    return data
                kind = "JPEG" if opened.format == "JPEG" else "PNG"
                fitted = ImageOps.exif_transpose(opened)
                fitted.thumbnail((max_side, max_side))
        out = io.BytesIO()
        fitted.save(out, kind, **({"quality": _QUALITY} if kind == "JPEG" else {}))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"the picture cannot be read: {error}") from None
    return out.getvalue()
