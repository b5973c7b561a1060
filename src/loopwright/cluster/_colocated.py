"""Objects beside the sandboxes of a worker, as the driver sees them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loopwright.cluster._answers import Failed
from loopwright.cluster._driver import Worker, next_number
from loopwright.cluster._objects import ObjectAnswer, ObjectPlan
from loopwright.cluster._workers import Choice
from loopwright.errors import LoopwrightError, SandboxError, SandboxUnavailable, WorkerLost
from loopwright.sandbox import OpenedThere


class ColocatedObject:
    """An object on the least loaded worker that can open its sandboxes; see `Colocated`."""

    def __init__(self, choice: Choice, plan: ObjectPlan, opened: Callable[[OpenedThere], None]) -> None:
        """Is placed at its first call.

        Args:
            choice: Which worker it gets.
            plan: What it is made of.
            opened: Told of each sandbox that it opened.
        """
        self._choice = choice
        self._plan = plan
        self._opened = opened
        self._number = 0
        """Of this object on its worker; another one each time that it is placed."""
        self._worker: Worker | None = None

    async def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Calls a method of it, on another worker where this one cannot open its sandboxes; see `Colocated.call`."""
        refused: dict[Worker, SandboxError] = {}
        while True:
            worker = await self._placed(refused)
            try:
                return await self._called(worker, method, arguments, named)
            except SandboxUnavailable as error:
                refused[worker] = error
                self._choice.refused(worker)
                await self.close()

    async def close(self) -> None:
        """Closes it with its sandboxes; harmless when called twice."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.held.discard(self)
        with contextlib.suppress(WorkerLost):
            await asyncio.shield(asyncio.ensure_future(worker.ask_numbered("release", self._number)))

    async def _placed(self, refused: Mapping[Worker, SandboxError]) -> Worker:
        """Its worker, or one on which it is made anew."""
        if self._worker is None or not self._worker.alive:
            self._number = next_number()
            self._worker = await self._choice.best(refused)
        self._worker.held.add(self)
        return self._worker

    async def _called(self, worker: Worker, method: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        answer: ObjectAnswer = await worker.ask_numbered(
            "call_object", self._number, self._plan, method, arguments, named
        )
        for opened in answer.opened:
            self._opened(opened)
        if isinstance(answer.value, Failed):
            raise answer.value.error(LoopwrightError)
        return answer.value
