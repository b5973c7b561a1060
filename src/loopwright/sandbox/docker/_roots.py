"""What changed in the root of a container that may be written."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from loopwright.sandbox._types import Change


class Inspected(Protocol):
    """A sandbox whose files can be looked at."""

    @property
    def alive(self) -> bool:
        """Whether it answers."""

    async def list(self, path: str = ".") -> Sequence[str]:
        """Names in a folder."""

    async def touched(self, skip: Sequence[str]) -> Mapping[str, Change]:
        """What was touched since the sandbox was opened."""

    async def describe(self, paths: Sequence[str]) -> Mapping[str, Change]:
        """What is at the paths."""


class Roots:
    """Compares roots of sandboxes with the root of one of the same image that nothing ever ran in.

    What was touched since a sandbox was opened is known by the time of its last change, which nobody inside can set.
    The engine's own list of changes takes longer, and says nothing of contents.
    """

    def __init__(self, opened: Callable[[], Awaitable[Inspected]]) -> None:
        self._opened = opened
        self._untouched: asyncio.Future[Inspected] | None = None
        self._names: dict[str, frozenset[str]] = {}
        """Names in a folder at first."""
        self._before: dict[str, Mapping[str, Change]] = {}
        """What was at a path at first, and below it where that ends with a slash."""

    async def changes(self, sandbox: Inspected, skip: Sequence[str]) -> Sequence[Change]:
        """What changed outside of the folders to skip.

        Raises:
            SandboxLost: A sandbox is gone.
            ValueError: There is more than one should be asked to look at.
        """
        now = await sandbox.touched(skip)
        before = await self._were(sorted(now))
        gone = [path for path, was in before.items() if was.type == "folder" and now[path].type != "folder"]
        kept = [path for path, was in before.items() if was.type == "folder" and now[path].type == "folder"]
        for folder in ("/", *kept):
            missing = await self._listed(folder) - set(await sandbox.list(folder))
            gone += [posixpath.join(folder, name) for name in missing]
        below = await self._were([f"{path}/" for path in gone])
        return list(_compared({**below, **before}, now))

    async def _were(self, asked: Sequence[str]) -> Mapping[str, Change]:
        unknown = [path for path in asked if path not in self._before]
        if unknown:
            found = await (await self._first()).describe(unknown)
            for path in unknown:
                name = path.rstrip("/") or "/"
                below = {p: c for p, c in found.items() if path.endswith("/") and p.startswith(path)}
                self._before[path] = {**below, **({name: found[name]} if name in found else {})}
        return {name: change for path in asked for name, change in self._before[path].items()}

    async def _listed(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            self._names[folder] = frozenset(await (await self._first()).list(folder))
        return self._names[folder]

    async def _first(self) -> Inspected:
        known = self._untouched
        if known is None or (known.done() and (known.exception() or not known.result().alive)):
            known = self._untouched = asyncio.ensure_future(self._opened())
        return await asyncio.shield(known)


def _compared(before: Mapping[str, Change], now: Mapping[str, Change]) -> Iterable[Change]:
    for path in sorted({*before, *now}):
        was, found = before.get(path), now.get(path)
        if found is None:
            assert was is not None
            yield replace(was, kind="deleted", mode=0, sha256="")
        elif was is None:
            yield found
        elif found != was:
            yield replace(found, kind="modified")
