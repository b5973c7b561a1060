"""How well the pixel verifier measures drawn shapes, sharp and spoiled, and how often the painter is right at once.

`python -m bench.images.shapes [--scenes 1000]`
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from random import Random

import numpy
from PIL import Image, ImageFilter
from rich.console import Console
from rich.table import Table

from loopwright.images.shapes import (
    FaultRates,
    Scene,
    SceneObject,
    ShapesPrompt,
    measure,
    paint,
    render,
    sample_prompt,
    sample_scene,
)
from loopwright.stats import wilson

FEATURES = ("shape", "colour", "texture", "size")
NEAR = 0.1
"""How far a measured object may lie from the drawn one that it is taken for, in shares of the side."""


def spoiled(picture: bytes, blur: float, noise: float, seed: int) -> bytes:
    """The picture with a Gaussian blur (radius in pixels) and Gaussian noise (deviation, of 255)."""
    soft = Image.open(io.BytesIO(picture)).filter(ImageFilter.GaussianBlur(blur))
    pixels = numpy.asarray(soft, dtype=float)
    pixels += numpy.random.default_rng(seed).normal(0, noise, pixels.shape) if noise else 0
    out = io.BytesIO()
    Image.fromarray(pixels.round().clip(0, 255).astype("uint8")).save(out, "PNG")
    return out.getvalue()


def possible(random: Random, atoms: int) -> tuple[ShapesPrompt, Scene]:
    """A prompt for whose objects there is room, and a scene of it."""
    while True:
        prompt = sample_prompt(random, atoms)
        try:
            return prompt, sample_scene(prompt, random)
        except ValueError:
            continue


def errors(drawn: Scene, seen: Scene) -> Counter[str]:
    """How many objects were missed or made up, and which features of the others are wrong."""
    found, left = Counter[str](), list(seen.objects)

    def far(item: SceneObject, other: SceneObject) -> float:
        return max(abs(item.x - other.x), abs(item.y - other.y))

    for item in drawn.objects:
        near = min(left, key=lambda other: far(item, other), default=None)
        if near is None or far(item, near) > NEAR:
            found["missed"] += 1
            continue
        left.remove(near)
        found.update(name for name in FEATURES if getattr(item, name) != getattr(near, name))
    found["made up"] += len(left)
    return found


def verifier_table(number: int) -> Table:
    """The share of objects with each error, on pictures spoiled more and more."""
    table = Table(title=f"The pixel verifier on {number} scenes: errors for 1000 objects")
    names = ("missed", "made up", *FEATURES)
    for name in ("blur, pixels", "noise, of 255", *names, "prompts judged wrongly, %"):
        table.add_column(name, justify="right")
    for blur, noise in ((0, 0), (0.7, 0), (1, 0), (0, 15), (0, 30), (0.7, 15)):
        total, objects, wrong, random = Counter[str](), 0, 0, Random(1)
        for at in range(number):
            prompt, scene = possible(random, 1 + at % 9)
            seen = measure(spoiled(render(scene), blur, noise, at))
            total += errors(scene, seen)
            objects += len(scene.objects)
            wrong += not prompt.holds(seen)
        shares = [f"{1000 * total[name] / objects:.1f}" for name in names]
        table.add_row(str(blur), str(noise), *shares, f"{100 * wrong / number:.1f}")
    return table


def painter_table(number: int) -> Table:
    """All-correct rates of one call, by the number of atoms."""
    table = Table("atoms", "all correct", "95 % interval", title=f"`painter/default`, {number} prompts each, one call")
    for atoms in range(1, 10):
        random = Random(atoms)
        prompts = [possible(random, atoms)[0] for _ in range(number)]
        right = sum(prompt.holds(measure(render(paint(prompt, FaultRates(), random)))) for prompt in prompts)
        interval = wilson(right, number)
        table.add_row(str(atoms), f"{right / number:.3f}", f"{interval.low:.3f} to {interval.high:.3f}")
    return table


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=1000)
    number = parser.parse_args().scenes
    console = Console(width=140)
    console.print(verifier_table(number))
    console.print(painter_table(number))


if __name__ == "__main__":
    main()
