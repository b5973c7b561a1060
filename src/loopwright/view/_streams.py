"""What pages are told as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from loopwright.errors import StoreError
from loopwright.view._followed import FollowedRun
from loopwright.view._list import RunList

_EVERY = 0.1
"""Seconds between two looks whether a record has grown."""
_AT_LEAST = 1.0
"""Seconds between two looks at a run that may have changed otherwise: whether its process lives."""
_LIST_EVERY = 1.0
"""Seconds between two looks at the list."""


async def sent(news: AsyncGenerator[object]) -> AsyncIterator[str]:
    """The news as server-sent events."""
    try:
        async for one in news:
            # A comment finds out whether somebody still listens.
            yield ":\n\n" if one is None else f"data: {json.dumps(one)}\n\n"
    finally:
        await news.aclose()


async def states(run: FollowedRun) -> AsyncGenerator[dict[str, Any] | None]:
    """The states of a run, one whenever something came, else None."""
    last: dict[str, Any] = {}
    run.watchers += 1
    try:
        # A page whose stream ends asks anew, and follows the run that is there then.
        while not run.replaced:
            size = run.size
            try:
                more = await asyncio.to_thread(run.look)
            except StoreError as error:
                yield {**(last or run.state()), "finished": f"the record cannot be read on: {error}"}
                return
            state = await asyncio.to_thread(run.state)
            if _lasting(state) != _lasting(last):
                yield state
            else:
                yield None
            last = state
            await (asyncio.sleep(0.01) if more else _changed(run, size))
    finally:
        run.watchers -= 1


async def _changed(run: FollowedRun, size: int) -> None:
    """Waits until a record has another size, or for a while."""
    for _ in range(round(_AT_LEAST / _EVERY)):
        # First: in a run that writes all the time there always is more.
        await asyncio.sleep(_EVERY)
        if run.size != size:
            return


def _lasting(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state without what changes as time goes by."""
    doing = [{**one, "seconds": None} for one in state.get("underway", ())]
    return {**state, "underway": doing}


async def lists(runs: RunList) -> AsyncGenerator[list[dict[str, Any]] | None]:
    """The list of runs, whenever it is another one."""
    last = None
    while True:
        found = await asyncio.to_thread(runs.look)
        yield None if found == last else found
        last = found
        await asyncio.sleep(_LIST_EVERY)
