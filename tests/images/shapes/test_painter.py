"""The painter: faults at set rates, the same ones for the same seed, and nothing else."""

from __future__ import annotations

import hashlib
import io
import sys
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from loopwright.errors import MissingContent, MissingExtra, ModelRejected
from loopwright.images.looking import PixelVerifier
from loopwright.images.shapes import (
    FaultRates,
    Painter,
    Scene,
    SceneObject,
    measure,
    open_painter,
    paint,
    parse_instruction,
    parse_prompt,
    render,
    repaint,
    sample_prompt,
)
from loopwright.models import ModelOptions
from loopwright.models.image import ImageModel, ImageRequest, open_image_model

NEVER = {"omit": 0.0, "swap": 0.0, "miscount": 0.0, "misplace": 0.0, "fail": 0.0, "damage": 0.0}
SCENE = Scene(
    (
        SceneObject("circle", "red", "plain", 0.2, 0.2, 0.085),
        SceneObject("square", "blue", "plain", 0.7, 0.7, 0.14),
    )
)


class _Pictures:
    """Keeps pictures by their hash."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def keep(self, data: bytes) -> str:
        reference = hashlib.sha256(data).hexdigest()
        self.kept[reference] = data
        return reference

    async def artifact(self, reference: str) -> bytes:
        return self.kept[reference]

    def painter(self, model: str) -> Painter:
        return open_painter(model, ModelOptions(artifact=self.artifact, keep=self.keep))

    async def made(self, painter: Painter, prompt: str, seed: int, *images: str, mask: str | None = None) -> str:
        request = ImageRequest(model=painter.name, prompt=prompt, seed=seed, images=images, mask=mask)
        reply = await (painter.edit(request) if images else painter.generate(request))
        return reply.images[0]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 7))
def test_without_faults_every_prompt_holds(seed: int, atoms: int) -> None:
    prompt = sample_prompt(Random(seed), atoms)
    scene = paint(prompt, FaultRates(**NEVER), Random(seed))
    wanted = sum(group.count for group in prompt.groups)
    assert prompt.holds(scene) or len(scene.objects) < wanted  # there was no room


@pytest.mark.parametrize(
    ("fault", "prompt", "drawn"),
    [
        ("omit", "a circle", "no circle"),
        ("omit", "no circle", "a circle"),
        ("swap", "a small circle", "a large circle"),
        ("swap", "a red circle and a blue square", "a blue circle and a red square"),
        ("misplace", "a circle above a square", "a circle below a square"),
    ],
)
def test_a_certain_fault_is_drawn(fault: str, prompt: str, drawn: str) -> None:
    scene = paint(parse_prompt(prompt), FaultRates(**{**NEVER, fault: 1.0}), Random(0))
    assert parse_prompt(drawn).holds(scene)
    assert not parse_prompt(prompt).holds(scene)


def test_a_number_is_one_off() -> None:
    rates = FaultRates(**{**NEVER, "miscount": 1.0})
    counts = {len(paint(parse_prompt("three circles"), rates, Random(seed)).objects) for seed in range(20)}
    assert counts == {2, 4}


def test_a_rate_is_met() -> None:
    rates = FaultRates(**{**NEVER, "omit": 0.3})
    drawn = sum(len(paint(parse_prompt("a circle"), rates, Random(seed)).objects) for seed in range(2000))
    assert 1400 - 82 < drawn < 1400 + 82  # four deviations


@pytest.mark.parametrize("instruction", ["remove the circle", "make the circle large", "add a star"])
def test_an_edit_can_fail_and_damage(instruction: str) -> None:
    read = parse_instruction(instruction)
    assert repaint(read, SCENE, FaultRates(**{**NEVER, "fail": 1.0}), Random(0)) == SCENE
    damaged = repaint(read, SCENE, FaultRates(**{**NEVER, "damage": 1.0}), Random(0))
    left_alone = [item for item in SCENE.objects if item.shape == "square" or instruction == "add a star"]
    assert not set(left_alone) <= set(damaged.objects)


@pytest.mark.anyio
async def test_the_same_seed_gives_the_same_picture() -> None:
    pictures = _Pictures()
    painter = pictures.painter("default")
    assert isinstance(painter, ImageModel)
    prompt = "two red circles left of a blue square and a star"
    first = [await pictures.made(painter, prompt, seed) for seed in range(5)]
    assert [await pictures.made(pictures.painter("default"), prompt, seed) for seed in range(5)] == first
    assert len(set(first)) == 5


@pytest.mark.anyio
async def test_what_it_draws_can_be_measured_and_edited() -> None:
    pictures = _Pictures()
    painter = pictures.painter("exact")
    drawn = await pictures.made(painter, "a red circle left of a blue square", 1)
    assert parse_prompt("a red circle left of a blue square").holds(measure(pictures.kept[drawn]))
    edited = await pictures.made(painter, "make the circle green", 1, drawn)
    assert parse_prompt("a green circle left of a blue square").holds(measure(pictures.kept[edited]))


@pytest.mark.anyio
async def test_outside_the_mask_nothing_changes() -> None:
    pictures = _Pictures()
    drawn = await pictures.keep(render(SCENE))
    masks = {colour: io.BytesIO() for colour in ("black", "white")}
    for colour, out in masks.items():
        Image.new("L", (64, 64), colour).save(out, "PNG")
    black, white = [await pictures.keep(out.getvalue()) for out in masks.values()]
    painter = pictures.painter("exact")
    assert await pictures.made(painter, "remove the circle", 1, drawn, mask=black) == drawn
    assert await pictures.made(painter, "remove the circle", 1, drawn, mask=white) != drawn


@pytest.mark.anyio
@pytest.mark.parametrize("prompt", ["a cat", "a red circle on a table"])
async def test_other_prompts_are_refused(prompt: str) -> None:
    pictures = _Pictures()
    with pytest.raises(ModelRejected, match="cannot stand there") as error:
        await pictures.made(pictures.painter("default"), prompt, 1)
    assert error.value.parameter == "prompt"


@pytest.mark.parametrize("model", ["omit=2", "omit", "speed=0.1", ""])
def test_rates_that_are_none_are_refused(model: str) -> None:
    with pytest.raises(MissingContent, match="there is no painter") as error:
        open_painter(model, ModelOptions())
    assert "omit, swap, miscount" in error.value.remedy


def test_it_opens_by_its_name() -> None:
    assert open_image_model("painter/omit=0.5").name == "painter/omit=0.5"


def test_a_missing_library_is_told_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingExtra, match="Pillow"):
        open_painter("exact", ModelOptions())
    with pytest.raises(MissingExtra, match="Pillow"):
        PixelVerifier()
