"""Measures the trained models with the pixel verifier, and shows samples."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from diffusers import DiffusionPipeline
from PIL import Image

from loopwright.images.checklist import verdict
from loopwright.images.shapes import ShapesPrompt, look, measure, sample_prompt, sample_scene
from loopwright.images.shapes._render import draw_image
from loopwright.stats import wilson
from training.shapes._data import draw_edit

_BATCH = 50


def generator(folder: Path, number: int, atoms: Sequence[int], steps: int, guidance: float, sheet: Path | None) -> None:
    """Prints the all-correct rate of one call by number of atoms, and how often each kind of atom holds."""
    pipe = _opened(folder)
    shown: list[Image.Image] = []
    for count in atoms:
        prompts = [_possible(Random(f"{count} {at}"), count) for at in range(number)]
        pictures = []
        for start in range(0, number, _BATCH):
            texts = [str(prompt) for prompt in prompts[start : start + _BATCH]]
            noise = [torch.Generator().manual_seed(start + at) for at in range(len(texts))]
            made = pipe(texts, generator=noise, num_inference_steps=steps, guidance_scale=guidance, height=64, width=64)
            pictures += made.images
        held, kinds = 0, Counter[str]()
        for prompt, picture in zip(prompts, pictures, strict=True):
            checklist = prompt.checklist()
            checks = verdict(checklist, look(checklist, measure(_png(picture)))).checks
            held += all(check.passed for check in checks)
            for check in checks:
                kinds[f"{check.data['kind']} all"] += 1
                kinds[f"{check.data['kind']}"] += check.passed
        interval = wilson(held, number)
        told = ", ".join(
            f"{kind} {kinds[kind] / kinds[f'{kind} all']:.2f}" for kind in sorted(kinds) if " " not in kind
        )
        print(
            f"{count} atoms: {held}/{number} = {held / number:.3f} ({interval.low:.3f} to {interval.high:.3f}); {told}",
            flush=True,
        )
        shown += pictures[:12]
        for prompt in prompts[:12]:
            print("   ", prompt)
        if sheet:
            _sheet(shown, 12).save(sheet)


def editor(folder: Path, number: int, steps: int, guidance: float, image_guidance: float, sheet: Path | None) -> None:
    """Prints how often an instruction was followed, and how often nothing else changed, by kind of instruction."""
    pipe, random = _opened(folder), Random(1)
    edits = [draw_edit(random) for _ in range(number)]
    texts = [text for text, _ in edits]
    before = [draw_image(scenes[1]) for _, scenes in edits]
    noise = [torch.Generator().manual_seed(at) for at in range(number)]
    made = []
    for start in range(0, number, _BATCH):
        part = slice(start, start + _BATCH)
        made += pipe(
            texts[part],
            image=before[part],
            generator=noise[part],
            num_inference_steps=steps,
            guidance_scale=guidance,
            image_guidance_scale=image_guidance,
        ).images
    counts = Counter[str]()
    for (text, (after, was)), picture in zip(edits, made, strict=True):
        found = measure(_png(picture))
        facts = [
            Counter((o.shape, o.colour, o.texture, o.size) for o in scene.objects) for scene in (found, after, was)
        ]
        kind = text.split()[0]
        counts[f"{kind} all"] += 1
        counts[f"{kind} exact"] += facts[0] == facts[1]
        counts[f"{kind} kept"] += not (facts[1] & facts[2]) - facts[0]
    for name in sorted(counts):
        print(name, counts[name], flush=True)
    if sheet:
        _sheet([one for pair in zip(before[:24], made[:24], strict=True) for one in pair], 12).save(sheet)
        print("\n".join(texts[:24]))


def _opened(folder: Path) -> DiffusionPipeline:
    pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _possible(random: Random, atoms: int) -> ShapesPrompt:
    while True:
        prompt = sample_prompt(random, atoms)
        try:
            sample_scene(prompt, random)
        except ValueError:
            continue
        return prompt


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    sheet = Image.new("RGB", (columns * 100, -(-len(pictures) // columns) * 100), "grey")
    for at, picture in enumerate(pictures):
        sheet.paste(picture.resize((96, 96)), (at % columns * 100, at // columns * 100))
    return sheet
