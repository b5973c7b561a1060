"""Scenes of coloured shapes on a white canvas: what is drawn, what is measured, and how places compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Shape = Literal["circle", "square", "triangle", "star", "cross", "ring"]
Colour = Literal["red", "yellow", "green", "cyan", "blue", "purple"]
Texture = Literal["plain", "striped"]
Size = Literal["small", "large"]
Direction = Literal["left of", "right of", "above", "below"]

SHAPES: tuple[Shape, ...] = get_args(Shape)
COLOURS: tuple[Colour, ...] = get_args(Colour)
TEXTURES: tuple[Texture, ...] = get_args(Texture)
SIZES: tuple[Size, ...] = get_args(Size)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

RADII: dict[Size, float] = {"small": 0.085, "large": 0.14}
"""Half of an object's width, in shares of the canvas' side."""

_LARGE_FROM = 0.112
_CLEARLY = 0.04
"""How much further one centre must lie than another for a direction to hold, in shares of the side."""


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One shape. All lengths are shares of the canvas' side; y grows downwards."""

    shape: Shape
    colour: Colour
    texture: Texture
    x: float
    """Centre of the box."""
    y: float
    radius: float
    """Half of the longer side of the box."""

    @property
    def size(self) -> Size:
        """Small or large."""
        return "large" if self.radius >= _LARGE_FROM else "small"

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return (self.x - self.radius, self.y - self.radius, self.x + self.radius, self.y + self.radius)

    def __str__(self) -> str:
        return f"{self.size} {self.texture} {self.colour} {self.shape} at {self.x:.2f}, {self.y:.2f}"

    def lies(self, direction: Direction, other: SceneObject) -> bool:
        """Whether the centre lies clearly to that side of the other's centre."""
        across, down = other.x - self.x, other.y - self.y
        gap = {"left of": across, "right of": -across, "above": down, "below": -down}[direction]
        return gap >= _CLEARLY


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands on a square white canvas."""

    objects: tuple[SceneObject, ...]

    def of_shape(self, shape: Shape) -> tuple[SceneObject, ...]:
        """The objects of one shape."""
        return tuple(item for item in self.objects if item.shape == shape)
