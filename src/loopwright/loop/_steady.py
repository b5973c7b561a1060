"""Work whose failure can pass is done once more."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from loopwright.errors import SandboxLost

T = TypeVar("T")


async def retry_once_on_sandbox_loss(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Does work in an environment; where its sandbox was lost, once more in a fresh one.

    Raises:
        SandboxLost: The second one was lost as well.
        Exception: Whatever else the work raises.
    """
    try:
        return await work()
    except SandboxLost:
        return await work()
