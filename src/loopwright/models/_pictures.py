"""Pictures for models: which formats they take, and how large."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopwright.errors import MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_QUALITY = 90
"""Of JPEG, in percent."""
_SMALL_QUALITY = 80
"""Of thumbnails in WebP, in percent."""


_MOST_READ = 89_478_485
"""Pixels of a picture that is unpacked: some hundreds of megabytes.

It is the limit of Pillow; a lower one that is set there holds too."""
_MOST_SCANS = 100
"""Scans of a JPEG that is unpacked; each goes through all pixels, and one of 100 bytes can. Usual are about ten."""
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
"""What a segment of a JPEG begins with; the markers that are left out stand alone."""
_SCAN, _END = 0xDA, 0xD9
_METADATA = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")
_AT_ONCE = 2**25
"""Pixels that are unpacked at once in this process."""


class TooManyPixels(ValueError):
    """A picture that would unpack to more pixels than are read."""


class _Room:
    """Pixels that are unpacked at once: who needs more than are free waits, unless nobody holds any."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._changed = threading.Condition()
        self._thread = threading.local()

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """Holds some pixels. A thread that holds some already does not wait: two such could wait for each other."""
        before: int = getattr(self._thread, "held", 0)
        with self._changed:
            self._changed.wait_for(lambda: before or not self._held or self._held + pixels <= self._most)
            self._held += pixels
        self._thread.held = before + pixels
        try:
            yield
        finally:
            self._thread.held = before
            with self._changed:
                self._held -= pixels
                self._changed.notify_all()


_ROOM = _Room(_AT_ONCE)


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
    with picture_header(data) as header:
        if max(header.size) <= max_side:
            return data
    with opened_picture(data) as opened:
        kind = "JPEG" if opened.format == "JPEG" else "PNG"
        opened.load()  # Else Pillow would unpack a JPEG roughly, and the same picture would become another one.
        turn_upright(opened)
        opened.thumbnail((max_side, max_side))
        out = io.BytesIO()
        opened.save(out, kind, **({"quality": _QUALITY} if kind == "JPEG" else {}))
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
        opened.thumbnail((max_side, max_side))
        turn_upright(opened)
        out = io.BytesIO()
        opened.convert("RGBA" if opened.has_transparency_data else "RGB").save(out, "WEBP", quality=_SMALL_QUALITY)
    return out.getvalue()


def turn_upright(picture: Image) -> None:
    """Turns an unpacked picture as its camera was held; one whose metadata nobody can read stays as it is."""
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except MemoryError:
        raise
    except Exception:
        # Pillow turns first and writes metadata then; odd ones end in errors of any kind.
        for name in _METADATA:
            picture.info.pop(name, None)


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
def picture_header(data: bytes, most: int = _MOST_READ) -> Iterator[Image]:
    """Opens a picture and unpacks nothing: its size, mode and format are known.

    Args:
        data: PNG, JPEG, GIF or WebP.
        most: Pixels that it may have.

    Raises:
        TooManyPixels: It has more.
        ValueError: It is no picture, or a broken one.
    """
    from PIL import Image

    kind = picture_type(data)
    try:
        with _reader(kind, data) as opened:
            pixels = opened.width * opened.height
            limit = min(most, Image.MAX_IMAGE_PIXELS or most)
            if pixels > limit:
                raise TooManyPixels(
                    f"the picture cannot be read: Image size ({pixels} pixels) exceeds limit of {limit} pixels"
                )
            yield opened
    except TooManyPixels:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TooManyPixels(f"the picture cannot be read: {error}") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"the picture cannot be read: {error}") from None


@contextmanager
def opened_picture(data: bytes, most: int = _MOST_READ) -> Iterator[Image]:
    """Opens a picture to unpack it; waits while others unpack as many pixels as this process does at once.

    Args:
        data: PNG, JPEG, GIF or WebP.
        most: Pixels that it may have.

    Raises:
        TooManyPixels: It has more.
        ValueError: It is no picture, or a broken one; what the decoder raises later is told as well.
    """
    if picture_type(data) == "image/jpeg" and _scans(data) > _MOST_SCANS:
        raise ValueError(f"the picture cannot be read: it has more than {_MOST_SCANS} scans")
    with picture_header(data, most) as opened, _ROOM.held(opened.width * opened.height):
        yield opened


def _scans(data: bytes) -> int:
    """The scans of a JPEG as its decoder finds them; no more are counted than are too many."""
    at, found = 2, 0
    while found <= _MOST_SCANS and (marker := _MARKER.search(data, at)) and marker[1][0] != _END:
        found += marker[1][0] == _SCAN
        at = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2]))
    return found


def _reader(kind: str, data: bytes) -> Image:
    """A picture before it is unpacked. `Image.open` would warn of many pixels, and warnings are not safe in threads."""
    from PIL import GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    file = io.BytesIO(data)
    match kind:
        case "image/png":
            return PngImagePlugin.PngImageFile(file)
        case "image/jpeg":
            return JpegImagePlugin.jpeg_factory(file)
        case "image/gif":
            return GifImagePlugin.GifImageFile(file)
        case _:
            return WebPImagePlugin.WebPImageFile(file)
