"""Draws a scene with Pillow."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from loopwright.errors import MissingExtra
from loopwright.images.shapes._scene import Colour, Scene, SceneObject
from loopwright.models.image import png

if TYPE_CHECKING:
    from PIL.Image import Image

RGB: dict[Colour, tuple[int, int, int]] = {
    "red": (225, 30, 30),
    "yellow": (245, 205, 0),
    "green": (40, 165, 50),
    "cyan": (0, 200, 215),
    "blue": (35, 65, 220),
    "purple": (165, 35, 190),
}
DARK = 0.5
"""How bright the dark stripes of a striped object are, as a share of its colour."""

_LEVEL = 6
"""How hard PNG is packed; another level gives other bytes, and with them other draws of the painter's edits."""
_FINE = 4
"""Pixels drawn for each pixel and direction: their mean smooths the edges."""
_STRIPE = 0.07
"""From one dark stripe to the next, as a share of the canvas' side."""


def draw_image(scene: Scene, side: int = 64, on: Image | None = None) -> Image:
    """The scene as a Pillow picture in RGB; later objects cover earlier ones.

    Args:
        scene: What to draw.
        side: Pixels.
        on: The picture to draw it on; None for white.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("drawing needs Pillow", remedy="Run: pip install 'loopwright[images]'") from None
    fine = side * _FINE
    canvas = on.resize((fine, fine), Image.Resampling.NEAREST) if on else Image.new("RGB", (fine, fine), "white")
    for item in scene.objects:
        mask = Image.new("L", canvas.size)
        _fill(mask, item)
        canvas.paste(_surface(item, fine), mask=mask)
    return canvas.reduce(_FINE)


def render(scene: Scene, side: int = 64) -> bytes:
    """The scene as a PNG.

    Args:
        scene: What to draw.
        side: Pixels.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    return png(draw_image(scene, side), _LEVEL)


def redraw(picture: bytes, before: Scene, after: Scene, mask: bytes | None = None) -> bytes:
    """A picture of a scene, changed to another scene; what stands in both keeps its pixels.

    Args:
        picture: A square one.
        before: What stands in it.
        after: What is to stand in it.
        mask: A grey picture of its size; only where it is white something changes. None for everywhere.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    from PIL import Image, ImageDraw

    old = Image.open(io.BytesIO(picture)).convert("RGB")
    side = old.size[0]
    wiped = old.copy()
    for item in set(before.objects) - set(after.objects):
        left, top, right, bottom = (part * side for part in item.box)
        ImageDraw.Draw(wiped).rectangle((left - 2, top - 2, right + 1, bottom + 1), fill="white")
    new = draw_image(Scene(tuple(item for item in after.objects if item not in before.objects)), side, wiped)
    if mask is not None:
        new = Image.composite(new, old, Image.open(io.BytesIO(mask)).convert("L"))
    return png(new, _LEVEL)


def _surface(item: SceneObject, side: int) -> Image:
    from PIL import Image, ImageDraw

    colour = RGB[item.colour]
    surface = Image.new("RGB", (side, side), colour)
    if item.texture == "striped":
        draw = ImageDraw.Draw(surface)
        dark = tuple(round(part * DARK) for part in colour)
        period = _STRIPE * side
        top = item.y * side - period / 4  # a dark stripe lies across the centre
        for step in range(-4, 5):
            draw.rectangle((0, top + step * period, side, top + step * period + period / 2), fill=dark)
    return surface


def _fill(mask: Image, item: SceneObject) -> None:
    from PIL import ImageDraw

    side, draw = mask.size[0], ImageDraw.Draw(mask)
    left, top, right, bottom = (part * side for part in item.box)
    width = right - left

    def polygon(points: list[tuple[float, float]]) -> None:
        draw.polygon([(left + x * width, top + y * width) for x, y in points], fill=255)

    match item.shape:
        case "circle":
            draw.ellipse((left, top, right, bottom), fill=255)
        case "ring":
            draw.ellipse((left, top, right, bottom), fill=255)
            hole = width * 0.26
            draw.ellipse((left + hole, top + hole, right - hole, bottom - hole), fill=0)
        case "square":
            draw.rectangle((left, top, right, bottom), fill=255)
        case "triangle":
            polygon([(0.5, 0), (1, 1), (0, 1)])
        case "cross":
            draw.rectangle((left + width * 0.34, top, right - width * 0.34, bottom), fill=255)
            draw.rectangle((left, top + width * 0.34, right, bottom - width * 0.34), fill=255)
        case "star":
            polygon(_STAR)


def _star() -> list[tuple[float, float]]:
    """Ten corners of a five-pointed star that fills the unit square."""
    corners = [
        (math.sin(turn * math.pi / 5) * far, -math.cos(turn * math.pi / 5) * far)
        for turn in range(10)
        for far in [0.42 if turn % 2 else 1.0]
    ]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return [((x - min(xs)) / (max(xs) - min(xs)), (y - min(ys)) / (max(ys) - min(ys))) for x, y in corners]


_STAR = _star()
