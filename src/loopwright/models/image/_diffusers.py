"""`diffusers/...`: a diffusion pipeline that runs in this process."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from loopwright.errors import ModelError, ModelRejected, ModelUnavailable, UserError
from loopwright.models._options import ModelOptions
from loopwright.models.image._arguments import Canvas, call_arguments, defaults, takes_several
from loopwright.models.image._pipelines import Engine, Source, Tasks, enter, find_pipeline, leave
from loopwright.models.image._types import ImageReply, ImageRequest

_NO_MEMORY = re.compile(r"out of memory|(not enough|allocate) memory", re.IGNORECASE)


class _Stopped(Exception):
    """Nobody waits for the picture any more."""


@dataclass(slots=True)
class _Watch:
    """What ends a call between two denoising steps."""

    timeout: float
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()

    def check(self) -> None:
        if self.stop.is_set():
            raise _Stopped
        if time.monotonic() > self.started + self.timeout:
            raise TimeoutError

    def after_step(self, _pipeline: object, _step: int, _time: object, tensors: dict[str, Any]) -> dict[str, Any]:
        self.check()
        return tensors


@dataclass(frozen=True, slots=True)
class _Painted:
    """What a thread made."""

    pictures: list[bytes]
    left_out: tuple[str, ...]
    seconds: float


class Diffusers:
    """A pipeline of diffusers in this process.

    The weights are loaded at the first call and shared by all models of the same settings. Each call has a scheduler
    and a generator of its own, so that equal requests get equal pictures, whatever is worked on beside them. Picture
    number i of a request is that of the seed plus i.

    Attributes:
        name: `diffusers/model`.
        slots: How many requests are worked on at the same time; on a GPU they wait for each other.
        endpoint: The pipeline's folder, for the circuit breaker.
    """

    repeatable = True
    in_process = True

    def __init__(self, source: Source, *, name: str, options: ModelOptions) -> None:
        """Makes a model from a folder; nothing is loaded yet.

        Args:
            source: The folder, from `find_pipeline`.
            name: `provider/model` that it goes by.
            options: Timeout, and how pictures are read and stored.
        """
        self.name = name
        self.slots = source.slots
        self.endpoint = str(source.folder)
        self._source = source
        self._options = options
        self._engine: Engine | None = None
        self._loading = asyncio.Lock()

    @classmethod
    def open(cls, model: str, options: ModelOptions, *, name: str = "") -> Diffusers:
        """Finds the pipeline at a path, or in the cache of the Hugging Face Hub.

        Args:
            model: The path of a folder, or an identifier.
            options: Settings.
            name: What the model goes by; `diffusers/model` if empty.

        Raises:
            MissingContent: There is none, or it has no weights in safetensors.
            MissingExtra: A library is not installed.
        """
        name = name or f"diffusers/{model}"
        return cls(find_pipeline(model, options, name), name=name, options=options)

    async def generate(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt, waiting for a slot.

        Raises:
            ModelRejected: The pipeline cannot do it, or memory does not suffice.
            ModelUnavailable: It took longer than the timeout.
            UserError: The pipeline cannot be loaded.
        """
        size = (request.width, request.height) if request.width and request.height else None
        return await self._answer(request, Canvas(size))

    async def edit(self, request: ImageRequest) -> ImageReply:
        """Changes a picture as the prompt says, waiting for a slot. Pixels outside of a mask stay as they are.

        Raises:
            ModelRejected: The pipeline cannot do it, or memory does not suffice.
            ModelUnavailable: It took longer than the timeout.
            UserError: A picture or the mask cannot be used, or the pipeline cannot be loaded.
        """
        if not request.images:
            raise UserError(f"{self.name}: there is no picture to edit", remedy="Ask it to generate one.")
        assert self._options.artifact is not None
        data = [await self._options.artifact(reference) for reference in request.images]
        mask = await self._options.artifact(request.mask) if request.mask else None
        try:
            canvas = await asyncio.to_thread(Canvas.of, request, data, mask)
        except ValueError as error:
            remedy = "Hand in whole pictures in PNG, JPEG, GIF or WebP, and a mask of the first one's size."
            raise UserError(f"{self.name}: {error}", remedy=remedy) from None
        return await self._answer(request, canvas)

    async def close(self) -> None:
        """Lets go of the weights; the last user frees them."""
        if self._engine is not None:
            self._engine = None
            await asyncio.to_thread(leave, self._source)

    async def _answer(self, request: ImageRequest, canvas: Canvas) -> ImageReply:
        async with self._loading:
            if self._engine is None:
                self._engine = await asyncio.to_thread(enter, self._source, self.name)
            engine = self._engine
        watch = _Watch(self._options.timeout)
        work = asyncio.get_running_loop().run_in_executor(engine.pool, self._paint, engine, request, canvas, watch)
        try:
            painted = await work
        finally:
            watch.stop.set()
        assert self._options.keep is not None
        return ImageReply(
            images=tuple([await self._options.keep(picture) for picture in painted.pictures]),
            blocked="" if painted.pictures else f"the safety checker of {self.name} hid what it made",
            model=self._source.folder.name,
            seed_honoured=request.seed is not None and "seed" not in painted.left_out,
            left_out=painted.left_out,
            seconds=painted.seconds,
        )

    def _paint(self, engine: Engine, request: ImageRequest, canvas: Canvas, watch: _Watch) -> _Painted:
        """Runs in a thread of the pool."""
        import torch

        shared = self._pipeline(engine.tasks, canvas)
        if not torch.cuda.is_available():
            torch.set_num_threads(engine.threads)
        arguments = call_arguments(shared, request, canvas)
        stops = {"callback_on_step_end": watch.after_step} if "callback_on_step_end" in defaults(shared) else {}
        seed = secrets.randbits(63) if request.seed is None else request.seed
        pictures: list[bytes] = []
        watch.start()
        try:
            for number in range(request.count):
                watch.check()
                # Noise is made on the CPU, so that it does not depend on the device.
                noise = (
                    {} if "seed" in arguments.left_out else {"generator": torch.Generator().manual_seed(seed + number)}
                )
                with engine.pipeline(shared) as pipeline:
                    made = pipeline(**arguments.given, **noise, **stops)
                if not any(getattr(made, "nsfw_content_detected", None) or ()):
                    pictures.append(canvas.finish(made.images[0], arguments.factor))
        except _Stopped:
            raise
        except Exception as error:
            raise self._error(error, canvas) from error
        return _Painted(pictures, arguments.left_out, time.monotonic() - watch.started)

    def _pipeline(self, tasks: Tasks, canvas: Canvas) -> Any:
        if not canvas.pictures:
            able, what = tasks.generate, "make new pictures"
        elif canvas.mask:
            able, what = tasks.inpaint, "edit pictures"
        else:
            able, what = tasks.edit, "edit pictures without a mask"
        if len(canvas.pictures) > 1 and not (able and takes_several(able)):
            able, what = None, "work on several pictures together"
        if able is None:
            raise ModelRejected(f"{self.name} cannot {what}", remedy="Use another model for this.")
        return able

    def _error(self, error: Exception, canvas: Canvas) -> ModelError:
        """Says what a library's exception means."""
        if isinstance(error, TimeoutError):
            return ModelUnavailable(f"{self.name}: no picture within {self._options.timeout:g} s")
        # The classes differ by device: MemoryError, torch.OutOfMemoryError, and RuntimeError of the CPU's allocator.
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            size = "x".join(map(str, canvas.size)) if canvas.size else "its own size"
            said = f"{self.name}: there is no memory for a picture of {size}"
            return ModelRejected(said, remedy="Ask for a smaller size.")
        return ModelRejected(f"{self.name}: {type(error).__name__}: {error}")
