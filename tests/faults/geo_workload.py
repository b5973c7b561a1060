"""A map for the fault tests: each call about a place is billed, as a provider would."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from loopwright import ComponentOverrides, Reply, Request, Run, RunConfig, Task

SIDE = 7
SLIP = 10


def _nothing() -> None:
    return


class BilledRater:
    """Rates a smooth map with small errors and a slip, which it takes back when it sees the neighbours."""

    name, repeatable = "test/rater", True

    def __init__(self, bill: Path, passing: Callable[[], None] = _nothing) -> None:
        self._bill, self._passing = bill, passing

    async def complete(self, request: Request) -> Reply:
        self._passing()
        text = request.messages[-1].content
        with self._bill.open("a") as bill:
            bill.write(hashlib.sha256(text.encode()).hexdigest() + "\n")
        self._passing()
        place = re.search(r"\((\d+\.\d+), (\d+\.\d+)\)", text)
        assert place is not None
        row, column, again = float(place[1]) - 40, float(place[2]) - 10, "Places nearby" in text
        number = int(row * SIDE + column)
        value = 5 + 3 * math.sin(row / 3) + math.cos(column / 3) + ((number * 37) % 11 - 5) / 12 * (not again)
        return Reply(text=f"{9.5 if number == SLIP and not again else value:.1f}", model=self.name)

    async def close(self) -> None:
        return


def start(folder: Path, passing: Callable[[], None] = _nothing) -> Run:
    """A new run in the folder, or the one that is there, to go on with."""
    given = ComponentOverrides(models={BilledRater.name: BilledRater(folder / "paid.log", passing)})
    if (folder / "run" / "run.json").exists():
        return Run.reopen(folder / "run", given=given)
    places = "".join(f"p{number},{40 + number // SIDE},{10 + number % SIDE}\n" for number in range(SIDE * SIDE))
    task = Task.model_validate(
        {
            "name": "places",
            "goal": "how high",
            "environment": {"name": "geo", "places": "id,latitude,longitude\n" + places, "in_flight": 4},
            "model": BilledRater.name,
            "agents": {"proposer": "map_refiner"},
            "loop": {"strategy": "geo"},
        }
    )
    return Run.create(RunConfig(tasks=(task,), project=folder), folder / "run", given=given)


def execute_until(folder: Path, instants: int) -> None:
    """Starts or resumes the run, and ends by `kill -9` at an instant; 0 goes on to its end.

    Args:
        folder: Where run and bill are.
        instants: How many may pass: events that are recorded, and before and after each call is billed.
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
