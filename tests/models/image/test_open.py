"""Image models are found by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loopwright.errors import MissingContent, MissingExtra, UserError
from loopwright.models import ModelOptions
from loopwright.models.image import ImageModel, ImageReply, ImageRequest, open_image_model

OWN = """
from loopwright.models.image import ImageReply

class Grey:
    name = "grey"
    repeatable = True
    async def generate(self, request):
        return ImageReply(images=("0" * 64,), model=self.name)
    async def edit(self, request):
        return await self.generate(request)
    async def close(self):
        pass

class NoEdit:
    name = "no"
    repeatable = True
    async def generate(self, request): ...
    async def close(self): ...
"""


@pytest.fixture
def options(tmp_path: Path) -> ModelOptions:
    (tmp_path / "own_image_models.py").write_text(OWN)
    return ModelOptions(folder=tmp_path)


def test_model_of_ones_own_is_found_by_import_path(options: ModelOptions) -> None:
    assert isinstance(open_image_model("own_image_models:Grey", options=options), ImageModel)


def test_what_lacks_a_method_is_refused(options: ModelOptions) -> None:
    with pytest.raises(UserError, match="`edit`"):
        open_image_model("own_image_models:NoEdit", options=options)


def test_unknown_provider_is_told() -> None:
    with pytest.raises(MissingContent, match="no provider 'nobody'"):
        open_image_model("nobody/paints")


@pytest.mark.parametrize("library", ["torch", "diffusers"])
def test_missing_extra_is_named(library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(MissingExtra, match=library) as told:
        open_image_model(f"diffusers/{tmp_path}")
    assert "pip install 'loopwright[diffusers]'" in told.value.remedy


def test_model_of_the_package_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    with pytest.raises(MissingExtra, match="local/shapes needs") as told:
        open_image_model("local/shapes")
    assert "pip install 'loopwright[diffusers]'" in told.value.remedy


def test_unknown_model_of_the_package_is_told() -> None:
    with pytest.raises(MissingContent, match="no image model local/cats") as told:
        open_image_model("local/cats")
    assert "local/shapes" in told.value.remedy


def test_mask_needs_a_picture() -> None:
    with pytest.raises(ValueError, match="a mask needs a picture"):
        ImageRequest(model="a/b", prompt="a cat", mask="0" * 64)


def test_reply_without_pictures_says_why() -> None:
    with pytest.raises(ValueError, match="says why"):
        ImageReply(model="b")
    assert ImageReply(model="b", blocked="its filter").blocked
