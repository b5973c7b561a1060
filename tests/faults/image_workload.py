"""Episodes of pictures for the fault tests: the painter draws, and every picture that it makes is billed."""

from __future__ import annotations

import hashlib
import json
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


class BilledPainter:
    """Writes what it draws to a bill, as a provider would."""

    name = "test/painter"
    repeatable = True

    def __init__(self, bill: Path) -> None:
        self._bill = bill
        self._options = ModelOptions()

    def connect(self, options: ModelOptions) -> None:
        self._options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        self._pay(request)
        return await open_painter("default", self._options).generate(request)

    async def edit(self, request: ImageRequest) -> ImageReply:
        self._pay(request)
        return await open_painter("default", self._options).edit(request)

    async def close(self) -> None:
        pass

    def _pay(self, request: ImageRequest) -> None:
        asked = request.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        with self._bill.open("a") as bill:
            bill.write(hashlib.sha256(text.encode()).hexdigest() + "\n")


def start(folder: Path) -> Run:
    """A new run in the folder, or the one that is there, to go on with."""
    given = ComponentOverrides(image_models={BilledPainter.name: BilledPainter(folder / "paid.log")})
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
