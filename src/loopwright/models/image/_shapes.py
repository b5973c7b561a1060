"""`local/shapes`: the small diffusion models of coloured shapes that are part of the package."""

from __future__ import annotations

from pathlib import Path

from loopwright.errors import MissingContent, ModelRejected
from loopwright.models._options import ModelOptions
from loopwright.models.image._diffusers import Diffusers
from loopwright.models.image._types import ImageReply, ImageRequest

_NAME = "local/shapes"
_WEIGHTS = Path(__file__).with_name("shapes")
_SIDE = 64
_STEPS = 20
_GENERATOR_GUIDANCE = 2.0
_EDITOR_GUIDANCE = 5.0


class Shapes:
    """A generator and an editor of pictures of 64 x 64 pixels. They know the prompts and instructions of shapes.

    Attributes:
        name: `local/shapes`.
        slots: How many requests are worked on at the same time.
        endpoint: The generator's folder, for the circuit breaker.
    """

    repeatable = True

    def __init__(self, generator: Diffusers, editor: Diffusers) -> None:
        """Makes one model of two.

        Args:
            generator: Makes new pictures.
            editor: Follows instructions.
        """
        self.name = _NAME
        self.slots, self.endpoint = generator.slots, generator.endpoint
        self._generator, self._editor = generator, editor

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt.

        Raises:
            ModelRejected: Another size than 64 x 64 is asked for.
            ModelUnavailable: It took longer than the timeout.
        """
        return _named(await self._generator.generate(_settled(request, _GENERATOR_GUIDANCE)))

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes a picture as the instruction says. Pixels outside of a mask stay as they are.

        Raises:
            ModelRejected: Another size than 64 x 64 is asked for.
            ModelUnavailable: It took longer than the timeout.
            UserError: A picture or the mask cannot be used.
        """
        return _named(await self._editor.edit(_settled(request, _EDITOR_GUIDANCE)))

    async def close(self) -> None:
        """Lets go of the weights."""
        await self._generator.close()
        await self._editor.close()


def open_local(model: str, options: ModelOptions) -> Shapes:
    """Opens an image model of the package.

    Args:
        model: `shapes`.
        options: Settings, as those of `diffusers/...`.

    Raises:
        MissingContent: There is no such model.
        MissingExtra: A library is not installed.
    """
    if model != "shapes":
        raise MissingContent(
            f"there is no image model local/{model}",
            remedy=f"The one in the package is {_NAME}. A pipeline in a folder of your own is diffusers/FOLDER.",
        )
    generator, editor = (Diffusers.open(str(_WEIGHTS / part), options, name=_NAME) for part in ("generator", "editor"))
    return Shapes(generator, editor)


def _settled(request: ImageRequest, guidance: float) -> ImageRequest:
    """The request with the settings that the models were measured with, where it leaves them open."""
    if (request.width or _SIDE, request.height or _SIDE) != (_SIDE, _SIDE):
        raise ModelRejected(
            f"{_NAME} makes pictures of {_SIDE} x {_SIDE} pixels", parameter="size", remedy="Ask for no size."
        )
    guidance = guidance if request.guidance is None else request.guidance
    settled = {"width": _SIDE, "height": _SIDE, "steps": request.steps or _STEPS, "guidance": guidance}
    return request.model_copy(update=settled)


def _named(reply: ImageReply) -> ImageReply:
    return reply.model_copy(update={"model": "shapes"})
