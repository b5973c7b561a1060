"""What the loop costs for each picture on top of the model: `python -m bench.images.overhead`.

The model answers at once with pictures that are there already, and nobody looks at them: what is left is views, budget,
journal, artifacts and decisions. Processor time is told beside wall time, as other work on the machine does not count
there. Time within the calls of the model, which store pictures, is taken off. "Call" is the proposer, from its view to
the recorded picture; "loop" is the whole episode: graph, verdicts, decisions and events, too.

`--page FOLDER` makes a run of 200 such episodes there, and tells how long its report takes to open in a browser.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

import loopwright
from loopwright.agents import AgentReply, AgentRole, ModelClient, View
from loopwright.images import ImageRefiner
from loopwright.models import ModelOptions
from loopwright.models.image import ImageReply, ImageRequest
from loopwright.report import render_html
from loopwright.task import Task
from loopwright.types import Check, Verdict
from tests.report import browser

IMAGES = 8
"""Pictures of an episode."""


@dataclass
class Ready:
    """An image model whose pictures are there already."""

    pictures: list[bytes]
    name: str = "ready/pictures"
    repeatable: bool = True
    calls: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    options: ModelOptions = field(default_factory=ModelOptions)

    def connect(self, options: ModelOptions) -> None:
        self.options = options

    async def generate(self, request: ImageRequest) -> ImageReply:
        assert self.options.keep is not None
        wall, cpu = time.perf_counter(), time.process_time()
        reference = await self.options.keep(self.pictures[self.calls % len(self.pictures)])
        self.calls += 1
        self.wall, self.cpu = self.wall + time.perf_counter() - wall, self.cpu + time.process_time() - cpu
        return ImageReply(images=(reference,), model=self.name, seed_honoured=True)

    edit = generate

    async def close(self) -> None:
        return


class Clocked(ImageRefiner):
    """The refiner, with a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu = 0.0

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        cpu = time.process_time()
        reply = await super().act(view, models)
        self.cpu += time.process_time() - cpu
        return reply


class Denies:
    """Says at once that one of two things is missing, so that streams go on editing."""

    role = AgentRole.VERIFIER

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        await asyncio.sleep(0)
        return AgentReply(verdict=Verdict(checks=(Check(name="circle", score=1), Check(name="star", score=0))))


def drawn(side: int, number: int) -> bytes:
    """A picture as large as a photograph of its size."""
    coarse = np.random.default_rng(number).integers(0, 256, (max(side // 16, 4),) * 2 + (3,), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(out, "PNG", compress_level=1)
    return out.getvalue()


def ready(side: int) -> Ready:
    return Ready([drawn(side, number) for number in range(16)])


def run(folder: Path, model: Ready, strategy: str, episodes: int, proposer: ImageRefiner) -> None:
    task = Task.model_validate(
        {
            "name": "ready",
            "goal": "a circle and a star",
            "environment": {"name": "images"},
            "data": [{"id": f"e{number}"} for number in range(episodes)],
            "loop": {"strategy": strategy, "max_iterations": IMAGES},
            "budget": {"images": IMAGES},
        }
    )
    parts: dict[str, Any] = {"proposer": proposer, "verifier": Denies, "generator": model, "editor": model}
    loopwright.run(task, out=folder, concurrency=1, **parts)


def measured(side: int, strategy: str, episodes: int) -> str:
    """A row of the table: milliseconds for each call on top of the model."""
    model, proposer = ready(side), Clocked()
    with TemporaryDirectory() as folder:
        run(Path(folder) / "warm", model, strategy, 1, proposer)
        model.calls, model.wall, model.cpu, proposer.cpu = 0, 0.0, 0.0, 0.0
        wall, cpu = time.perf_counter(), time.process_time()
        run(Path(folder) / "run", model, strategy, episodes, proposer)
        wall, cpu = time.perf_counter() - wall - model.wall, time.process_time() - cpu - model.cpu
    call = proposer.cpu - model.cpu
    times = " | ".join(f"{1000 * seconds / model.calls:.1f}" for seconds in (call, cpu, wall))
    return f"| {side}x{side}, {len(model.pictures[0]):,} bytes | {strategy} | {model.calls} | {times} |"


def opened(folder: Path, episodes: int) -> str:
    """How long the report of a run takes to be made, and to be opened until its pictures are there."""
    run(folder / "run", ready(64), "streams", episodes, ImageRefiner())
    begun = time.perf_counter()
    page = render_html(folder / "run")
    made = time.perf_counter() - begun
    (folder / "report.html").write_text(page)
    with browser.Page(folder / "profile") as shown:
        shown.screen(1200, 900)
        shown.open((folder / "report.html").as_uri())
        begun = time.perf_counter()
        shown.open((folder / "report.html").as_uri())
        shown.settle("[...document.images].every((image) => image.complete)")
        seconds, pictures = time.perf_counter() - begun, shown.run("document.images.length")
        loaded = shown.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
    return (
        f"{episodes} episodes: made in {made:.1f} s, {len(page):,} characters; opened in {seconds:.2f} s with "
        f"{pictures} pictures (the browser's load event after {loaded / 1000:.2f} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the loop costs for each picture on top of the model.")
    parser.add_argument("--episodes", type=int, default=25, help="of eight pictures each")
    parser.add_argument("--page", type=Path, help="an empty folder for a run of 200 episodes whose report is opened")
    options = parser.parse_args()
    if options.page:
        print(opened(options.page.absolute(), 200))
        return
    print("| picture | strategy | calls | call, processor ms | loop, processor ms | loop, wall ms |")
    print("|---|---|---|---|---|---|")
    for side in (64, 1024):
        for strategy in ("best_of_n", "streams"):
            print(measured(side, strategy, options.episodes), flush=True)


if __name__ == "__main__":
    main()
