"""Sandboxes that are ready before they are asked for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, replace

from loopwright.errors import SandboxError
from loopwright.sandbox._sandbox import OpenSandbox
from loopwright.sandbox._types import SandboxSpec
from loopwright.sandbox.bubblewrap._provider import Bubblewrap
from loopwright.sandbox.docker._provider import Docker


@dataclass(frozen=True, slots=True)
class PoolStats:
    """How often a warm sandbox was there."""

    hits: int = 0
    misses: int = 0


class Pool:
    """A provider that keeps sandboxes warm, for each image and profile that was asked for.

    A sandbox is handed out once and never comes back, as untrusted code has run in it. The pool belongs to the event
    loop in which it is used; close it there.
    """

    def __init__(self, provider: Docker | Bubblewrap, *, size: int = 2, profiles: int = 4) -> None:
        """Takes over a provider.

        Args:
            provider: What opens the sandboxes; closed with the pool.
            size: Warm sandboxes for each profile.
            profiles: Profiles kept warm; beyond that the one that was asked for longest ago is given up.
        """
        self._provider = provider
        self.name = provider.name
        """`docker` or `bubblewrap`."""
        self.reason = provider.reason
        """Why this provider was picked."""
        self._size = size
        self._profiles = profiles
        self._warm: OrderedDict[Hashable, deque[OpenSandbox]] = OrderedDict()
        self._filling: dict[Hashable, asyncio.Task[None]] = {}
        self.stats = PoolStats()

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Hands out a warm sandbox if there is one, else opens one; see `SandboxProvider.open`."""
        key = _profile(spec)
        slots = self._warm.setdefault(key, deque())
        self._warm.move_to_end(key)
        found = None
        while slots and found is None:
            slot = slots.popleft()
            found = slot if slot.alive else None
        self._give_up_oldest()
        if found is None:
            self.stats = replace(self.stats, misses=self.stats.misses + 1)
            found = await self._provider.open(spec)
        else:
            self.stats = replace(self.stats, hits=self.stats.hits + 1)
            found.adopt(spec)
        self._fill(key, spec)
        return found

    async def warm(self, spec: SandboxSpec) -> None:
        """Waits until all slots for a spec are ready.

        Raises:
            SandboxUnavailable: They cannot be opened.
        """
        slots = self._warm.setdefault(_profile(spec), deque())
        while len(slots) < self._size:
            slots.append(await self._provider.open(spec))

    async def close(self) -> None:
        """Closes every sandbox still open, handed out or not, and the provider."""
        for task in self._filling.values():
            task.cancel()
        await asyncio.gather(*self._filling.values(), return_exceptions=True)
        self._filling.clear()
        self._warm.clear()
        await self._provider.close()

    def _fill(self, key: Hashable, spec: SandboxSpec) -> None:
        if key not in self._filling and self._size:
            self._filling[key] = asyncio.get_running_loop().create_task(self._refill(key, spec))

    async def _refill(self, key: Hashable, spec: SandboxSpec) -> None:
        """One after the other, so that warming up takes at most one core from the work itself."""
        try:
            while (slots := self._warm.get(key)) is not None and len(slots) < self._size:
                slots.append(await self._provider.open(spec))
        except SandboxError:
            return  # the next `open` meets the same error and raises it
        finally:
            self._filling.pop(key, None)

    def _give_up_oldest(self) -> None:
        while len(self._warm) > self._profiles:
            _, slots = self._warm.popitem(last=False)
            for slot in slots:
                slot.discard()


def _profile(spec: SandboxSpec) -> Hashable:
    """All of a spec that is fixed when a sandbox is opened; the rest is set when it is handed out."""
    limits = spec.limits
    sizes = limits.memory_mb, limits.pids, limits.cpus, limits.scratch_mb
    return spec.image, sizes, spec.network, spec.require, spec.runtime, spec.user, spec.writable
