"""Episodes of pictures for the fault tests: the painter draws, and every picture that it makes is billed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

from loopwright import ComponentOverrides, Run, RunConfig, Task
from loopwright.images.shapes import open_painter
from loopwright.models import ModelOptions
from loopwright.models.image import ImageReply, ImageRequest

GOALS = (
    "two red circles left of a blue square and a large star",
    "a striped purple ring above a green cross and two cyan triangles",
)
IMAGES = 6


def _nothing() -> None:
    return


class BilledPainter:
    """Writes what it draws to a bill, as a provider would."""

    name = "test/painter"
    repeatable = True

    def __init__(self, bill: Path, passing: Callable[[], None] = _nothing) -> None:
        self._bill = bill
        self._passing = passing
        self._options = ModelOptions()

    def connect(self, options: ModelOptions) -> None:
        self._options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        painter = open_painter("default", self._options)
        return await self._paid(request, painter.edit if request.images else painter.generate)

    edit = generate

    async def close(self) -> None:
        pass

    async def _paid(
        self, request: ImageRequest, draw: Callable[[ImageRequest], Coroutine[object, object, ImageReply]]
    ) -> ImageReply:
        self._passing()
        self._pay(request)
        self._passing()
        reply = await draw(request)
        self._passing()
        return reply

    def _pay(self, request: ImageRequest) -> None:
        asked = request.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        with self._bill.open("a") as bill:
            bill.write(hashlib.sha256(text.encode()).hexdigest() + "\n")


def start(folder: Path, passing: Callable[[], None] = _nothing) -> Run:
    """A new run in the folder, or the one that is there, to go on with."""
    given = ComponentOverrides(image_models={BilledPainter.name: BilledPainter(folder / "paid.log", passing)})
    if (folder / "run" / "run.json").exists():
        return Run.reopen(folder / "run", given=given)
    task = Task.model_validate(
        {
            "name": "pictures",
            "goal": "Draw.",
            "environment": {"name": "images"},
            "data": [{"id": f"i{number}", "goal": goal} for number, goal in enumerate(GOALS)],
            "image_models": {"generator": BilledPainter.name, "editor": BilledPainter.name},
            "agents": {"proposer": "image_refiner", "verifier": "pixel_verifier", "auditor": "pixel_verifier"},
            "loop": {"strategy": "streams", "max_iterations": IMAGES},
            "budget": {"images": IMAGES},
        }
    )
    return Run.create(RunConfig(tasks=(task,), project=folder, concurrency=2), folder / "run", given=given)


def execute_until(folder: Path, instants: int) -> None:
    """Starts or resumes the run, and ends by `kill -9` at an instant; 0 goes on to its end.

    Args:
        folder: Where run and bill are.
        instants: How many may pass: events that are recorded, and before, within and after each call of the painter.
    """
    passed = 0

    def passing() -> None:
        nonlocal passed
        passed += 1
        if passed == instants:
            os.kill(os.getpid(), signal.SIGKILL)

    run = start(folder, passing)
    run.store.subscribe(lambda _: passing())
    asyncio.run(run.execute())
