"""Long replies are read in a thread, so that no other episode waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

_LONG = 20_000
"""Characters from which on a thread is worth it: shorter replies are read in milliseconds."""

T = TypeVar("T")


async def read_apart(read: Callable[[str], T], text: str) -> T:
    """Reads a reply: a long one in a thread.

    Args:
        read: Gives what stands in a text; what it raises is raised here.
        text: The reply.
    """
    return await asyncio.to_thread(read, text) if len(text) > _LONG else read(text)
