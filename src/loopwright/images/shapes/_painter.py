"""The image model `painter/...`: draws prompts and follows instructions about shapes, with faults at set rates.

It measures the picture that it edits instead of remembering what it drew: so it edits any picture of shapes, also after
a restart. What an instruction does not concern keeps its pixels.
"""

from __future__ import annotations

import time
from dataclasses import fields
from random import Random, SystemRandom
from typing import TYPE_CHECKING, TypeVar

from loopwright.errors import MissingContent, ModelRejected
from loopwright.images.shapes._instruction import parse_instruction
from loopwright.images.shapes._measure import measure
from loopwright.images.shapes._paint import FaultRates, paint, repaint
from loopwright.images.shapes._prompt import parse_prompt
from loopwright.images.shapes._render import redraw, render
from loopwright.models import ModelOptions, needs_pillow
from loopwright.models.image import ImageReply, ImageRequest

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDE = 64
_Read = TypeVar("_Read")


class Painter:
    """An image model for pictures of shapes."""

    repeatable = True

    def __init__(self, name: str, rates: FaultRates, options: ModelOptions) -> None:
        """Makes a painter.

        Args:
            name: `painter/...`.
            rates: How often it errs.
            options: `artifact` and `keep` reach the pictures.
        """
        self.name = name
        self._rates = rates
        self._options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Draws a prompt.

        Raises:
            ModelRejected: The prompt is not of the grammar, or the size is no square.
        """
        side = request.width or _SIDE
        if request.height not in (None, side):
            raise ModelRejected(f"{self.name} draws squares", parameter="size", remedy="Ask for width = height.")
        prompt = _of_grammar(parse_prompt, request.prompt)
        return await self._reply(request, lambda random: render(paint(prompt, self._rates, random), side))

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Follows the first sentence of an instruction; outside a mask nothing changes.

        Raises:
            ModelRejected: The instruction is not of the grammar, or there is no picture to edit.
        """
        instruction = _of_grammar(parse_instruction, request.prompt.partition(". ")[0])
        if not request.images:
            raise ModelRejected(f"{self.name}: there is no picture to edit", parameter="images")
        picture = await self._load(request.images[0])
        mask = await self._load(request.mask) if request.mask else None
        before = measure(picture)

        def changed(random: Random) -> bytes:
            after = repaint(instruction, before, self._rates, random)
            return redraw(picture, before, after, mask)

        return await self._reply(request, changed)

    async def close(self) -> None:
        """Nothing is to be freed."""

    async def _reply(self, request: ImageRequest, draw: Callable[[Random], bytes]) -> ImageReply:
        started = time.monotonic()
        if self._options.keep is None:
            raise MissingContent(f"{self.name} has no place for its pictures", remedy="Pass ModelOptions(keep=...).")
        seed = SystemRandom().getrandbits(62) if request.seed is None else request.seed
        told = f"{request.prompt} {request.images} {seed}"
        pictures = [draw(Random(f"{told} {number}")) for number in range(request.count)]
        ignored = {"steps": request.steps, "guidance": request.guidance, "negative_prompt": request.negative_prompt}
        return ImageReply(
            images=tuple([await self._options.keep(picture) for picture in pictures]),
            model=self.name,
            seed_honoured=request.seed is not None,
            left_out=tuple(name for name, value in ignored.items() if value),
            seconds=time.monotonic() - started,
        )

    async def _load(self, reference: str) -> bytes:
        if self._options.artifact is None:
            raise MissingContent(f"{self.name} cannot read pictures", remedy="Pass ModelOptions(artifact=...).")
        return await self._options.artifact(reference)


def _of_grammar(read: Callable[[str], _Read], text: str) -> _Read:
    try:
        return read(text)
    except ValueError as error:
        raise ModelRejected(str(error), parameter="prompt", remedy="The painter knows its own grammar alone.") from None


def open_painter(model: str, options: ModelOptions) -> Painter:
    """Opens a painter.

    Args:
        model: `default`, or rates such as `omit=0.2,swap=0`; those left out keep their defaults. `exact` never errs.
        options: `artifact` and `keep` reach the pictures.

    Raises:
        MissingContent: There is no such rate, or it is not from 0 to 1.
        MissingExtra: Pillow is not installed.
    """
    names = [part.name for part in fields(FaultRates)]
    try:
        if model == "exact":
            rates = FaultRates(**dict.fromkeys(names, 0.0))
        else:
            given = [part.partition("=") for part in model.split(",") if model != "default"]
            rates = FaultRates(**{name.strip(): float(value) for name, _, value in given})
    except (TypeError, ValueError) as error:
        raise MissingContent(
            f"there is no painter {model!r}: {error}",
            remedy=f"Write `painter/default`, `painter/exact`, or rates: {', '.join(names)}, such as omit=0.2,swap=0.",
        ) from None
    needs_pillow(f"painter/{model} draws pictures")
    return Painter(f"painter/{model}", rates, options)
