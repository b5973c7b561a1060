"""Pictures with faults at set rates, as image models make them: what is true of each is known.

`paint` draws a prompt, `repaint` follows an instruction. The same random state gives the same picture.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from loopwright.images.shapes._instruction import Add, Instruction, Make, Remove, follow
from loopwright.images.shapes._prompt import MAX_COUNT, Group, Placement, ShapesPrompt
from loopwright.images.shapes._sample import sample_scene
from loopwright.images.shapes._scene import COLOURS, SIZES, TEXTURES, Direction, Scene

_OPPOSITE: dict[Direction, Direction] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}
_ATTRIBUTES = {"colour": COLOURS, "size": SIZES, "texture": TEXTURES}


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often a painter errs, each from 0 to 1."""

    omit: float = 0.1
    """For each group: it is not drawn. For each shape that must not be there: it is drawn."""
    swap: float = 0.15
    """For each attribute: it changes places with another group's, or to another value."""
    miscount: float = 0.25
    """For each group of several: one more or one less."""
    misplace: float = 0.3
    """For each relation: it is drawn the other way round."""
    fail: float = 0.2
    """For each instruction: nothing changes."""
    damage: float = 0.1
    """For each instruction: an object that it does not speak of changes or goes."""

    def __post_init__(self) -> None:
        for part in fields(self):
            if not 0 <= getattr(self, part.name) <= 1:
                raise ValueError(f"{part.name}={getattr(self, part.name)} is no rate: rates go from 0 to 1")


def paint(prompt: ShapesPrompt, rates: FaultRates, random: Random) -> Scene:
    """A scene for a prompt, with faults. Of what finds no room something is left out."""
    groups = [_counted(group, rates, random) for group in prompt.groups]
    for name in _ATTRIBUTES:
        right = {at for at, group in enumerate(groups) if getattr(group, name)}
        for at in sorted(right):
            if at in right and random.random() < rates.swap:
                right -= _swap(groups, at, name, random)
    drawn = {group.shape for group in groups if group.count}
    places = tuple(
        replace(place, direction=_OPPOSITE[place.direction]) if random.random() < rates.misplace else place
        for place in prompt.placements
        if {place.shape, place.other} <= drawn
    )
    return _laid_out(groups, places, random)


def _counted(group: Group, rates: FaultRates, random: Random) -> Group:
    if random.random() < rates.omit:
        return replace(group, count=0 if group.count else 1)
    if group.count > 1 and random.random() < rates.miscount:
        more = group.count < MAX_COUNT and random.random() < 0.5
        return replace(group, count=group.count + (1 if more else -1))
    return group


def _swap(groups: list[Group], at: int, name: str, random: Random) -> set[int]:
    """Swaps an attribute with another group, or changes it where none has another value. Returns the wrong groups."""
    mine = getattr(groups[at], name)
    others = [n for n, group in enumerate(groups) if getattr(group, name) not in (None, mine)]
    if others:
        other = random.choice(others)
        theirs = getattr(groups[other], name)
        groups[at], groups[other] = _with(groups[at], name, theirs), _with(groups[other], name, mine)
        return {at, other}
    groups[at] = _with(groups[at], name, random.choice([value for value in _ATTRIBUTES[name] if value != mine]))
    return {at}


def _with(group: Group, name: str, value: str) -> Group:
    changes: dict[str, Any] = {name: value}
    return replace(group, **changes)


def _laid_out(groups: list[Group], places: tuple[Placement, ...], random: Random) -> Scene:
    while True:
        try:
            return sample_scene(ShapesPrompt(tuple(groups), places), random)
        except ValueError:
            most = max(range(len(groups)), key=lambda n: groups[n].count)
            groups[most] = replace(groups[most], count=groups[most].count - 1)


def repaint(instruction: Instruction, scene: Scene, rates: FaultRates, random: Random) -> Scene:
    """The scene after an instruction, with faults. What cannot be followed changes nothing."""
    failed, damaged = random.random() < rates.fail, random.random() < rates.damage
    after = scene
    if not failed:
        with suppress(ValueError):  # no such object, or no room
            after = follow(instruction, scene, random)
    return _damage(instruction, scene, after, random) if damaged else after


def _damage(instruction: Instruction, before: Scene, after: Scene, random: Random) -> Scene:
    """Changes, or takes away, one object that the instruction left alone."""
    subject = instruction.group.shape if isinstance(instruction, Add) else instruction.shape
    kept = [item for item in after.objects if item in before.objects and item.shape != subject]
    if not kept:
        return after
    hit = random.choice(kept)
    rest = Scene(tuple(item for item in after.objects if item != hit))
    values = [value for known in _ATTRIBUTES.values() for value in known if value not in str(hit)]
    hurt: Instruction = Remove(hit.shape) if random.random() < 0.3 else Make(hit.shape, random.choice(values))
    return Scene((*rest.objects, *follow(hurt, Scene((hit,)), random).objects))
