"""Objects that live on a worker beside its sandboxes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from loopwright.cluster._answers import answered
from loopwright.sandbox import OpenedThere, Sandbox, SandboxProvider, SandboxSpec


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """What an object is made of."""

    make: Callable[[SandboxProvider], Any]
    provider: str
    """`docker` or `bubblewrap`."""
    image: str | None
    """What its sandboxes are made from where their specification names nothing."""
    labels: Mapping[str, str]
    """Those of each of its sandboxes, beside the ones that it gives them."""


@dataclass(frozen=True, slots=True)
class ObjectAnswer:
    """What came of a call."""

    value: Any
    """What the method gave, or a `Failed`."""
    opened: Sequence[OpenedThere]
    """The sandboxes that it opened since the last answer."""


class WarmSandbox(Sandbox, Protocol):
    """A sandbox of a pool."""

    @property
    def pooled(self) -> bool:
        """Whether it was warm when it was asked for."""
        ...


class WorkerObject:
    """An object and the provider that it opens its sandboxes with."""

    def __init__(self, plan: ObjectPlan, open_sandbox: Callable[[SandboxSpec], Awaitable[WarmSandbox]]) -> None:
        self.name = plan.provider
        self._plan = plan
        self._open = open_sandbox
        self._opened: list[OpenedThere] = []
        self._turn = asyncio.Lock()
        self._made = plan.make(self)

    async def call(self, method: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> ObjectAnswer:
        """Calls a method of the object, once the call before has ended: a cancelled one may still tidy up."""
        async with self._turn:
            value = await answered(getattr(self._made, method)(*arguments, **named))
            opened, self._opened = self._opened, []
            return ObjectAnswer(value, opened)

    async def end(self) -> None:
        """Closes the object, once its last call has ended."""
        async with self._turn:
            await self._made.close()

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Opens a sandbox for the object; see `SandboxProvider.open`."""
        plan, started = self._plan, time.monotonic()
        labelled = replace(spec, labels={**spec.labels, **plan.labels}, image=spec.image or plan.image)
        sandbox = await self._open(labelled)
        self._opened.append(
            OpenedThere(
                id=sandbox.id,
                provider=sandbox.provider,
                image=sandbox.image,
                controls=tuple(sandbox.controls),
                pooled=sandbox.pooled,
                host=socket.gethostname(),
                labels=spec.labels,
                seconds=time.monotonic() - started,
            )
        )
        return sandbox

    async def close(self) -> None:
        """Leaves the worker's sandboxes open, as a provider that belongs to somebody else."""
