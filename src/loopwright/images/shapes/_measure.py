"""Measures a picture of shapes: which objects stand in it, with shape, colour, texture, size and place.

Objects are connected coloured pixels. How much of a pixel an object covers is read from the darkest channel, which
neither colour nor stripes change much; an object's shape is that of the most similar drawing, sharp or blurred.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from loopwright.errors import MissingExtra
from loopwright.images.shapes._render import RGB, draw_image
from loopwright.images.shapes._scene import COLOURS, RADII, SHAPES, Colour, Scene, SceneObject, Shape
from loopwright.models import opened_picture, picture_type

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

SIDE = 64
"""Pixels at which pictures are measured; others are scaled."""

_COLOURED = 0.18
"""Least difference between the brightest and the darkest channel of a coloured pixel, of 1."""
_MIN_PIXELS = 18
"""Smaller parts are specks. The smallest drawn object, a small cross, has about 60."""
_MIN_SHARE = 0.25
"""Share of a part that another colour must have to be an object of its own, and not a coloured edge."""
_PLAIN_FROM = 0.89
"""Mean brightness, as a share of the colour's own, from which an object is plain."""
_MASK = 20
"""Pixels of an outline when it is compared."""
_BLURS = (0, 0.7, 1.1)
"""How strongly the drawings are blurred to which an outline is compared, in pixels."""


def measure(picture: bytes) -> Scene:
    """The scene that a picture shows, from top left to bottom right.

    Args:
        picture: PNG, JPEG, GIF or WebP; a transparent one stands on white.

    Raises:
        ValueError: It is no picture, a broken one, or far too large.
        MissingExtra: Pillow or NumPy is not installed.
    """
    pixels = _pixels(picture)
    objects = [_object(colour, part, pixels) for colour, part in _parts(pixels)]
    return Scene(tuple(sorted(objects, key=lambda item: (round(item.y, 2), item.x))))


def _pixels(picture: bytes) -> Floats:
    """Side x side x 3, from 0 to 1."""
    try:
        import numpy
        from PIL import Image
    except ImportError as error:
        raise MissingExtra(
            f"measuring pictures needs {error.name}", remedy="Run: pip install 'loopwright[images]'"
        ) from None
    try:
        picture_type(picture)
    except ValueError as error:
        raise ValueError(f"the picture cannot be read: {error}") from None
    with opened_picture(picture) as opened:
        flat: Image.Image = opened
        if opened.has_transparency_data:
            clear = opened.convert("RGBA")
            flat = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        if flat.mode != "RGB":
            flat = flat.convert("RGB")
        if flat.size != (SIDE, SIDE):
            flat = flat.resize((SIDE, SIDE), Image.Resampling.BOX)
        flat.load()
    pixels: Floats = numpy.asarray(flat, dtype=float) / 255
    return pixels


def _parts(pixels: Floats) -> list[tuple[Colour, Floats]]:
    """Where each object stands. The hue tells the colour, since stripes are darker and edges paler."""
    import numpy

    own = numpy.array([RGB[colour] for colour in COLOURS], dtype=float) / 255
    span = pixels.max(axis=2) - pixels.min(axis=2)
    nearest = ((_hues(pixels)[:, :, None, :] - _hues(own)) ** 2).sum(axis=3).argmin(axis=2)
    found = []
    for part in _connected(span > _COLOURED):
        strength = numpy.bincount(nearest[part], span[part], len(COLOURS))
        counts = [number for number, value in enumerate(strength) if value >= _MIN_SHARE * strength.sum()]
        if len(counts) == 1:
            found.append((COLOURS[counts[0]], part))
        else:
            found += [(COLOURS[n], piece) for n in counts for piece in _connected(part & (nearest == n))]
    return found


def _hues(colours: Floats) -> Floats:
    """Colours with the darkest channel at 0 and the brightest at 1: black, white and strength play no part."""
    low = colours.min(axis=-1, keepdims=True)
    span = colours.max(axis=-1, keepdims=True) - low
    hues: Floats = (colours - low) / (span + 1e-9)
    return hues


