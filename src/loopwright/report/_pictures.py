"""Pictures of candidates, small enough to be in a page; their originals stay artifacts of the run."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loopwright.errors import MissingExtra, StoreError
from loopwright.models import needs_pillow, picture_header, picture_type, thumbnail
from loopwright.text import printable_line
from loopwright.types import Candidate

SIDE = 128
"""Pixels of a thumbnail's longer side, at most."""
ROOM = 16 * 1024 * 1024
"""Characters of all thumbnails of a page."""
PIXELS = 2_000_000_000
"""Pixels of the pictures that are unpacked for a page, at most: those of 1,900 with 1024x1024."""
_SMALL = 20_000
"""Bytes of a picture that is shown as it is where Pillow is not installed."""


@dataclass(slots=True)
class Thumbnails:
    """Makes the thumbnails of a page, until it has no room for more."""

    get: Callable[[str], bytes]
    """Gives the bytes of an artifact."""
    room: int = ROOM
    pixels: int = PIXELS
    _known: dict[str, dict[str, str] | None] = field(default_factory=dict)

    def of(self, candidate: Candidate) -> dict[str, dict[str, str]]:
        """Name of each artifact that is a picture, to its thumbnail `src`, or to why there is none, `told`."""
        return _found({name: self._shown(ref) for name, ref in candidate.artifacts.items()})

    def _shown(self, ref: str) -> dict[str, str] | None:
        if ref not in self._known:
            self._known[ref] = self._made(ref)
        made = self._known[ref]
        size = len(made.get("src", "")) if made else 0
        if size > self.room:
            return {"told": "no room for more pictures in this page"}
        self.room -= size
        return made

    def _made(self, ref: str) -> dict[str, str] | None:
        """What the page shows of an artifact; None for one that is no picture."""
        try:
            data = self.get(ref)
        except StoreError as error:
            return {"told": printable_line(f"{error.args[0]}")}
        try:
            kind = picture_type(data)
        except ValueError:
            return None
        try:
            needs_pillow("a page shows pictures")
            with picture_header(data) as header:
                self.pixels -= header.width * header.height
            if self.pixels < 0:
                return {"told": "this page shows no more pictures: they have too many pixels together"}
            return {"src": _url("image/webp", thumbnail(data, SIDE))}
        except MissingExtra:
            if len(data) <= _SMALL:
                return {"src": _url(kind, data)}
            return {"told": "too large to be shown without Pillow (pip install 'loopwright[images]')"}
        except ValueError as error:
            return {"told": printable_line(f"{error}")}


def _found(pictures: Mapping[str, dict[str, str] | None]) -> dict[str, dict[str, str]]:
    return {name: picture for name, picture in pictures.items() if picture is not None}


def _url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
