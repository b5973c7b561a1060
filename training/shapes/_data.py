"""Pictures of drawn scenes as tensors."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy
import torch

from loopwright.images.shapes import Add, Instruction, Make, Move, Remove, Scene, follow, sample_prompt, sample_scene
from loopwright.images.shapes._render import draw_image
from loopwright.images.shapes._scene import COLOURS, DIRECTIONS, SHAPES, SIZES, TEXTURES

SIDE = 64
_CELL = 8
ATOMS = (1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9)
"""How many atoms prompts of the training have, each as often as it stands here."""


def draw_scene(random: Random) -> tuple[str, Scene]:
    """A prompt and a scene that fulfils it."""
    while True:
        prompt = sample_prompt(random, random.choice(ATOMS))
        try:
            return str(prompt), sample_scene(prompt, random)
        except ValueError:  # too crowded
            continue


def draw_edit(random: Random) -> tuple[str, tuple[Scene, Scene]]:
    """An instruction with the scene after and the scene before it."""
    while True:
        before = draw_scene(random)[1]
        instruction = _sample_instruction(before, random)
        try:
            return str(instruction), (follow(instruction, before, random), before)
        except ValueError:  # no room
            continue


def _sample_instruction(scene: Scene, random: Random) -> Instruction:
    shapes = [item.shape for item in scene.objects]
    shape, other = random.choice(shapes), random.choice(shapes)
    direction = random.choice(DIRECTIONS)
    match random.choices(("add", "remove", "make", "move"), (3, 3, 4, 1))[0]:
        case "add":
            free = [known for known in SHAPES if known not in shapes] or list(SHAPES)
            drawn = sample_prompt(random, random.choice((1, 2, 2, 3))).groups[0]
            group = replace(drawn, shape=random.choice(free), count=min(2, max(1, drawn.count)))
            return Add(group, direction, other) if random.random() < 0.5 and group.shape != other else Add(group)
        case "remove":
            return Remove(shape, one=shapes.count(shape) > 1 and random.random() < 0.5)
        case "move" if shape != other:
            return Move(shape, direction, other)
        case _:
            held = " ".join(str(item) for item in scene.of_shape(shape))
            return Make(shape, random.choice([v for v in (*COLOURS, *SIZES, *TEXTURES) if v not in held]))


def pixels(scenes: list[Scene]) -> torch.Tensor:
    """The scenes drawn: number x 3 x side x side, from -1 to 1."""
    drawn = numpy.stack([numpy.asarray(draw_image(scene, SIDE)) for scene in scenes])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1


def crops(random: Random, number: int, side: int) -> torch.Tensor:
    """Square cut-outs, each around an object, at whole cells of the latents."""
    cuts = []
    while len(cuts) < number:
        scene = draw_scene(random)[1]
        picture = pixels([scene])[0]
        for item in random.sample(scene.objects, min(2, len(scene.objects))):
            left, top = (
                min(SIDE - side, max(0, round((at * SIDE - side / 2 + random.uniform(-8, 8)) / _CELL) * _CELL))
                for at in (item.x, item.y)
            )
            cuts.append(picture[:, top : top + side, left : left + side])
    return torch.stack(cuts[:number])
