"""Scenes on a grid of 4 x 4 places, as the models learn them.

Each place is empty or holds one object, which always stands in it the same way: 6 shapes x 6 colours x 2 textures x 2
sizes make 144 different cells. So a picture is 16 choices out of 145, and its latents are put together from those of
the cells: nothing is drawn or encoded while the models are trained.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from random import Random

import numpy
import torch

from loopwright.images.refining._operations import HINTS, KEEP
from loopwright.images.shapes import (
    Add,
    Group,
    Instruction,
    Make,
    Move,
    Placement,
    Remove,
    Scene,
    SceneObject,
    ShapesPrompt,
    sample_prompt,
)
from loopwright.images.shapes._render import draw_image
from loopwright.images.shapes._sample import draw_object
from loopwright.images.shapes._scene import COLOURS, DIRECTIONS, SHAPES, SIZES, TEXTURES, Direction, Size

SIDE = 64
CELL = 16
"""Pixels of a place's side."""
GRID = SIDE // CELL
_CENTRE = 7.375
"""Pixels from a place's left and upper edge to the object's centre."""
_RADII: dict[Size, float] = {"small": 5.375, "large": 7.375}
"""Pixels: objects are 11 and 15 pixels wide, so that large neighbours do not touch."""
_TRIES = 30
ATOMS = (1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7)
"""How many atoms prompts of the training have, each as often as it stands here."""
SHARES = (3, 2, 4, 2)
"""How often an instruction to add, remove, make and move is drawn; of those to move, most fit no scene."""
SUFFIXES = ("", *(f". {hint}{KEEP}" for hint in HINTS))
"""What the refiner says behind an instruction."""

PATTERNS = list(product(SHAPES, COLOURS, TEXTURES, SIZES))
"""What cell 1, 2 and so on shows; cell 0 is white."""
_NUMBERS = {pattern: number + 1 for number, pattern in enumerate(PATTERNS)}

Shares = tuple[int, int, int, int]

Cells = tuple[int, ...]
"""The numbers of the 16 cells, row by row."""


def scene_of(cells: Cells) -> Scene:
    """The scene that cells show."""
    return Scene(tuple(_object(number, place) for place, number in enumerate(cells) if number))


def _object(number: int, place: int) -> SceneObject:
    shape, colour, texture, size = PATTERNS[number - 1]
    row, column = divmod(place, GRID)
    x, y = ((at * CELL + _CENTRE) / SIDE for at in (column, row))
    return SceneObject(shape, colour, texture, x, y, _RADII[size] / SIDE)


@cache
def sprites() -> torch.Tensor:
    """The pictures of all cells, white first: 145 x 3 x 16 x 16, from -1 to 1."""
    return torch.stack([_drawn(Scene(())), *(_drawn(Scene((_object(at + 1, 0),))) for at in range(len(PATTERNS)))])


@cache
def shown() -> torch.Tensor:
    """The cells as the decoder learns to draw them: large stars are a trifle larger.

    The tips of stars are thin: with the slightest blur those of `sprites` would be measured as small ones.
    """
    parts = sprites().clone()
    for number, (shape, colour, texture, size) in enumerate(PATTERNS):
        if (shape, size) == ("star", "large"):
            star = SceneObject(shape, colour, texture, 7.875 / SIDE, 7.875 / SIDE, 7.875 / SIDE)
            parts[number + 1] = _drawn(Scene((star,)))
    return parts


def _drawn(scene: Scene) -> torch.Tensor:
    cell = numpy.array(draw_image(scene, SIDE))[:CELL, :CELL]
    return torch.from_numpy(cell).permute(2, 0, 1).float() / 127.5 - 1


