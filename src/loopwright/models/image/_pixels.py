"""The pixels of pictures and masks: what image models are given and return is checked and made uniform here.

A picture is a PNG with eight bits of red, green and blue for each pixel: upright, opaque, without metadata. A mask is a
grey PNG of the picture's size: white is repainted, black is kept.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from loopwright.errors import ModelRejected, ModelUnavailable
from loopwright.models._pictures import TooManyPixels, opened_picture, picture_header, turn_upright
from loopwright.models.image._types import MOST_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image

_RGB = b"\x08\x02"
"""Bit depth and kind of colour in the header of a PNG: eight bits of red, green and blue."""
_PIXELS = frozenset({b"IHDR", b"IDAT", b"IEND"})
"""Chunks of a PNG without metadata."""
_STRIP = 256
"""Rows of a picture that are laid on white at a time."""
_FAST = 1
"""How hard PNG is packed: a tenth more bytes than the most, in a quarter of the time."""


def checked_picture(data: bytes, size: tuple[int, int] | None = None, *, model: str) -> bytes:
    """What an image model returned, as a plain picture.

    Args:
        data: PNG, JPEG, GIF or WebP.
        size: Width and height that were asked for, in pixels; None for any.
        model: Its name, for messages.

    Raises:
        ModelUnavailable: It is no picture, or a broken one; another call may help.
        ModelRejected: It is far too large, or of another size than asked; another call would be paid for the same.
        MissingExtra: Pillow is not installed.
    """
    try:
        with opened_picture(data, MOST_PIXELS) as opened:
            # As it is stored a picture may lie on its side; one that cannot have the size is not unpacked.
            found = opened.size
            if size is None or found in (size, size[::-1]):
                picture = _flat(opened)
                found = picture.size
            if size is None or found == size:
                return data if _is_plain(data) else png(picture)
    except (TooManyPixels, MemoryError) as error:
        raise ModelRejected(
            f"{model}: {error or 'no memory for the picture'}", remedy="Ask for a smaller size."
        ) from None
    except ValueError as error:
        raise ModelUnavailable(f"{model}: {error}") from None
    raise ModelRejected(
        f"{model}: the picture has {_shown(found)} pixels, and {_shown(size)} were asked for",
        parameter="size",
        remedy="Ask for a size that the model makes, or for none.",
    )


def plain_picture(data: bytes) -> bytes:
    """A picture of the user's, as a plain one.

    Args:
        data: PNG, JPEG, GIF or WebP; turned as its camera was held, and laid on white where it is transparent.

    Raises:
        ValueError: It is no picture, a broken one, or far too large.
    """
    with opened_picture(data) as opened:
        picture = _flat(opened)
        return data if _is_plain(data) else png(picture)


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a plain picture or of a mask, in pixels.

    Raises:
        ValueError: It is no picture, a broken one, or far too large.
    """
    with picture_header(data) as opened:
        return opened.size


def checked_mask(data: bytes, size: tuple[int, int]) -> bytes:
    """A mask as a grey PNG.

    Args:
        data: PNG, JPEG, GIF or WebP.
        size: Width and height of the picture that it is for, in pixels.

    Raises:
        ValueError: It is no picture, a broken one, or of another size.
    """
    grey = b""
    with opened_picture(data) as opened:
        found = opened.size
        if found in (size, size[::-1]):
            mask = _flat(opened).convert("L")
            found, grey = mask.size, png(mask)
    if found != size:
        raise ValueError(f"the mask has {_shown(found)} pixels, and the picture {_shown(size)}")
    return grey


def transparent_mask(mask: bytes) -> bytes:
    """A mask as OpenAI takes it: fully transparent where it is at least half white, opaque elsewhere.

    Args:
        mask: From `checked_mask`.
    """
    from PIL import Image

    with opened_picture(mask) as opened:
        alpha = opened.point(lambda grey: 0 if grey >= 128 else 255)
    form = Image.new("RGBA", alpha.size)
    form.putalpha(alpha)
    return png(form)


def kept_outside(original: bytes, painted: bytes, mask: bytes) -> bytes:
    """A repainted picture whose pixels outside of the mask are those of the original again; grey mixes both.

    Args:
        original: The plain picture that was repainted.
        painted: A plain picture of the same size.
        mask: From `checked_mask`, of the same size.
    """
    from PIL import Image

    with opened_picture(original) as before, opened_picture(painted) as after, opened_picture(mask) as where:
        return png(Image.composite(after, before, where))


def _flat(opened: Image) -> Image:
    """The unpacked picture: upright, opaque, in RGB, without what else stood in its file; copied no more than needed.

    Raises:
        ValueError: It is a broken one.
    """
    opened.load()
    turn_upright(opened)
    picture: Image = opened
    if picture.mode.startswith("I;16"):  # Pillow would cut off all that is brighter than 255 of 65,535.
        picture = picture.point(lambda grey: grey / 256, "L")
    if picture.has_transparency_data:
        picture = _on_white(picture)
    elif picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.info = {}
    return picture


def _on_white(clear: Image) -> Image:
    """A transparent picture on white, in RGB; a strip at a time, so that no copy of it is needed in between."""
    from PIL import Image

    flat = Image.new("RGB", clear.size)
    for top in range(0, clear.height, _STRIP):
        box = (0, top, clear.width, min(top + _STRIP, clear.height))
        strip = clear.crop(box).convert("RGBA")
        flat.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip).convert("RGB"), box)
    return flat


def _is_plain(data: bytes) -> bool:
    """Whether a picture that can be read is a plain one already: a PNG that holds nothing but its pixels."""
    if data[12:16] != b"IHDR" or data[24:26] != _RGB:
        return False
    place = 8
    while place < len(data):
        if data[place + 4 : place + 8] not in _PIXELS:
            return False
        place += 12 + int.from_bytes(data[place : place + 4])
    return place == len(data)


def png(picture: Image, level: int = _FAST) -> bytes:
    """The bytes of a picture's file.

    Args:
        picture: In a mode that PNG knows.
        level: How hard it is packed, from 0 to 9.
    """
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=level)
    return out.getvalue()


def _shown(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
