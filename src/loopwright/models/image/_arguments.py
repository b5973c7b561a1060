"""From a request to the arguments of a pipeline of diffusers, and from what it paints to the picture asked for."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopwright.models.image._pixels import checked_mask, kept_outside, plain_picture, png
from loopwright.models.image._types import ImageRequest

if TYPE_CHECKING:
    from PIL.Image import Image

_FACTOR = 8
"""Width and height are multiples of it at least: some pipelines refuse others, whatever their decoder takes."""
_SEVERAL = ("EditPlusPipeline", "Flux2Pipeline", "Flux2KleinPipeline", "Flux2KleinKVPipeline", "QwenImage21Pipeline")
"""Ends of the names of pipelines that take several pictures as one; others take a list as a batch."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a request is painted on: its size, and what there is already."""

    size: tuple[int, int] | None = None
    """Width and height in pixels; None for the pipeline's own."""
    pictures: Sequence[bytes] = ()
    """Plain pictures; the first one has the size of the canvas."""
    mask: bytes | None = None
    """Grey PNG of that size."""

    @classmethod
    def of(cls, request: ImageRequest, pictures: Sequence[bytes], mask: bytes | None) -> Canvas:
        """Checks the pictures of a request, and brings the first one and its mask to the size that is asked for.

        Raises:
            ValueError: They cannot be used.
        """
        from PIL import Image

        plain = [plain_picture(data) for data in pictures]
        first = _opened(plain[0])
        mask = checked_mask(mask, first.size) if mask else None
        size = (request.width, request.height) if request.width and request.height else first.size
        if size != first.size:
            plain[0] = png(first.resize(size, Image.Resampling.LANCZOS))
            mask = png(_opened(mask).resize(size, Image.Resampling.NEAREST)) if mask else None
        return cls(size, plain, mask)

    def padded(self, picture: bytes, factor: int) -> Image:
        """A picture of the canvas with its right and lower border stretched to whole multiples of a factor."""
        opened = _opened(picture)
        padded = opened.resize(_multiple(opened.size, factor))
        padded.paste(opened)
        return padded

    def finish(self, painted: Image, factor: int) -> bytes:
        """What a pipeline painted, in the canvas's size, with what lies outside of the mask as it was."""
        painted = painted.convert("RGB")
        if self.size is not None:
            if painted.size != (padded := _multiple(self.size, factor)):
                painted = painted.resize(padded)
            painted = painted.crop((0, 0, *self.size))
        return kept_outside(self.pictures[0], png(painted), self.mask) if self.mask else png(painted)


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments of a pipeline's call."""

    given: Mapping[str, Any]
    left_out: tuple[str, ...] = field(default=())
    """Parameters of the request that the pipeline does not take."""
    factor: int = _FACTOR
    """What width and height are multiples of."""


def defaults(pipeline: Any) -> dict[str, Any]:
    """What the call of a pipeline takes, with the defaults."""
    signature = inspect.signature(type(pipeline).__call__)
    return {name: parameter.default for name, parameter in signature.parameters.items()}


def takes_several(pipeline: Any) -> bool:
    """Whether a pipeline works on several pictures together."""
    return type(pipeline).__name__.endswith(_SEVERAL)


def call_arguments(pipeline: Any, request: ImageRequest, canvas: Canvas) -> Arguments:
    """The arguments of one call, but for the generator and the callback."""
    takes = defaults(pipeline)
    factor = _factor(pipeline)
    asked: dict[str, tuple[str, Any]] = {"steps": ("num_inference_steps", request.steps)}
    asked |= _guidance(takes, request)
    given: dict[str, Any] = {"prompt": request.prompt}
    left_out = [] if "generator" in takes or request.seed is None else ["seed"]
    for name, (parameter, value) in asked.items():
        if parameter in takes:
            given |= {} if value is None else {parameter: value}
        elif getattr(request, name) not in {None, ""}:
            left_out.append(name)
    given |= _picture(takes, request, canvas, factor)
    return Arguments(given, tuple(sorted(left_out)), factor)


def _guidance(takes: Mapping[str, Any], request: ImageRequest) -> dict[str, tuple[str, Any]]:
    """Classifier-free guidance goes by two names, and `true_cfg_scale` works only beside a negative prompt."""
    true_scale = takes.get("true_cfg_scale")
    # Distilled models have a scale of their own, and leave the true one at 1.
    is_true = true_scale is not None and (true_scale > 1 or "guidance_scale" not in takes)
    negative = request.negative_prompt or (" " if is_true else None)
    without = true_scale is not None and not is_true
    return {
        "guidance": ("true_cfg_scale" if is_true else "guidance_scale", request.guidance),
        "negative_prompt": ("" if without else "negative_prompt", negative),
    }


def _picture(takes: Mapping[str, Any], request: ImageRequest, canvas: Canvas, factor: int) -> dict[str, Any]:
    """Pictures, mask, size and strength."""
    given: dict[str, Any] = {}
    if canvas.pictures:
        padded = [canvas.padded(picture, factor) for picture in canvas.pictures]
        given["image"] = padded if len(padded) > 1 else padded[0]
    if canvas.mask and "mask_image" in takes:
        given["mask_image"] = canvas.padded(canvas.mask, factor)
    # An editor by instructions chooses the size at which it works well, unless one is asked for.
    if canvas.size and "width" in takes and (request.width or not canvas.pictures or "strength" in takes):
        given["width"], given["height"] = _multiple(canvas.size, factor)
    if (strength := takes.get("strength")) and request.steps:
        # Fewer than one step of the share that is painted anew is an error.
        given["strength"] = min(1.0, max(strength, 1.001 / request.steps))
    return given


def _factor(pipeline: Any) -> int:
    processor = getattr(pipeline, "image_processor", None)
    return max(_FACTOR, int(processor.config.vae_scale_factor) if processor else 2 * _FACTOR)


def _multiple(size: tuple[int, int], factor: int) -> tuple[int, int]:
    width, height = (-(-side // factor) * factor for side in size)
    return width, height


def _opened(data: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(data))
