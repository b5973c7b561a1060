"""Measures the trained models with the pixel verifier, and shows samples."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderTiny, DiffusionPipeline
from PIL import Image

from loopwright.images.checklist import verdict
from loopwright.images.refining import mask_of
from loopwright.images.shapes import (
    Add,
    Instruction,
    Make,
    Move,
    Placement,
    Remove,
    Scene,
    ShapesPrompt,
    look,
    measure,
    sample_prompt,
)
from loopwright.images.shapes._scene import COLOURS, SIZES, TEXTURES
from loopwright.models.image import kept_outside
from loopwright.stats import wilson
from training.shapes._autoencoder import codes
from training.shapes._data import GRID, Cells, assemble, draw_scene, fulfil, pixels, sample_edit, scene_of, sprites

_BATCH = 50


def autoencoder(folder: Path, number: int) -> None:
    """Prints how many drawn scenes measure the same after encoding and decoding."""
    model, random = AutoencoderTiny.from_pretrained(folder), Random(1)
    held = 0
    for _ in range(number):
        (cells,) = draw_scene(random)[1]
        with torch.no_grad():
            decoded = model.decode(model.encode(pixels([cells])).latents).sample
        held += _facts(measure(_png(_pictures(decoded)[0]))) == _facts(scene_of(cells))
    _rate("scenes", held, number)


def generator(folder: Path, number: int, atoms: Sequence[int], steps: int, guidance: float, sheet: Path | None) -> None:
    """Prints the all-correct rate of one call by number of atoms, and how often each kind of atom holds."""
    pipe = _opened(folder)
    shown: list[Image.Image] = []
    for count in atoms:
        prompts = [_possible(Random(f"{count} {at}"), count) for at in range(number)]
        pictures: list[Image.Image] = []
        for start in range(0, number, _BATCH):
            texts = [str(prompt) for prompt in prompts[start : start + _BATCH]]
            noise = [torch.Generator().manual_seed(start + at) for at in range(len(texts))]
            made = pipe(texts, generator=noise, num_inference_steps=steps, guidance_scale=guidance)
            pictures += made.images
        held, kinds = 0, Counter[tuple[str, bool]]()
        for prompt, picture in zip(prompts, pictures, strict=True):
            checklist = prompt.checklist()
            checks = verdict(checklist, look(checklist, measure(_png(picture)))).checks
            held += all(check.passed for check in checks)
            kinds.update((str((check.data or {})["kind"]), bool(check.passed)) for check in checks)
        names = sorted({kind for kind, _ in kinds})
        told = ", ".join(f"{kind} {kinds[kind, True] / (kinds[kind, True] + kinds[kind, False]):.2f}" for kind in names)
        _rate(f"{count} atoms", held, number, told)
        shown += pictures[:12]
        if sheet:
            _sheet(shown, 12).save(sheet)


def editor(
    folder: Path,
    number: int,
    steps: int,
    guidance: float,
    image_guidance: float,
    sheet: Path | None,
    *,
    masked: bool = False,
) -> None:
    """Prints how often an instruction was followed, and how often all other objects stayed, by kind of instruction."""
    pipe, random = _opened(folder), Random(1)
    edits = [sample_edit(random) for _ in range(number)]
    if masked:
        edits = [edit for edit in edits if isinstance(edit[0], Remove)]
    number = len(edits)
    texts = [str(Remove(given.shape) if masked else given) for given, _, _ in edits]
    with torch.no_grad():
        cells = torch.tensor([was for _, _, was in edits])
        before = _pictures(pipe.vae.decoder(assemble(cells, codes(pipe.vae, sprites()))))
    made: list[Image.Image] = []
    for start in range(0, number, _BATCH):
        part = slice(start, start + _BATCH)
        made += pipe(
            texts[part],
            image=before[part],
            generator=[torch.Generator().manual_seed(start + at) for at in range(len(texts[part]))],
            num_inference_steps=steps,
            guidance_scale=guidance,
            image_guidance_scale=image_guidance,
        ).images
    if masked:
        made = [_masked(given, was, *pair) for (given, _, was), *pair in zip(edits, before, made, strict=True)]
    counts = Counter[tuple[str, str]]()
    for (instruction, _, was), picture in zip(edits, made, strict=True):
        found, old = measure(_png(picture)), scene_of(was)
        followed, kept = _followed(instruction, old, found), _kept(instruction, old, found)
        for kind in (type(instruction).__name__.lower(), "all"):
            counts.update({(kind, "n"): 1, (kind, "followed"): followed, (kind, "kept"): kept})
            counts[kind, "both"] += followed and kept
    for kind in ("add", "remove", "make", "move", "all"):
        for fact in ("followed", "kept", "both"):
            _rate(f"{kind} {fact}", counts[kind, fact], counts[kind, "n"])
    if sheet:
        _sheet([one for pair in zip(before[:48], made[:48], strict=True) for one in pair], 12).save(sheet)
        print("\n".join(texts[:48]))


def _masked(instruction: Instruction, was: Cells, before: Image.Image, made: Image.Image) -> Image.Image:
    """A picture that changed under a mask alone: over one object of the shape, or over all that go."""
    assert isinstance(instruction, Remove)
    boxes = [item.box for item in scene_of(was).of_shape(instruction.shape)]
    mask = mask_of(_png(before), boxes[:1] if instruction.one else boxes)
    return Image.open(io.BytesIO(kept_outside(_png(before), _png(made), mask)))


def _followed(instruction: Instruction, old: Scene, found: Scene) -> bool:
    """Whether the objects of the shape that the instruction speaks of are those that it asks for."""
    shape = instruction.group.shape if isinstance(instruction, Add) else instruction.shape
    was, now = _facts(Scene(old.of_shape(shape))), _facts(Scene(found.of_shape(shape)))
    match instruction:
        case Add(group, direction, other):
            new = [item for item in found.of_shape(shape) if not _facts(Scene((item,))) <= was]
            rules = [Placement(shape, direction, other)] if direction and other else []
            placed = all(rule.holds(Scene((*new, *found.of_shape(rule.other)))) for rule in rules)
            return was <= now and len(new) == group.count and all(map(group.fits, new)) and placed
        case Remove(_, one):
            return now < was and now.total() == (was.total() - 1 if one else 0)
        case Make(_, value):
            return now == Counter({(place, _changed(looks, value)): number for (place, looks), number in was.items()})
        case Move(_, direction, other):
            same = Counter(looks for _, looks in was.elements()) == Counter(looks for _, looks in now.elements())
            return same and Placement(shape, direction, other).holds(found)


def _changed(looks: str, value: str) -> str:
    kinds = next(kind for kind in (COLOURS, SIZES, TEXTURES) if value in kind)
    return " ".join(value if word in kinds else word for word in looks.split())


def _kept(instruction: Instruction, old: Scene, found: Scene) -> bool:
    """Whether the objects of all other shapes are the same as before."""
    shape = instruction.group.shape if isinstance(instruction, Add) else instruction.shape
    was, now = (_facts(Scene(tuple(item for item in scene.objects if item.shape != shape))) for scene in (old, found))
    return was == now


def _facts(scene: Scene) -> Counter[tuple[tuple[int, int], str]]:
    """Place on the grid, and looks, of each object."""
    return Counter(
        ((int(item.x * GRID), int(item.y * GRID)), f"{item.size} {item.texture} {item.colour} {item.shape}")
        for item in scene.objects
    )


def _rate(name: str, held: int, number: int, more: str = "") -> None:
    interval = wilson(held, number)
    print(
        f"{name}: {held}/{number} = {held / max(number, 1):.3f} ({interval.low:.3f} to {interval.high:.3f}) {more}",
        flush=True,
    )


def _opened(folder: Path) -> DiffusionPipeline:
    pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _possible(random: Random, atoms: int) -> ShapesPrompt:
    """A prompt that 16 places have room for."""
    while True:
        prompt = sample_prompt(random, atoms)
        if fulfil(prompt, random):
            return prompt


def _pictures(pixels: torch.Tensor) -> list[Image.Image]:
    whole = ((pixels.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(one) for one in whole]


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    sheet = Image.new("RGB", (columns * 100, -(-len(pictures) // columns) * 100), "grey")
    for at, picture in enumerate(pictures):
        sheet.paste(picture.resize((96, 96)), (at % columns * 100, at // columns * 100))
    return sheet
