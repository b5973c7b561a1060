"""Where the sandboxes of a run are opened, and where models compute that need a machine."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from loopwright.models import Model, ModelOptions
from loopwright.models.image import ImageModel
from loopwright.sandbox import Pool, Sandbox, SandboxSpec, open_provider


class OpenedSandbox(Sandbox, Protocol):
    """A sandbox, and how it came about."""

    @property
    def pooled(self) -> bool:
        """Whether it was warm when it was asked for."""
        ...

    @property
    def host(self) -> str:
        """The machine that it is on; empty for this one."""
        ...


class SandboxSource(Protocol):
    """A provider that keeps sandboxes warm."""

    @property
    def name(self) -> str:
        """`docker` or `bubblewrap`."""
        ...

    @property
    def reason(self) -> str:
        """Why this provider was picked."""
        ...

    async def open(self, spec: SandboxSpec) -> OpenedSandbox:
        """Opens a sandbox; see `SandboxProvider.open`."""
        ...


class Machines(Protocol):
    """Where the sandboxes of a run are opened, and where models compute that need a machine; for `async with`."""

    async def sandboxes(self, name: str, image: str | None) -> SandboxSource:
        """Picks a way to isolate; see `open_provider`.

        Raises:
            SandboxUnavailable: There is none that the name allows and that has the image.
        """
        ...

    def placed(self, model: Model, options: ModelOptions) -> Model:
        """What makes the calls of a model that was opened here: one on another machine, or the model itself."""
        ...

    def placed_images(self, model: ImageModel, options: ModelOptions) -> ImageModel:
        """As `placed`, of an image model, whose pictures stay with the run."""
        ...

    def places(self, number: int) -> int:
        """How many candidates are executed together where this machine alone would execute so many."""
        ...

    async def __aenter__(self) -> Self:
        """Makes them ready."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all that was opened."""
        ...


class ThisMachine:
    """Everything on this machine, in this process."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str | None], Pool] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def sandboxes(self, name: str, image: str | None) -> Pool:
        """Picks a way to isolate; see `Machines.sandboxes`."""
        key = (name, image if name == "auto" else None)
        async with self._opening:
            if key not in self._pools:
                pool = Pool(await open_provider(name, image))
                self._pools[key] = pool
                self._stack.push_async_callback(pool.close)
        return self._pools[key]

    def placed(self, model: Model, options: ModelOptions) -> Model:
        """The model itself."""
        return model

    def placed_images(self, model: ImageModel, options: ModelOptions) -> ImageModel:
        """The model itself."""
        return model

    def places(self, number: int) -> int:
        """The same number."""
        return number
