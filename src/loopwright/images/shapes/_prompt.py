"""Prompts about shapes: the grammar in both directions, and the atoms that a prompt asks for.

```
prompt   = segment { ("," | "and" | ", and") segment }
segment  = group [ direction group ]
group    = count { adjective } shape | "the" shape
count    = "a" | "two" | "three" | "four" | "no"
direction = "left of" | "right of" | "above" | "below"
```

A prompt names each shape once; `the SHAPE` means the group named before. Of its objects everything said must hold: all
circles are red, all circles lie left of all squares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from loopwright.images.checklist import (
    Atom,
    AttributeAtom,
    Checklist,
    CountAtom,
    NegationAtom,
    ObjectAtom,
    RelationAtom,
    SizeAtom,
)
from loopwright.images.shapes._scene import (
    COLOURS,
    DIRECTIONS,
    SHAPES,
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

COUNTS = ("no", "a", "two", "three", "four")
"""The words for 0 to 4."""
_FILLER = re.compile(r"(?:to|on) the (left|right) of")
MAX_COUNT = len(COUNTS) - 1
PLURALS: dict[Shape, str] = {shape: shape + ("es" if shape.endswith("ss") else "s") for shape in SHAPES}
_SINGULARS = {word: shape for shape, plural in PLURALS.items() for word in (shape, plural)}
PROMPT_WORDS = (
    *COUNTS, *SIZES, *TEXTURES, *COLOURS, *_SINGULARS, "left", "right", "of", "above", "below", "and", "the", ","
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """The objects of one shape that a prompt asks for."""

    shape: Shape
    count: int = 1
    """0 to 4; 0 forbids the shape."""
    size: Size | None = None
    texture: Texture | None = None
    colour: Colour | None = None

    def fits(self, item: SceneObject) -> bool:
        """Whether an object has the shape and the attributes."""
        wanted = ((self.size, item.size), (self.texture, item.texture), (self.colour, item.colour))
        return item.shape == self.shape and all(asked in (None, found) for asked, found in wanted)

    def __str__(self) -> str:
        noun = self.shape if self.count < 2 else PLURALS[self.shape]
        return " ".join(word for word in (COUNTS[self.count], self.size, self.texture, self.colour, noun) if word)


@dataclass(frozen=True, slots=True)
class Placement:
    """All objects of one shape lie to one side of all objects of another."""

    shape: Shape
    direction: Direction
    other: Shape

    def holds(self, scene: Scene) -> bool:
        """Whether both are there, and all lie so."""
        items, others = scene.of_shape(self.shape), scene.of_shape(self.other)
        return bool(items and others) and all(a.lies(self.direction, b) for a in items for b in others)


@dataclass(frozen=True, slots=True)
class ShapesPrompt:
    """What a prompt of the grammar asks for; `str` gives the prompt."""

    groups: tuple[Group, ...]
    placements: tuple[Placement, ...] = field(default=())

    @property
    def size(self) -> int:
        """How many atoms the checklist has."""
        said = [
            word for group in self.groups for word in (group.size, group.texture, group.colour, group.count > 1) if word
        ]
        return len(self.groups) + len(said) + len(self.placements)

    def checklist(self) -> Checklist:
        """Everything to check: of each group its presence, its number from two on, and its attributes; then relations.

        The name of a shape stands for all objects of it.
        """
        return Checklist(prompt=str(self), atoms=tuple(self._atoms()))

    def _atoms(self) -> Iterator[Atom]:
        for group in self.groups:
            name, parents = group.shape, (group.shape,)
            if group.count == 0:
                yield NegationAtom(id=f"no {name}", object=name)
                continue
            yield ObjectAtom(id=name, object=name)
            if group.count > 1:
                yield CountAtom(id=f"{name} count", parents=parents, object=name, count=group.count)
            if group.size:
                yield SizeAtom(id=f"{name} size", parents=parents, object=name, size=group.size)
            if group.texture:
                yield AttributeAtom(
                    id=f"{name} texture", parents=parents, object=name, aspect="texture", value=group.texture
                )
            if group.colour:
                yield AttributeAtom(
                    id=f"{name} colour", parents=parents, object=name, aspect="color", value=group.colour
                )
        for place in self.placements:
            yield RelationAtom(
                id=f"{place.shape} {place.direction} {place.other}",
                parents=(place.shape, place.other),
                object=place.shape,
                relation=place.direction,
                reference=place.other,
            )

    def holds(self, scene: Scene) -> bool:
        """Whether a scene shows everything that is asked for."""
        for group in self.groups:
            items = scene.of_shape(group.shape)
            if not all(group.fits(item) for item in items) or bool(items) != bool(group.count):
                return False
            if group.count > 1 and len(items) != group.count:
                return False
        return all(place.holds(scene) for place in self.placements)

    def __str__(self) -> str:
        groups = {group.shape: group for group in self.groups}
        named: set[Shape] = set()

        def name(shape: Shape) -> str:
            known = shape in named
            named.add(shape)
            group = groups[shape]
            return f"the {shape if group.count < 2 else PLURALS[shape]}" if known else str(group)

        segments = [f"{name(place.shape)} {place.direction} {name(place.other)}" for place in self.placements]
        segments += [name(group.shape) for group in self.groups if group.shape not in named]
        *first, last = segments
        return f"{', '.join(first)} and {last}" if first else last


def parse_prompt(text: str) -> ShapesPrompt:
    """Reads a prompt of the grammar.

    Raises:
        ValueError: It does not fit; the message names the word and what may stand there.
    """
    reader = Reader(text)
    groups: dict[Shape, Group] = {}
    placements: list[Placement] = []
    while True:
        shape = reader.noun(groups)
        if direction := reader.direction():
            placements.append(Placement(shape, direction, reader.noun(groups)))
        if not reader.joint():
            break
    reader.end()
    absent = {group.shape for group in groups.values() if group.count == 0}
    if any(place.shape in absent or place.other in absent or place.shape == place.other for place in placements):
        raise ValueError(f"{text!r} places a shape beside itself, or one that must not be there")
    return ShapesPrompt(tuple(groups.values()), tuple(placements))


class Reader:
    """The words of a prompt or an instruction, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words: list[str] = re.findall(r"[a-z]+|[^\sa-z]", _FILLER.sub(r"\1 of", text.lower()).strip().rstrip("."))
        self._at = 0

    def peek(self) -> str:
        """The next word; empty at the end."""
        return self._words[self._at] if self._at < len(self._words) else ""

    def take(self, *words: str) -> str:
        """The next word if it is one of these, and goes past it; else empty."""
        if self.peek() in words:
            self._at += 1
            return self._words[self._at - 1]
        return ""

    def need(self, *words: str) -> str:
        """The next word, which must be one of these.

        Raises:
            ValueError: It is another one.
        """
        return self.take(*words) or self.fail(*words)

    def fail(self, *words: str) -> str:
        """Raises the error that names the next word and those that may stand there."""
        found = f"the word {self.peek()!r} (number {self._at + 1})" if self.peek() else "the end"
        raise ValueError(f"{self.text!r}: {found} cannot stand there. Known there: {', '.join(words)}")

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            self.fail("the end")

    def shape(self) -> Shape:
        """A shape, singular or plural."""
        return _SINGULARS[self.need(*_SINGULARS)]

    def group(self) -> Group:
        """Count, adjectives and a shape."""
        count = COUNTS.index(self.need(*COUNTS))
        return replace(self.described(), count=count)

    def described(self) -> Group:
        """Adjectives and a shape."""
        size: Size | None = None
        texture: Texture | None = None
        colour: Colour | None = None
        while self.peek() not in _SINGULARS:
            word = self.need(*SIZES, *TEXTURES, *COLOURS, *_SINGULARS)
            size = next((known for known in SIZES if known == word), size)
            texture = next((known for known in TEXTURES if known == word), texture)
            colour = next((known for known in COLOURS if known == word), colour)
        return Group(self.shape(), 1, size, texture, colour)

    def noun(self, groups: dict[Shape, Group]) -> Shape:
        """A new group, which is added to the groups, or one of them after `the`."""
        if self.take("the"):
            shape = self.shape()
            if shape not in groups:
                raise ValueError(f"{self.text!r}: no {shape} is named before 'the {shape}'")
            return shape
        group = self.group()
        if group.shape in groups:
            raise ValueError(f"{self.text!r} names the {group.shape} twice; a prompt names each shape once")
        groups[group.shape] = group
        return group.shape

    def direction(self) -> Direction | None:
        """A direction, if one follows."""
        word = self.take("left", "right", "above", "below")
        if word in ("left", "right"):
            word += f" {self.need('of')}"
        return next((known for known in DIRECTIONS if known == word), None)

    def joint(self) -> bool:
        """Goes past a comma, `and` or both."""
        comma = self.take(",")
        return bool(self.take("and") or comma)
