"""Models that must be in one place, such as weights on a GPU: each in a process of its own on a worker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from loopwright.cluster._answers import answered
from loopwright.cluster._driver import Worker
from loopwright.errors import LoopwrightError, ModelUnavailable
from loopwright.models import Model, ModelOptions, Reply, Request, open_model
from loopwright.models.image import ImageModel, ImageReply, ImageRequest, open_image_model

_pictures: ContextVar[dict[str, bytes]] = ContextVar("_pictures")
"""What the call under way reads and makes, by reference."""


@dataclass(frozen=True, slots=True)
class Painted:
    """What an image model made, with its pictures."""

    reply: ImageReply
    pictures: Mapping[str, bytes]


class ModelHost:
    """Holds a model, on a worker. Every method answers by a value: see `_answers`."""

    def __init__(self, name: str, folder: str) -> None:
        self._name = name
        self._options = ModelOptions(folder=Path(folder), artifact=_read, keep=_keep)
        self._incarnation = secrets.token_hex(8)
        self._model: Model | None = None
        self._images: ImageModel | None = None

    async def beat(self) -> str:
        """Says which life of this process answers."""
        return self._incarnation

    async def facts(self) -> None:
        """Nothing is asked of it."""

    async def clear(self) -> None:
        """Lets go of nothing: calls that nobody waits for end by themselves."""

    async def complete(self, request: Request) -> Any:
        """Answers a request: a `Reply`."""
        return await answered(self._complete(request))

    async def paint(
        self, kind: Literal["generate", "edit"], request: ImageRequest, pictures: Mapping[str, bytes]
    ) -> Any:
        """Makes pictures: `Painted`."""
        return await answered(self._paint(kind, request, pictures))

    async def _complete(self, request: Request) -> Reply:
        self._model = self._model or open_model(self._name, options=self._options)
        return await self._model.complete(request)

    async def _paint(self, kind: str, request: ImageRequest, pictures: Mapping[str, bytes]) -> Painted:
        self._images = self._images or open_image_model(self._name, options=self._options)
        known = dict(pictures)
        _pictures.set(known)
        reply: ImageReply = await getattr(self._images, kind)(request)
        return Painted(reply, {reference: known[reference] for reference in reply.images})


async def _read(reference: str) -> bytes:
    return _pictures.get()[reference]


async def _keep(data: bytes) -> str:
    reference = secrets.token_hex(16)
    _pictures.get()[reference] = data
    return reference


class _Placed:
    """What a model here and one on a worker have in common."""

    def __init__(self, here: Model | ImageModel, start: Callable[[], Awaitable[Worker]]) -> None:
        self.name = here.name
        self.repeatable = here.repeatable
        self.slots: int | None = getattr(here, "slots", None)
        self.endpoint = str(getattr(here, "endpoint", here.name))
        self._start = start
        self._worker: Worker | None = None
        self._starting = asyncio.Lock()
        self._failure: LoopwrightError | None = None
        """How the last start failed."""

    async def close(self) -> None:
        """Lets go of its process, which ends with the run."""
        if self._worker is not None:
            await self._worker.end()

    async def _there(self) -> Worker:
        """The process that holds it, started when it is first asked for.

        Raises:
            ModelUnavailable: Ray finds no place for it.
        """
        known = self._failure
        async with self._starting:
            if self._worker is None:
                if self._failure is not None and self._failure is not known:
                    # Who waited while others tried does not try as long again.
                    raise self._failure
                self._worker = await self._started()
            return self._worker

    async def _started(self) -> Worker:
        try:
            return await self._start()
        except LoopwrightError as error:
            self._failure = error
            raise
        except Exception as error:  # Ray's, or the time is over
            self._failure = ModelUnavailable(
                f"{self.name}: Ray started no process for it ({type(error).__name__})",
                remedy="If the cluster has GPUs, a diffusion pipeline needs one of its own: see `ray status`.",
            )
            raise self._failure from None


class PlacedModel(_Placed):
    """A chat model whose weights are on a worker; see `Model`."""

    async def complete(self, request: Request) -> Reply:
        """Answers a request; see `Model.complete`."""
        worker = await self._there()
        reply: Reply = await worker.ask("complete", request)
        return reply


class PlacedImages(_Placed):
    """An image model that is on a worker, while its pictures are here; see `ImageModel`."""

    def __init__(self, here: ImageModel, start: Callable[[], Awaitable[Worker]], options: ModelOptions) -> None:
        super().__init__(here, start)
        self._options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt; see `ImageModel.generate`."""
        return await self._painted("generate", request)

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes a picture; see `ImageModel.edit`."""
        return await self._painted("edit", request)

    async def _painted(self, kind: str, request: ImageRequest) -> ImageReply:
        assert self._options.artifact is not None
        assert self._options.keep is not None
        shown = (*request.images, *filter(None, (request.mask,)))
        pictures = {reference: await self._options.artifact(reference) for reference in shown}
        worker = await self._there()
        painted: Painted = await worker.ask("paint", kind, request, pictures)
        kept = [await self._options.keep(painted.pictures[reference]) for reference in painted.reply.images]
        return painted.reply.model_copy(update={"images": tuple(kept)})
