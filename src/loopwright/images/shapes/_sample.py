"""Draws prompts with a given number of atoms, and scenes that fulfil them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

from loopwright.images.shapes._prompt import Group, Placement, ShapesPrompt, parse_prompt
from loopwright.images.shapes._scene import (
    COLOURS,
    DIRECTIONS,
    RADII,
    SHAPES,
    SIZES,
    TEXTURES,
    Scene,
    SceneObject,
)

MAX_ATOMS = 12
MAX_OBJECTS = 6
_MAX_GROUPS = 4
_GAP = 0.03
"""Free space between boxes and to the edge, in shares of the side."""
_TRIES = 50
_WEIGHTS = {"group": 3, "colour": 3, "count": 2, "relation": 2, "size": 1, "texture": 1, "negation": 0.3}


def sample_prompt(random: Random, atoms: int) -> ShapesPrompt:
    """A prompt with exactly so many atoms.

    Args:
        random: Where the draws come from.
        atoms: 1 to 12.

    Raises:
        ValueError: `atoms` is out of range.
    """
    if not 1 <= atoms <= MAX_ATOMS:
        raise ValueError(f"a prompt has 1 to {MAX_ATOMS} atoms, not {atoms}")
    prompt = ShapesPrompt((Group(random.choice(SHAPES)),))
    while prompt.size < atoms:
        kind = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        prompt = _grow(prompt, kind, random)
    return parse_prompt(str(prompt))


def _grow(prompt: ShapesPrompt, kind: str, random: Random) -> ShapesPrompt:
    """One atom more, or the prompt as it is where none of the kind fits."""
    groups = prompt.groups
    here = [group for group in groups if group.count]
    fresh = [shape for shape in SHAPES if shape not in {group.shape for group in groups}]
    total = sum(group.count for group in groups)
    if kind == "group" and len(groups) < _MAX_GROUPS and total < MAX_OBJECTS:
        return replace(prompt, groups=(*groups, Group(random.choice(fresh))))
    if kind == "negation" and len(here) == len(groups) < _MAX_GROUPS:
        return replace(prompt, groups=(*groups, Group(random.choice(fresh), 0)))
    if kind == "relation":
        a, b = random.choice(here), random.choice(here)
        if len(prompt.placements) < len(here) - 1 and b.shape not in _joined(prompt, a.shape):
            place = Placement(a.shape, random.choice(DIRECTIONS), b.shape)
            return replace(prompt, placements=(*prompt.placements, place))
    old = random.choice(here)
    new = old
    if kind == "count" and old.count == 1 and total < MAX_OBJECTS:
        new = replace(old, count=random.randint(2, min(4, 1 + MAX_OBJECTS - total)))
    elif kind == "colour" and not old.colour:
        new = replace(old, colour=random.choice(COLOURS))
    elif kind == "size" and not old.size:
        new = replace(old, size=random.choice(SIZES))
    elif kind == "texture" and not old.texture:
        new = replace(old, texture=random.choice(TEXTURES))
    return replace(prompt, groups=tuple(new if group is old else group for group in groups))


def _joined(prompt: ShapesPrompt, shape: str) -> set[str]:
    """The shapes that placements bind to a shape, and itself: another placement among them could contradict."""
    found = {shape}
    while more := {s for p in prompt.placements for s in (p.shape, p.other) if {p.shape, p.other} & found} - found:
        found |= more
    return found


def sample_scene(prompt: ShapesPrompt, random: Random) -> Scene:
    """A scene that fulfils a prompt and holds nothing else; what the prompt leaves open is drawn.

    Raises:
        ValueError: No room was found for the objects.
    """
    for _ in range(_TRIES):
        objects: list[SceneObject] = []
        wanted = [draw_object(group, random) for group in prompt.groups for _ in range(group.count)]
        for item in sorted(wanted, key=lambda item: -item.radius):
            placed = place(item, prompt.placements, objects, random)
            if placed is None:
                break
            objects.append(placed)
        else:
            return Scene(tuple(objects))
    raise ValueError(f"no scene was found for {str(prompt)!r}")


def draw_object(group: Group, random: Random) -> SceneObject:
    """An object of the group, not placed yet."""
    return SceneObject(
        group.shape,
        random.choice(COLOURS) if group.colour is None else group.colour,
        random.choices(TEXTURES, (2, 1))[0] if group.texture is None else group.texture,
        0,
        0,
        RADII[random.choice(SIZES) if group.size is None else group.size] * random.uniform(0.95, 1.05),
    )


def place(
    item: SceneObject, placements: tuple[Placement, ...], objects: list[SceneObject], random: Random
) -> SceneObject | None:
    """The object at a free place where the placements hold to all other objects; None if none was found."""
    edge = item.radius + _GAP
    for _ in range(_TRIES):
        moved = replace(item, x=random.uniform(edge, 1 - edge), y=random.uniform(edge, 1 - edge))
        if not any(_close(moved, other) for other in objects) and _fits(moved, placements, objects):
            return moved
    return None


def resize(item: SceneObject, radius: float, others: list[SceneObject]) -> SceneObject:
    """The object at another size: moved as little as possible, and up to a sixth smaller, where others are close.

    Raises:
        ValueError: There is no room.
    """
    for shift, share in ((shift, share) for shift in (0, 0.04, 0.08) for share in (1, 0.92, 0.85)):
        new = radius * share
        edge = new + _GAP / 2
        for across, down in product((0, -shift, shift), repeat=2):
            x, y = (min(1 - edge, max(edge, at)) for at in (item.x + across, item.y + down))
            moved = replace(item, radius=new, x=x, y=y)
            if not any(_close(moved, other) for other in others):
                return moved
    raise ValueError(f"there is no room for a {item.shape} of that size")


def _close(a: SceneObject, b: SceneObject) -> bool:
    return max(abs(a.x - b.x), abs(a.y - b.y)) < a.radius + b.radius + _GAP


def _fits(item: SceneObject, placements: tuple[Placement, ...], objects: list[SceneObject]) -> bool:
    for place in placements:
        for other in objects:
            if (place.shape, place.other) == (item.shape, other.shape) and not item.lies(place.direction, other):
                return False
            if (place.shape, place.other) == (other.shape, item.shape) and not other.lies(place.direction, item):
                return False
    return True