def _connected(mask: Floats) -> list[Floats]:
    """The connected parts of a mask, also over corners, without specks."""
    import numpy

    wide = mask.shape[1] + 2  # an empty frame all around, so that every pixel has eight neighbours
    left = bytearray(numpy.pad(mask, 1).astype(numpy.uint8).tobytes())
    steps = [row + column for row in (-wide, 0, wide) for column in (-1, 0, 1)]
    parts = []
    start = left.find(1)
    while start >= 0:
        left[start] = 0
        found = [start]
        for at in found:  # grows while it is walked
            for step in steps:
                if left[at + step]:
                    left[at + step] = 0
                    found.append(at + step)
        if len(found) >= _MIN_PIXELS:
            part = numpy.zeros(len(left), dtype=bool)
            part[found] = True
            parts.append(part.reshape(-1, wide)[1:-1, 1:-1])
        start = left.find(1, start)
    return parts


def _object(colour: Colour, part: Floats, pixels: Floats) -> SceneObject:
    import numpy

    own = numpy.array(RGB[colour]) / 255
    cover = numpy.clip((1 - pixels.min(axis=2)) / (1 - own.min()), 0, 1) * part
    left, top, right, bottom = _box(cover)
    main = own.argmax()
    bright = (cover * (pixels[:, :, main] - (1 - cover))).sum() / (cover * cover * own[main]).sum()
    return SceneObject(
        _shape(cover, (left, top, right, bottom)),
        colour,
        "plain" if bright > _PLAIN_FROM else "striped",
        (left + right) / 2 / SIDE,
        (top + bottom) / 2 / SIDE,
        max(right - left, bottom - top) / 2 / SIDE,
    )


def _box(cover: Floats) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in parts of a pixel: the outermost row or column counts as far as it is covered."""
    import numpy

    edges = []
    for axis in (0, 1):
        most = cover.max(axis=axis)
        inside = numpy.flatnonzero(most > 0.5)
        first, last = (inside[0], inside[-1]) if inside.size else (most.argmax(), most.argmax())
        before = most[first - 1] if first else 0.0
        after = most[last + 1] if last + 1 < most.size else 0.0
        edges.append((float(first - before), float(last + 1 + after)))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _shape(cover: Floats, box: tuple[float, float, float, float]) -> Shape:

    names, outlines = _drawings()
    return names[int(((outlines - _outline(cover, box)) ** 2).sum(axis=1).argmin())]


def _outline(cover: Floats, box: tuple[float, float, float, float]) -> Floats:
    """The box of an object, scaled to a mask, as a row."""
    import numpy
    from PIL import Image

    inside = (max(0.0, box[0]), max(0.0, box[1]), min(float(SIDE), box[2]), min(float(SIDE), box[3]))
    scaled = Image.fromarray(cover.astype(numpy.float32)).resize((_MASK, _MASK), Image.Resampling.BILINEAR, box=inside)
    return numpy.asarray(scaled).ravel()


@cache
def _drawings() -> tuple[list[Shape], Floats]:
    """Outlines of drawn shapes, and which shape each is."""
    import numpy
    from PIL import ImageFilter

    names, outlines = [], []
    for shape, radius, shift, blur in product(SHAPES, RADII.values(), (0, 0.25, 0.5), _BLURS):
        at = 0.5 + shift / SIDE
        drawn = draw_image(Scene((SceneObject(shape, "red", "plain", at, at, radius),)), SIDE)
        pixels = numpy.asarray(drawn.filter(ImageFilter.GaussianBlur(blur)), dtype=float) / 255
        (_, part), *_ = _parts(pixels)
        cover = numpy.clip((1 - pixels.min(axis=2)) / (1 - min(RGB["red"]) / 255), 0, 1) * part
        names.append(shape)
        outlines.append(_outline(cover, _box(cover)))
    return names, numpy.stack(outlines)
