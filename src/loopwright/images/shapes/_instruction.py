"""Instructions that edit a scene: the grammar in both directions, and what each does.

```
instruction = "add" group [ direction the ]
            | "remove" the | "remove one" shape
            | "make" the attribute
            | "move" the direction the
the         = "the" { adjective } shape
```

The adjectives after `the` are for people: the shape says which objects are meant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from loopwright.images.shapes._prompt import Group, Placement, Reader
from loopwright.images.shapes._sample import draw_object, place, resize
from loopwright.images.shapes._scene import (
    COLOURS,
    DIRECTIONS,
    RADII,
    SIZES,
    TEXTURES,
    Colour,
    Direction,
    Scene,
    SceneObject,
    Shape,
    Size,
    Texture,
)

INSTRUCTION_WORDS = ("add", "make", "move", "one", "remove", "the")
_TRIES = 10
_ATTRIBUTES = (*COLOURS, *SIZES, *TEXTURES)


@dataclass(frozen=True, slots=True)
class Add:
    """Objects come in."""

    group: Group
    direction: Direction | None = None
    other: Shape | None = None

    def __str__(self) -> str:
        return f"add {self.group}" + (f" {self.direction} the {self.other}" if self.direction else "")


@dataclass(frozen=True, slots=True)
class Remove:
    """The objects of a shape go, or one of them."""

    shape: Shape
    one: bool = False

    def __str__(self) -> str:
        return f"remove {'one' if self.one else 'the'} {self.shape}"


@dataclass(frozen=True, slots=True)
class Make:
    """The objects of a shape take on a colour, a size or a texture."""

    shape: Shape
    value: Colour | Size | Texture

    def __str__(self) -> str:
        return f"make the {self.shape} {self.value}"


@dataclass(frozen=True, slots=True)
class Move:
    """The objects of a shape go to one side of those of another."""

    shape: Shape
    direction: Direction
    other: Shape

    def __str__(self) -> str:
        return f"move the {self.shape} {self.direction} the {self.other}"


Instruction = Add | Remove | Make | Move


def parse_instruction(text: str) -> Instruction:
    """Reads an instruction of the grammar.

    Raises:
        ValueError: It does not fit; the message names the word and what may stand there.
    """
    reader = Reader(text)
    read: Instruction
    match reader.need("add", "remove", "make", "move"):
        case "add":
            read = Add(reader.group())
            if direction := reader.direction():
                read = Add(read.group, direction, _the(reader))
        case "remove":
            read = Remove(reader.shape(), one=True) if reader.take("one") else Remove(_the(reader))
        case "make":
            read = Make(_the(reader), _attribute(reader.need(*_ATTRIBUTES)))
        case _:
            shape, found = _the(reader), reader.direction()
            read = Move(shape, found or _direction(reader.fail(*DIRECTIONS)), _the(reader))
    reader.end()
    if isinstance(read, Add) and read.group.count == 0:
        raise ValueError(f"{text!r} adds nothing")
    return read


def _the(reader: Reader) -> Shape:
    reader.need("the")
    return reader.described().shape


def _attribute(word: str) -> Colour | Size | Texture:
    return next(known for known in _ATTRIBUTES if known == word)


def _direction(word: str) -> Direction:
    return next(known for known in DIRECTIONS if known == word)


def follow(instruction: Instruction, scene: Scene, random: Random) -> Scene:
    """The scene after the instruction; what it leaves open is drawn.

    Raises:
        ValueError: It speaks of a shape that is not there, or there is no room.
    """
    objects = list(scene.objects)
    named = instruction.other if isinstance(instruction, Add) else instruction.shape
    if named and not scene.of_shape(named):
        raise ValueError(f"{str(instruction)!r}: there is no {named}")
    match instruction:
        case Remove(shape, one):
            gone = scene.of_shape(shape)[:1] if one else scene.of_shape(shape)
            return Scene(tuple(item for item in objects if item not in gone))
        case Make(shape, value):
            return _make(scene, shape, value)
        case Add(group, direction, other):
            places = (Placement(group.shape, direction, other),) if direction and other else ()
            return _put(objects, [draw_object(group, random) for _ in range(group.count)], places, random)
        case Move(shape, direction, other):
            kept = [item for item in objects if item.shape != shape]
            return _put(kept, list(scene.of_shape(shape)), (Placement(shape, direction, other),), random)


def _make(scene: Scene, shape: Shape, value: Colour | Size | Texture) -> Scene:
    objects = list(scene.objects)
    for at, item in enumerate(objects):
        if item.shape != shape:
            continue
        others = objects[:at] + objects[at + 1 :]
        if size := next((known for known in SIZES if known == value != item.size), None):
            objects[at] = resize(item, RADII[size], others)
        else:
            colour = next((known for known in COLOURS if known == value), item.colour)
            texture = next((known for known in TEXTURES if known == value), item.texture)
            objects[at] = replace(item, colour=colour, texture=texture)
    return Scene(tuple(objects))


def _put(kept: list[SceneObject], new: list[SceneObject], places: tuple[Placement, ...], random: Random) -> Scene:
    for _ in range(_TRIES):
        objects = list(kept)
        for item in new:
            placed = place(item, places, objects, random)
            objects += [placed] if placed else []
        if len(objects) == len(kept) + len(new):
            return Scene(tuple(objects))
    raise ValueError(f"there is no room for another {new[0].shape}")
