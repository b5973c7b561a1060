"""Pictures for models: which formats they take, and how large."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopwright.errors import MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_QUALITY = 90
"""Of JPEG, in percent."""
_SMALL_QUALITY = 80
"""Of thumbnails in WebP, in percent."""


class TooManyPixels(ValueError):
    """A picture that would unpack to more pixels than Pillow's limit, some hundreds of megabytes."""


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
    needs_pillow("a card limits the size of pictures", remedy=", or take `images.max_side` out of the card")
    with opened_picture(data) as opened:
        from PIL import ImageOps

        if max(opened.size) <= max_side:
            return data
        kind = "JPEG" if opened.format == "JPEG" else "PNG"
        fitted = ImageOps.exif_transpose(opened)
        fitted.thumbnail((max_side, max_side))
        out = io.BytesIO()
        fitted.save(out, kind, **({"quality": _QUALITY} if kind == "JPEG" else {}))
    return out.getvalue()


def thumbnail(data: bytes, max_side: int) -> bytes:
    """A picture as a small WebP whose longer side has so many pixels at most, without what else its file tells.

    Args:
        data: PNG, JPEG, GIF or WebP; of moving ones the first picture.
        max_side: Pixels.

    Raises:
        ValueError: It is no picture, or a broken one.
        MissingExtra: Pillow is not installed.
    """
    needs_pillow("making pictures smaller takes Pillow")
    with opened_picture(data) as opened:
        from PIL import ImageOps

        opened.thumbnail((max_side, max_side))
        small = ImageOps.exif_transpose(opened)
        out = io.BytesIO()
        small.convert("RGBA" if small.has_transparency_data else "RGB").save(out, "WEBP", quality=_SMALL_QUALITY)
    return out.getvalue()


def needs_pillow(why: str, *, remedy: str = "") -> None:
    """Checks that Pillow is there.

    Args:
        why: What needs it.
        remedy: What else can be done, after the command that installs it.

    Raises:
        MissingExtra: It is not.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise MissingExtra(
            f"{why}, and Pillow is not installed", remedy=f"Run: pip install 'loopwright[images]'{remedy}."
        ) from None


@contextmanager
def opened_picture(data: bytes) -> Iterator[Image]:
    """Opens a picture whose size is told before it is unpacked; what the decoder raises then is told as well.

    Args:
        data: PNG, JPEG, GIF or WebP.

    Raises:
        TooManyPixels: It is larger than any that is unpacked.
        ValueError: It is no picture, or a broken one.
    """
    from PIL import Image

    picture_type(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
        with opened:
            yield opened
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TooManyPixels(f"the picture cannot be read: {error}") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"the picture cannot be read: {error}") from None
