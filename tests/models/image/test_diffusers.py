"""Small pipelines that the tests save are loaded and asked by the code that runs large ones."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from loopwright.errors import MissingContent, ModelRejected, ModelUnavailable, UserError
from loopwright.models import ModelOptions
from loopwright.models.image import ImageModel, ImageReply, ImageRequest, open_image_model
from loopwright.models.image._arguments import Canvas, call_arguments

pytest.importorskip("torch", reason="torch is not installed: pip install 'loopwright[diffusers]'")
pytest.importorskip("diffusers", reason="diffusers is not installed: pip install 'loopwright[diffusers]'")

import diffusers

from tests.models.image import pipelines

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    # Of transformers and diffusers themselves.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


class Pictures:
    """Where a model's pictures are kept."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    async def keep(self, data: bytes) -> str:
        return self.put(data)

    async def artifact(self, reference: str) -> bytes:
        return self.data[reference]

    def put(self, data: bytes | Image.Image) -> str:
        if isinstance(data, Image.Image):
            out = io.BytesIO()
            data.save(out, "PNG")
            data = out.getvalue()
        reference = hashlib.sha256(data).hexdigest()
        self.data[reference] = data
        return reference

    def image(self, reply: ImageReply, index: int = 0) -> Image.Image:
        return Image.open(io.BytesIO(self.data[reply.images[index]]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`painter` paints, `editor` follows instructions."""
    folder = tmp_path_factory.mktemp("pipelines")
    pipelines.save(folder / "painter", "StableDiffusionPipeline")
    pipelines.save(folder / "editor", "StableDiffusionInstructPix2PixPipeline")
    return folder


@pytest.fixture
def pictures() -> Pictures:
    return Pictures()


@pytest.fixture
def options(folder: Path, pictures: Pictures) -> ModelOptions:
    return ModelOptions(folder=folder, artifact=pictures.artifact, keep=pictures.keep)


@pytest.fixture
async def painter(options: ModelOptions) -> AsyncIterator[ImageModel]:
    model = open_image_model("diffusers/painter", options=options)
    yield model
    await model.close()


@pytest.fixture
async def editor(options: ModelOptions) -> AsyncIterator[ImageModel]:
    model = open_image_model("diffusers/editor", options=options)
    yield model
    await model.close()


def ask(prompt: str = "a red cube", **fields: Any) -> ImageRequest:
    return ImageRequest.model_validate({"model": "diffusers/m", "prompt": prompt, "seed": 1, "steps": 3, **fields})


def scene(width: int = 32, height: int = 32) -> Image.Image:
    """A picture in which no two places are alike."""
    return Image.merge(
        "RGB",
        (
            Image.linear_gradient("L").resize((width, height)),
            Image.radial_gradient("L").resize((width, height)),
            Image.linear_gradient("L").rotate(90).resize((width, height)),
        ),
    )


async def test_same_request_gives_the_same_picture(painter: ImageModel, pictures: Pictures) -> None:
    first, second = await painter.generate(ask()), await painter.generate(ask())
    assert first.images == second.images
    assert first.seed_honoured
    assert pictures.image(first).size == (pipelines.SIDE, pipelines.SIDE)
    others = [await painter.generate(ask(**other)) for other in ({"prompt": "a dog"}, {"seed": 2}, {"steps": 4})]
    assert len({first.images, *(other.images for other in others)}) == 4


async def test_without_a_seed_pictures_differ(painter: ImageModel) -> None:
    first, second = await painter.generate(ask(seed=None)), await painter.generate(ask(seed=None))
    assert first.images != second.images
    assert not first.seed_honoured


async def test_pictures_of_one_request_are_those_of_the_following_seeds(painter: ImageModel) -> None:
    together = await painter.generate(ask(count=3))
    single = [await painter.generate(ask(seed=seed)) for seed in (1, 2, 3)]
    assert together.images == tuple(reply.images[0] for reply in single)


async def test_calls_at_the_same_time_give_the_pictures_of_one_at_a_time(
    painter: ImageModel, pictures: Pictures
) -> None:
    image = pictures.put(scene())
    asked = [ask(f"{seed} cats", seed=seed, steps=3 + seed % 3) for seed in range(4)]
    edits = [request.model_copy(update={"images": (image,)}) for request in asked]
    alone = [(await painter.generate(request)).images for request in asked]
    alone += [(await painter.edit(request)).images for request in edits]
    together = await asyncio.gather(*map(painter.generate, asked), *map(painter.edit, edits))
    assert [reply.images for reply in together] == alone
    assert len(set(alone)) == 8


async def test_models_of_one_folder_share_its_weights(painter: ImageModel, options: ModelOptions) -> None:
    other = open_image_model("diffusers/painter", options=options)
    first = await painter.generate(ask())
    assert (await other.generate(ask())).images == first.images
    await other.close()
    await other.close()
    assert (await painter.generate(ask())).images == first.images


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (48, 16)])
async def test_any_size_can_be_asked_for(painter: ImageModel, pictures: Pictures, size: tuple[int, int]) -> None:
    reply = await painter.generate(ask(width=size[0], height=size[1]))
    assert pictures.image(reply).size == size
    assert not reply.left_out


@pytest.mark.parametrize("model", ["painter", "editor"])
async def test_an_edited_picture_keeps_its_size(options: ModelOptions, pictures: Pictures, model: str) -> None:
    opened = open_image_model(f"diffusers/{model}", options=options)
    for size in ((32, 32), (45, 31)):
        reply = await opened.edit(ask("make it blue", images=(pictures.put(scene(*size)),)))
        assert pictures.image(reply).size == size
    larger = await opened.edit(ask("make it blue", images=(pictures.put(scene(45, 31)),), width=64, height=40))
    assert pictures.image(larger).size == (64, 40)
    await opened.close()


@pytest.mark.parametrize("model", ["painter", "editor"])
async def test_pixels_outside_of_a_mask_stay(options: ModelOptions, pictures: Pictures, model: str) -> None:
    opened = open_image_model(f"diffusers/{model}", options=options)
    before = scene(45, 31)
    mask = Image.new("L", before.size, 0)
    mask.paste(255, (10, 5, 30, 20))
    request = ask("a blue ball", images=(pictures.put(before),), mask=pictures.put(mask))
    after = pictures.image(await opened.edit(request))
    assert ImageChops.difference(before, after).getbbox() == (10, 5, 30, 20)
    await opened.close()


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
async def test_few_steps_still_change_a_picture(painter: ImageModel, pictures: Pictures, steps: int) -> None:
    reply = await painter.edit(ask(images=(pictures.put(scene()),), steps=steps))
    assert ImageChops.difference(scene(), pictures.image(reply)).getbbox()


async def test_guidance_and_negative_prompt_change_the_picture(painter: ImageModel) -> None:
    replies = [await painter.generate(ask(**fields)) for fields in ({}, {"guidance": 2}, {"negative_prompt": "a dog"})]
    assert len({reply.images for reply in replies}) == 3
    assert not any(reply.left_out for reply in replies)


async def test_cancelled_call_ends_after_its_step(painter: ImageModel) -> None:
    first = await painter.generate(ask())
    calls = [asyncio.ensure_future(painter.generate(ask(steps=1000, count=10))) for _ in range(4)]
    await asyncio.sleep(0.2)
    for call in calls:
        call.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*calls, return_exceptions=True))
    # All four slots are free again, although 10,000 steps were asked of each.
    assert (await painter.generate(ask())).images == first.images


async def test_call_that_takes_too_long_is_given_up(folder: Path, pictures: Pictures) -> None:
    options = ModelOptions(folder=folder, timeout=0.01, artifact=pictures.artifact, keep=pictures.keep)
    model = open_image_model("diffusers/painter", options=options)
    with pytest.raises(ModelUnavailable, match=r"no picture within 0\.01 s"):
        await model.generate(ask(steps=1000))
    await model.close()


async def test_editor_cannot_make_new_pictures(editor: ImageModel, pictures: Pictures) -> None:
    with pytest.raises(ModelRejected, match="cannot make new pictures"):
        await editor.generate(ask())
    image = pictures.put(scene())
    with pytest.raises(ModelRejected, match="several pictures together"):
        await editor.edit(ask(images=(image, image)))


async def test_what_is_no_picture_or_no_mask_is_told(painter: ImageModel, pictures: Pictures) -> None:
    with pytest.raises(UserError, match="no picture in PNG"):
        await painter.edit(ask(images=(pictures.put(b"<svg/>"),)))
    mask = pictures.put(Image.new("L", (16, 16)))
    with pytest.raises(UserError, match="the mask has 16x16 pixels, and the picture 32x32"):
        await painter.edit(ask(images=(pictures.put(scene()),), mask=mask))
    with pytest.raises(UserError, match="no picture to edit"):
        await painter.edit(ask())


@contextmanager
def little_memory(more: int) -> Iterator[None]:
    """This process can take so many bytes more, not what the machine has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


async def test_no_memory_for_the_size_is_told(painter: ImageModel) -> None:
    first = await painter.generate(ask())
    with (
        little_memory(300_000_000),
        pytest.raises(ModelRejected, match="no memory for a picture of 8192x4096") as told,
    ):
        await painter.generate(ask(width=8192, height=4096))
    assert "smaller size" in told.value.remedy
    assert (await painter.generate(ask())).images == first.images


async def test_hidden_pictures_are_blocked(tmp_path: Path, options: ModelOptions, pictures: Pictures) -> None:
    pipelines.save(tmp_path / "prude", "StableDiffusionPipeline", **pipelines.strict_checker())
    model = open_image_model(f"diffusers/{tmp_path / 'prude'}", options=options)
    reply = await model.generate(ask(count=2))
    assert not reply.images
    assert "safety checker" in reply.blocked
    assert not pictures.data
    await model.close()


def test_folder_that_is_not_there_is_told_without_a_download(options: ModelOptions) -> None:
    with pytest.raises(MissingContent, match="no folder") as told:
        open_image_model("diffusers/nobody/nothing", options=options)
    assert "hf download nobody/nothing" in told.value.remedy
    with pytest.raises(MissingContent, match="no folder"):
        open_image_model("diffusers/./not/here/at/all", options=options)


def test_folder_without_weights_is_told(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder / "painter", tmp_path / "copy")
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    pickled = weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(MissingContent, match="pickled ones are not loaded"):
        open_image_model(f"diffusers/{copy}")
    pickled.unlink()
    with pytest.raises(MissingContent, match="unet has no weights"):
        open_image_model(f"diffusers/{copy}")
    (copy / "model_index.json").unlink()
    with pytest.raises(MissingContent, match=r"model_index\.json is not there"):
        open_image_model(f"diffusers/{copy}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"_class_name": ["own", "Own"]}, "brings its own code"),
        ({"unet": ["antigravity", "Own"]}, "names the library 'antigravity'"),
        ({"_class_name": "NoSuchPipeline"}, "cannot be loaded"),
    ],
)
async def test_code_of_a_folder_is_never_run(
    folder: Path, tmp_path: Path, options: ModelOptions, change: dict[str, Any], said: str
) -> None:
    copy = shutil.copytree(folder / "painter", tmp_path / "copy")
    (copy / "own.py").write_text("raise SystemExit('run')")
    index = copy / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), **change}))
    with pytest.raises(UserError, match=said):
        await open_image_model(f"diffusers/{copy}", options=options).generate(ask())