def assemble(cells: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """Pictures, or latents, from cells (number x 16) and what each cell looks like (145 x channels x side x side)."""
    chosen = parts[cells].unflatten(1, (GRID, GRID))
    number, _, _, channels, side, _ = chosen.shape
    return chosen.permute(0, 3, 1, 4, 2, 5).reshape(number, channels, GRID * side, GRID * side)


def pixels(cells: list[Cells]) -> torch.Tensor:
    """The scenes as they are shown: number x 3 x side x side, from -1 to 1."""
    return assemble(torch.tensor(cells), shown())


def draw_scene(random: Random) -> tuple[str, tuple[Cells, ...]]:
    """A prompt and a scene that fulfils it."""
    return _scene(random, placed=False)


def draw_placed_scene(random: Random) -> tuple[str, tuple[Cells, ...]]:
    """The same, but of 100 prompts 40 more tell where objects lie: those are rare among the others."""
    return _scene(random, placed=random.random() < 0.4)


def _scene(random: Random, *, placed: bool) -> tuple[str, tuple[Cells, ...]]:
    while True:
        prompt = sample_prompt(random, random.choice(ATOMS))
        if placed and not prompt.placements:
            continue
        if cells := fulfil(prompt, random):
            return str(prompt), (cells,)


def fulfil(prompt: ShapesPrompt, random: Random) -> Cells | None:
    """A scene that fulfils a prompt and shows nothing else; None if none was found."""
    new = [_draw(group, random) for group in prompt.groups for _ in range(group.count)]
    return _put((0,) * GRID**2, new, prompt.placements, random)


def _draw(group: Group, random: Random) -> int:
    item = draw_object(group, random)
    return _NUMBERS[item.shape, item.colour, item.texture, item.size]


def _put(cells: Cells, new: list[int], placements: tuple[Placement, ...], random: Random) -> Cells | None:
    """More objects at places drawn among all that are free and where the placements hold."""
    for _ in range(_TRIES):
        held = list(cells)
        for number in random.sample(new, len(new)):
            free = [place for place in range(GRID**2) if not held[place] and _fits(number, place, held, placements)]
            if not free:
                break
            held[random.choice(free)] = number
        else:
            return tuple(held)
    return None


def _fits(number: int, place: int, cells: list[int], placements: tuple[Placement, ...]) -> bool:
    shape = PATTERNS[number - 1][0]
    for rule in placements:
        if shape not in (rule.shape, rule.other):
            continue
        for at, other in enumerate(cells):
            known = PATTERNS[other - 1][0] if other else None
            if shape == rule.shape and known == rule.other and not _lies(place, rule.direction, at):
                return False
            if shape == rule.other and known == rule.shape and not _lies(at, rule.direction, place):
                return False
    return True


def _lies(place: int, direction: Direction, other: int) -> bool:
    (row, column), (row2, column2) = divmod(place, GRID), divmod(other, GRID)
    return {"left of": column < column2, "right of": column > column2, "above": row < row2, "below": row > row2}[
        direction
    ]


def draw_edit(random: Random, shares: Shares = SHARES) -> tuple[str, tuple[Cells, ...]]:
    """An instruction, as the refiner words it, with the scene after and the scene before it."""
    instruction, after, before = sample_edit(random, shares)
    return f"{instruction}{random.choice(SUFFIXES)}", (after, before)


def sample_edit(random: Random, shares: Shares = SHARES) -> tuple[Instruction, Cells, Cells]:
    """An instruction with the scene after and the scene before it."""
    while True:
        before = draw_scene(random)[1][0]
        instruction = _sample_instruction(before, random, shares)
        after = follow(instruction, before, random) if instruction else None
        if instruction and after:
            return instruction, after, before


def _sample_instruction(cells: Cells, random: Random, shares: Shares) -> Instruction | None:
    """An instruction that changes a scene; None where the drawn kind fits none."""
    shapes = [PATTERNS[number - 1][0] for number in cells if number]
    if not shapes:
        return None
    shape, other = random.choice(shapes), random.choice(shapes)
    direction = random.choice(DIRECTIONS)
    match random.choices(("add", "remove", "make", "move"), shares)[0]:
        case "add":
            group = sample_prompt(random, random.choice((1, 2, 2, 3))).groups[0]
            if not group.count:
                return None
            return Add(group, direction, other) if random.random() < 0.4 and group.shape != other else Add(group)
        case "remove":
            return Remove(shape, one=shapes.count(shape) > 1 and random.random() < 0.6)
        case "make":
            held = {value for number in cells if number and shape in (known := PATTERNS[number - 1]) for value in known}
            return Make(shape, random.choice([value for value in (*COLOURS, *SIZES, *TEXTURES) if value not in held]))
        case _:
            return Move(shape, direction, other) if shape != other else None


def follow(instruction: Instruction, cells: Cells, random: Random) -> Cells | None:
    """The scene after an instruction; None if there is no room."""
    match instruction:
        case Add(group, direction, other):
            rules = (Placement(group.shape, direction, other),) if direction and other else ()
            return _put(cells, [_draw(group, random) for _ in range(group.count)], rules, random)
        case Remove(shape, one):
            places = _places(cells, shape)
            gone = {random.choice(places)} if one else set(places)
            return tuple(0 if place in gone else number for place, number in enumerate(cells))
        case Make(shape, value):
            changed = _places(cells, shape)
            return tuple(_made(number, value) if place in changed else number for place, number in enumerate(cells))
        case Move(shape, direction, other):
            moved = [number for number in cells if number and PATTERNS[number - 1][0] == shape]
            kept = tuple(0 if number in moved else number for number in cells)
            return _put(kept, moved, (Placement(shape, direction, other),), random)


def _places(cells: Cells, shape: str) -> list[int]:
    return [place for place, number in enumerate(cells) if number and PATTERNS[number - 1][0] == shape]


def _made(number: int, value: str) -> int:
    shape, colour, texture, size = PATTERNS[number - 1]
    colour = next((known for known in COLOURS if known == value), colour)
    texture = next((known for known in TEXTURES if known == value), texture)
    size = next((known for known in SIZES if known == value), size)
    return _NUMBERS[shape, colour, texture, size]
