"""The trained models of the package are loaded, draw, and edit."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import ModelRejected
from loopwright.images.shapes import Scene, measure, parse_prompt
from loopwright.models import ModelOptions
from loopwright.models.image import ImageModel, ImageRequest, open_image_model

pytest.importorskip("torch", reason="torch is not installed: pip install 'loopwright[diffusers]'")
pytest.importorskip("diffusers", reason="diffusers is not installed: pip install 'loopwright[diffusers]'")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    # Of transformers and diffusers themselves.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

PROMPTS = ("a red circle", "a blue square", "a green triangle and a star", "two yellow rings")


class Pictures(dict[str, bytes]):
    """Where a model's pictures are kept."""

    async def keep(self, data: bytes) -> str:
        reference = hashlib.sha256(data).hexdigest()
        self[reference] = data
        return reference

    async def artifact(self, reference: str) -> bytes:
        return self[reference]


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures()


@pytest.fixture(scope="module")
async def model(pictures: Pictures) -> AsyncIterator[ImageModel]:
    opened = open_image_model(
        "local/shapes", options=ModelOptions(artifact=pictures.artifact, keep=pictures.keep, threads=4)
    )
    yield opened
    await opened.close()


def ask(prompt: str, **fields: Any) -> ImageRequest:
    return ImageRequest.model_validate({"model": "local/shapes", "prompt": prompt, "seed": 1, **fields})


async def test_prompts_are_drawn_as_they_say(model: ImageModel, pictures: Pictures) -> None:
    """One picture can be wrong on another machine; of three seeds for each prompt, half are right at least."""
    asked = [(prompt, seed) for prompt in PROMPTS for seed in range(3)]
    replies = [await model.generate(ask(prompt, seed=seed)) for prompt, seed in asked]
    scenes = [measure(pictures[reply.images[0]]) for reply in replies]
    held = [parse_prompt(prompt).holds(scene) for (prompt, _), scene in zip(asked, scenes, strict=True)]
    assert sum(held) >= len(held) / 2


async def test_four_at_once_are_those_of_one_at_a_time(model: ImageModel) -> None:
    together = await asyncio.gather(*(model.generate(ask(prompt)) for prompt in PROMPTS))
    single = [await model.generate(ask(prompt)) for prompt in PROMPTS]
    assert [reply.images for reply in together] == [reply.images for reply in single]
    assert len({reply.images for reply in single}) == len(PROMPTS)
    assert all(reply.seed_honoured and reply.model == "shapes" and not reply.left_out for reply in single)


async def test_instructions_change_what_they_name(model: ImageModel, pictures: Pictures) -> None:
    """A picture with one object loses it, or changes its colour: of four seeds, two do at least."""
    before = await _drawn(model, pictures, "a red circle")
    kinds: dict[str, Callable[[Scene], bool]] = {
        "Remove the circle": lambda scene: not scene.of_shape("circle"),
        "Make the circle green": lambda scene: [item.colour for item in scene.objects] == ["green"],
    }
    for instruction, expected in kinds.items():
        said = f"{instruction}. Keep everything else as it is."
        replies = [await model.edit(ask(said, images=(before,), seed=seed)) for seed in range(4)]
        scenes: list[Scene] = [measure(pictures[reply.images[0]]) for reply in replies]
        assert sum(expected(scene) for scene in scenes) >= 2, instruction


async def _drawn(model: ImageModel, pictures: Pictures, prompt: str) -> str:
    """A picture that shows the prompt, of the first seed that makes one."""
    for seed in range(20):
        (picture,) = (await model.generate(ask(prompt, seed=seed))).images
        scene = measure(pictures[picture])
        if parse_prompt(prompt).holds(scene) and len(scene.objects) == 1:
            return picture
    pytest.fail(f"20 pictures of {prompt!r} were all wrong")


async def test_other_sizes_are_refused(model: ImageModel) -> None:
    with pytest.raises(ModelRejected, match="64 x 64"):
        await model.generate(ask("a red circle", width=512, height=512))


def test_weights_of_both_models_take_12_megabytes_at_most(repository: Path) -> None:
    folder = repository / "src/loopwright/models/image/shapes"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 12_000_000