async def test_broken_weights_are_told(folder: Path, tmp_path: Path, options: ModelOptions) -> None:
    copy = shutil.copytree(folder / "painter", tmp_path / "copy")
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    model = open_image_model(f"diffusers/{copy}", options=options)
    with pytest.raises(UserError, match="cannot be loaded"):
        await model.generate(ask())
    await model.close()


@pytest.mark.parametrize(
    ("kind", "given", "left_out"),
    [
        ("StableDiffusionPipeline", {"guidance_scale": 5.0, "negative_prompt": "a dog"}, ()),
        ("QwenImagePipeline", {"true_cfg_scale": 5.0, "negative_prompt": "a dog"}, ()),
        ("QwenImage21Pipeline", {"true_cfg_scale": 5.0, "negative_prompt": "a dog"}, ()),
        # Its scale is a distilled one, beside which a negative prompt does nothing.
        ("FluxPipeline", {"guidance_scale": 5.0}, ("negative_prompt",)),
        ("Flux2Pipeline", {"guidance_scale": 5.0}, ("negative_prompt",)),
        ("Flux2KleinKVPipeline", {}, ("guidance", "negative_prompt")),
    ],
)
def test_guidance_goes_by_the_name_that_a_pipeline_has(
    kind: str, given: dict[str, Any], left_out: tuple[str, ...]
) -> None:
    pipeline = object.__new__(getattr(diffusers, kind))
    arguments = call_arguments(pipeline, ask(guidance=5, negative_prompt="a dog"), Canvas())
    assert arguments.given == {"prompt": "a red cube", "num_inference_steps": 3, **given}
    assert arguments.left_out == left_out


def test_true_guidance_gets_an_empty_negative_prompt() -> None:
    arguments = call_arguments(object.__new__(diffusers.QwenImagePipeline), ask(), Canvas())
    assert arguments.given["negative_prompt"] == " "
