"""Many episodes: how fast they go on one machine and on Ray, what the driver keeps in memory, and what bounds it.

`python -m bench.scale throughput [--workers 1 2 4 8] [--episodes 20] [--latency 1.0]` runs episodes of one call of a
scripted model, which takes a second, first alone and then with a Python program in a sandbox: in one process, on Ray
workers, and beside both as plain Ray tasks that do the same call and program without a sandbox and without a record.
`python -m bench.scale memory [--episodes 10000]` tells the driver's memory by tenths of a run, and
`python -m bench.scale driver [--episodes 300]` what an episode costs the driver's processor.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loopwright import Candidate, ComponentOverrides, Instance, Run, RunConfig, RunResult, Task
from loopwright.cluster import RayCluster
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.models import Reply, Request
from loopwright.store import Event
from loopwright.verify import Check, Verdict

MODEL = "bench/slow"
PROGRAM = "def double(n):\n    return 2 * n\n"
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Slow:
    """A model that answers with the same program after so many seconds."""

    latency: float
    name: str = MODEL
    repeatable: bool = True

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(self.latency)
        return Reply(text=f"```python\n{PROGRAM}```\n", model=self.name)

    async def close(self) -> None:
        pass


class Looking:
    """An environment that takes no time: it looks at the text of an answer."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        return Observation(text="seen", verdict=self._looked(action))

    async def submit(self, answer: Candidate) -> Verdict:
        return self._looked(answer)

    def _looked(self, candidate: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="doubles", score="2 * n" in candidate.text),))

    async def close(self) -> None:
        pass


def task(episodes: int, *, executed: bool) -> Task:
    """One call an episode; `executed` has its answer tested in a sandbox."""
    fields: dict[str, object] = {
        "name": "scale",
        "goal": "Write double(n).",
        "model": MODEL,
        "loop": {"strategy": "single"},
        "repeats": episodes,
        "sandbox": {"provider": "bubblewrap"},
    }
    if executed:
        checks = "from solution import double\n\ndef test_double():\n    assert double(21) == 42\n"
        fields["environment"] = {"name": "python", "entry": "solution.py", "hidden": {"tests": checks}}
    else:
        fields["environment"] = {"name": "looking"}
    return Task.model_validate(fields)


async def played(
    folder: Path,
    wanted: Task,
    latency: float,
    concurrency: int,
    *,
    workers: int = 0,
    on_event: Callable[[Event], None] | None = None,
) -> tuple[RunResult, float]:
    """Runs it; the seconds are those from the first episode's start to the last one's end."""
    given = ComponentOverrides(models={MODEL: Slow(latency)}, environments={"looking": Looking})
    run = Run.create(RunConfig(tasks=(wanted,), concurrency=concurrency), folder / "run", given=given)
    if workers:
        run.machines = RayCluster("ray", workers)
    clock = Clock()
    run.on_event(clock)
    if on_event is not None:
        run.on_event(on_event)
    result = await run.execute()
    assert len(result.scored) == wanted.repeats, result.folder
    return result, clock.seconds


@dataclass(slots=True)
class Clock:
    """When the first episode began and the last one ended."""

    began: float = 0.0
    ended: float = 0.0

    def __call__(self, event: Event) -> None:
        if event.data.type == "episode_started":
            self.began = self.began or time.perf_counter()
        elif event.data.type == "episode_finished":
            self.ended = time.perf_counter()

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def plain_ray(episodes: int, latency: float, workers: int, *, executed: bool) -> float:
    """The same calls and programs as plain Ray tasks: the model's time is slept in the task, nothing is kept."""
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, configure_logging=False)

    def work() -> int:
        time.sleep(latency)
        if not executed:
            return 0
        script = PROGRAM + "assert double(21) == 42\n"
        return subprocess.run([sys.executable, "-c", script], check=False).returncode

    # Ray has no types for its decorator.
    episode: Any = ray.remote(num_cpus=1, max_retries=0)(work)
    try:
        # As workers of Ray's that Loopwright asks for are there before its first episode.
        ray.get([episode.remote() for _ in range(workers)])
        began = time.perf_counter()
        assert not any(ray.get([episode.remote() for _ in range(episodes)]))
        return time.perf_counter() - began
    finally:
        ray.shutdown()


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder:
        yield Path(folder)


