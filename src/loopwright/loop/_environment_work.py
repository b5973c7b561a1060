"""Work in environments: its time is charged, and a lost sandbox is replaced once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from loopwright.budget import Ledger, Reservation, Spend
from loopwright.errors import SandboxLost

T = TypeVar("T")

SLICE = 0.5
"""Seconds that are reserved at a time."""


async def charge_time(ledger: Ledger, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Waits for work in an environment and charges its time, also when it fails.

    Time is reserved by the slice while it passes, so that caps on it hold under concurrency too.

    Returns:
        Its result and its seconds.

    Raises:
        BudgetExceeded: A cap on time was reached; the work was cancelled, and what it took is charged.
        Exception: Whatever the work raises.
    """
    started = time.monotonic()
    task = asyncio.ensure_future(work)
    held: list[Reservation] = []
    try:
        until = 0.0
        while not task.done():
            # The next slice is reserved before this one is used up, as the event loop may be late.
            amount = _next_slice(ledger)
            held.append(ledger.reserve(spent_time(amount)))
            until += amount
            await asyncio.wait([task], timeout=until - min(amount, SLICE / 2) - (time.monotonic() - started))
        return await task, round(time.monotonic() - started, 6)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        for reservation in held:
            reservation.release()
        ledger.charge(spent_time(time.monotonic() - started))


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


def spent_time(seconds: float) -> Spend:
    """Time in an environment, as the ledger counts it."""
    return Spend(sandbox_seconds=seconds, working_seconds=seconds)


def _next_slice(ledger: Ledger) -> float:
    """A slice, or what is left of it; a whole one where nothing is left, which is then refused."""
    left = ledger.left
    amounts = [amount for amount in (left.sandbox_seconds, left.working_seconds) if amount]
    return min(SLICE, *amounts) if amounts else SLICE
