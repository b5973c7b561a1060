"""Many small calls at once: bounded in flight, joined in the order of the places, and failures counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from loopwright.errors import AgentError, ModelError

T = TypeVar("T")


async def fan_out(
    numbers: Sequence[int], ask: Callable[[int], Awaitable[T]], *, in_flight: int
) -> dict[int, T | Exception]:
    """Asks once for each number and returns what came of it, in their order.

    A call whose provider failed, or whose reply cannot be read, is an outcome. Whatever else goes wrong ends the work
    after the calls in flight are answered, so that none is paid for in vain.

    Raises:
        ModelError: As many calls as are in flight failed first, and none was answered: the rest would fail too.
        Exception: Whatever else `ask` raised first.
    """
    outcomes: dict[int, T | Exception] = {}
    waiting, unreached, answered = iter(numbers), 0, 0
    fatal: list[Exception] = []

    async def work() -> None:
        nonlocal unreached, answered
        for number in waiting:
            try:
                outcomes[number] = await ask(number)
                answered += 1
            except AgentError as error:
                outcomes[number] = error
                answered += 1
            except ModelError as error:
                outcomes[number] = error
                unreached += 1
                if not answered and unreached >= in_flight:
                    fatal.append(error)
            except Exception as error:
                fatal.append(error)
            if fatal:
                return

    await asyncio.gather(*(work() for _ in range(min(in_flight, len(numbers)))))
    if fatal:
        raise fatal[0]
    return {number: outcomes[number] for number in numbers}
