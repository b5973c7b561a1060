"""Pictures of drawn scenes as tensors."""

from __future__ import annotations

from random import Random

import numpy
import torch

from loopwright.images.shapes._render import draw_image
from loopwright.images.shapes._sample import sample_prompt, sample_scene
from loopwright.images.shapes._scene import Scene

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