def own(episodes: int, latency: float, places: int, workers: int, *, executed: bool) -> float:
    with scratch() as folder:
        wanted = task(episodes, executed=executed)
        return asyncio.run(played(folder, wanted, latency, places, workers=workers))[1]


def throughput(numbers: Sequence[int], each: int, latency: float, *, executed: bool, console: Console) -> None:
    """Episodes a second for so many at a time; what an episode takes beside its call is told in ms."""
    ways: dict[str, Callable[[int, int], float]] = {
        "one process": lambda count, places: own(count, latency, places, 0, executed=executed),
        "on Ray workers": lambda count, places: own(count, latency, places, places, executed=executed),
        "plain Ray tasks": lambda count, places: plain_ray(count, latency, places, executed=executed),
    }
    what = "a call and a program" if executed else "a call"
    shown = Table("at a time", *ways, title=f"{what}: episodes a second (ms beside the call of {latency:g} s)")
    own(2, 0, 2, 0, executed=executed)
    for places in numbers:
        count = each * places
        cells = []
        for way in ways.values():
            seconds = way(count, places)
            cells.append(f"{count / seconds:.2f} ({(seconds * places / count - latency) * 1000:.1f})")
        shown.add_row(str(places), *cells)
    console.print(shown)


@dataclass(slots=True)
class Memory:
    """The process's memory in MB, looked at after each tenth of the episodes."""

    episodes: int
    megabytes: list[float] = field(default_factory=list)
    _done: int = 0

    def __call__(self, event: Event) -> None:
        if event.data.type == "episode_finished":
            self._done += 1
            if self._done % max(1, self.episodes // 10) == 0:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                self.megabytes.append(pages * PAGE / 2**20)


def memory(episodes: int, console: Console) -> None:
    """Runs so many short episodes in one process."""
    watched = Memory(episodes)
    with scratch() as folder:
        wanted = task(episodes, executed=False)
        _, seconds = asyncio.run(played(folder, wanted, 0.0, 64, on_event=watched))
        size = (folder / "run" / "events.jsonl").stat().st_size
    console.print(f"{episodes} episodes in {seconds:.0f} s, {size / episodes / 1000:.1f} kB of events each")
    console.print("MB by tenths: " + " ".join(f"{one:.1f}" for one in watched.megabytes))


def driver(episodes: int, console: Console) -> None:
    """What an episode of one call costs the driver's processor, without a sandbox of its own."""
    with scratch() as folder:
        # What is imported and compiled at first use is not counted.
        asyncio.run(played(folder / "first", task(2, executed=False), 0.0, 2))
        before = resource.getrusage(resource.RUSAGE_SELF)
        result, seconds = asyncio.run(played(folder, task(episodes, executed=False), 0.0, 64))
        after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    each = used / len(result.scored)
    console.print(
        f"{len(result.scored)} episodes: {each * 1000:.2f} ms of the driver's processor each, {seconds:.1f} s in all"
    )
    shown = Table("seconds of an episode's call", "episodes in flight that one driver keeps busy", title="the driver")
    for call in (1, 10, 60):
        shown.add_row(str(call), f"{call / each:,.0f}")
    console.print(shown)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    speed = parts.add_parser("throughput")
    speed.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    speed.add_argument("--episodes", type=int, default=20, help="for each place")
    speed.add_argument("--latency", type=float, default=1.0)
    parts.add_parser("memory").add_argument("--episodes", type=int, default=10_000)
    parts.add_parser("driver").add_argument("--episodes", type=int, default=300)
    options = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    match options.part:
        case "throughput":
            for executed in (False, True):
                throughput(options.workers, options.episodes, options.latency, executed=executed, console=console)
        case "memory":
            memory(options.episodes, console)
        case _:
            driver(options.episodes, console)


if __name__ == "__main__":
    main()
