"""10,000 places through a whole run with a model that answers at once: what orchestration costs."""

from __future__ import annotations

import re
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

import loopwright
from bench.geo.raters import HIGH, shared_error
from loopwright.geo import MapRefiner, Place
from loopwright.models import Reply, Request
from loopwright.store import Event
from loopwright.task import Task

N = 10_000
GEOSR = (N + 0.788 * N + N, 15)
"""Calls of a round of GeoSR's loop, as counted on 2,000 world places (2,000 + 1,576 + 2,000), and rounds."""


class Instant:
    """Answers from a table, at once."""

    name, repeatable = "bench/instant", True

    def __init__(self, answers: dict[tuple[str, str], float]) -> None:
        self.calls = 0
        self._answers = answers

    async def complete(self, request: Request) -> Reply:
        self.calls += 1
        place = re.search(r"\((-?\d+\.\d{5}), (-?\d+\.\d{5})\)", request.messages[1].content)
        assert place is not None
        return Reply(text=f"My answer is {self._answers[place[1], place[2]]:.1f}.", model=self.name)

    async def close(self) -> None:
        return


def main() -> None:
    random = np.random.default_rng(0)
    spots = zip(np.degrees(np.arcsin(random.uniform(-0.85, 0.95, N))), random.uniform(-180, 180, N), strict=True)
    places = tuple(Place(f"s{number}", round(lat, 5), round(lon, 5)) for number, (lat, lon) in enumerate(spots))
    # Smooth enough for all three stages.
    rating = 5 + 2 * shared_error(places, random, length=2.0) + 0.5 * random.standard_normal(N)
    rating = np.clip(np.round(rating, 1), 0, HIGH)
    table = "id,latitude,longitude\n" + "".join(f"{one.id},{one.latitude},{one.longitude}\n" for one in places)
    answers = {
        (f"{one.latitude:.5f}", f"{one.longitude:.5f}"): float(value) for one, value in zip(places, rating, strict=True)
    }
    task = Task.model_validate(
        {
            "name": "many",
            "goal": "how high",
            "environment": {"name": "geo", "places": table},
            "loop": {"strategy": "geo"},
            "budget": {"model_calls": 40_000},
        }
    )
    model, times = Instant(answers), dict[int, list[float]]()

    def note(event: Event) -> None:
        if event.data.type == "call_finished" and event.iteration is not None:
            times.setdefault(event.iteration, []).append(time.process_time())

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, spent = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        result = loopwright.run(task, out=run, proposer=MapRefiner(), model=model, on_event=note).episodes[0]
        size = (run / "events.jsonl").stat().st_size
    if not result.scored:
        print(f"the run came to nothing: {result.outcome}")
        return
    first = times[0]
    print(f"\n{N} places, {model.calls} calls, {len(result.attempts)} maps, scored {result.scored}")
    print(f"processor time of a call: {1000 * (first[-1] - first[0]) / len(first):.2f} ms")
    print(f"whole run: {time.monotonic() - started:.0f} s, {time.process_time() - spent:.0f} s of a processor")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"resident memory: {before:.0f} MB before, {memory:.0f} MB at most; record {size / 1e6:.1f} MB")
    print(f"GeoSR's loop would take {GEOSR[0]:.0f} calls a round, {GEOSR[0] * GEOSR[1]:.0f} in {GEOSR[1]} rounds")


if __name__ == "__main__":
    main()
