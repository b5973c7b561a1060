"""Many episodes: how fast they go on one machine and on Ray, what the driver keeps in memory, and what bounds it.

`python -m bench.scale throughput [--workers 1 2 4 8] [--episodes 20] [--latency 1.0] [--times 3]` runs episodes of one
call of a scripted model, which takes a second, first alone and then with a Python program that is tested in sandboxes:
in one process, on Ray workers, and beside both as plain actors of Ray that do the same call and the same tests in the
same sandboxes, without a loop, caps and a record. All ways run in turns; the table has medians and ranges.
`python -m bench.scale memory [--episodes 10000] [--workers N]` tells the driver's memory by tenths of a run, and
`python -m bench.scale driver [--episodes 300] [--workers N] [--times 3]` what an episode costs the driver's processor.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from loopwright import Candidate, ComponentOverrides, Instance, Run, RunConfig, RunResult, Task
from loopwright.cluster import RayCluster
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.models import Reply, Request
from loopwright.sandbox import Pool, SandboxSpec, open_provider
from loopwright.store import Event
from loopwright.verify import Check, Grader, PythonSuite, Verdict

MODEL = "bench/slow"
PROGRAM = "def double(n):\n    return 2 * n\n"
TESTS = "from solution import double\n\ndef test_double():\n    assert double(21) == 42\n"
CHECKED = PythonSuite(TESTS, ("test_double",), ("solution",), 5.0)
BARE = PythonSuite("", (), ("solution",), 5.0)
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
        fields["environment"] = {"name": "python", "entry": "solution.py", "hidden": {"tests": TESTS}}
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


class PlainWorker:
    """What somebody would write with Ray alone: the call and the tests in one method, and nothing is kept."""

    def __init__(self) -> None:
        self._pool: Pool | None = None

    async def episode(self, latency: float, executed: bool) -> None:
        """Sleeps for the model, and tests a program as a run does: twice for what is seen, then in new sandboxes."""
        await asyncio.sleep(latency)
        if not executed:
            return
        self._pool = self._pool or Pool(await open_provider("bubblewrap"))
        for suites in ((BARE, BARE), (CHECKED,)):
            async with Grader(self._pool, SandboxSpec()) as grader:
                for suite in suites:
                    grading = await grader.grade({"solution.py": PROGRAM}, suite)
                    assert all(outcome.passed for outcome in grading.outcomes.values())

    async def close(self) -> None:
        """Ends the sandboxes."""
        if self._pool is not None:
            await self._pool.close()


def plain_ray(episodes: int, latency: float, workers: int, *, executed: bool) -> float:
    """Seconds of as many episodes on as many plain workers of Ray, each of which does one at a time."""
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, configure_logging=False)
    # Ray has no types for its decorator.
    made: Any = ray.remote(num_cpus=1)(PlainWorker)
    actors = [made.remote() for _ in range(workers)]
    try:
        # As workers of Ray's that Loopwright asks for are there before its first episode.
        ray.get([actor.episode.remote(0, False) for actor in actors])
        began = time.perf_counter()
        waiting = {actor.episode.remote(latency, executed): actor for actor in actors[:episodes]}
        left = episodes - len(waiting)
        while waiting:
            done, _ = ray.wait(list(waiting))
            actor = waiting.pop(done[0])
            ray.get(done[0])
            if left:
                waiting[actor.episode.remote(latency, executed)] = actor
                left -= 1
        seconds = time.perf_counter() - began
        ray.get([actor.close.remote() for actor in actors])
        return seconds
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


def throughput(
    numbers: Sequence[int], each: int, latency: float, times: int, *, executed: bool, console: Console
) -> None:
    """Episodes a second for so many at a time; beside it what an episode takes beyond its call, in ms."""
    ways: dict[str, Callable[[int, int], float]] = {
        "one process": lambda count, places: own(count, latency, places, 0, executed=executed),
        "on Ray workers": lambda count, places: own(count, latency, places, places, executed=executed),
        "plain Ray": lambda count, places: plain_ray(count, latency, places, executed=executed),
    }
    what = "a call and a program" if executed else "a call"
    columns = ("on Ray to plain Ray", "ms more than plain Ray")
    shown = Table(
        "at a time", *ways, *columns, title=f"{what}: episodes a second (ms beside the call of {latency:g} s)"
    )
    own(2, 0, 2, 0, executed=executed)
    for places in numbers:
        count = each * places
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(times):
            for way, run in ways.items():
                seconds[way].append(run(count, places))
        middle = {way: median(found) for way, found in seconds.items()}
        cells = [f"{count / one:.2f} ({(one / each - latency) * 1000:.0f})" for one in middle.values()]
        pairs = list(zip(seconds["on Ray workers"], seconds["plain Ray"], strict=True))
        ratios = [plain / ray for ray, plain in pairs]
        more = [(ray - plain) / each * 1000 for ray, plain in pairs]
        shown.add_row(str(places), *cells, spread(ratios, 2), spread(more, 1))
    console.print(shown)


def spread(found: Sequence[float], digits: int) -> str:
    """Median and range."""
    return f"{median(found):.{digits}f} ({min(found):.{digits}f} to {max(found):.{digits}f})"


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


def memory(episodes: int, workers: int, console: Console) -> None:
    """Runs so many short episodes in one process, or from one driver on workers."""
    watched = Memory(episodes)
    with scratch() as folder:
        wanted = task(episodes, executed=False)
        _, seconds = asyncio.run(played(folder, wanted, 0.0, 64, workers=workers, on_event=watched))
        size = (folder / "run" / "events.jsonl").stat().st_size
    console.print(f"{episodes} episodes in {seconds:.0f} s, {size / episodes / 1000:.1f} kB of events each")
    console.print("MB by tenths: " + " ".join(f"{one:.1f}" for one in watched.megabytes))


def processor() -> float:
    """Seconds of a processor that this process took."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def driver(episodes: int, workers: int, times: int, console: Console) -> None:
    """What an episode costs the driver's processor: of one call; and of one whose program is tested, here and there."""
    ways = {"a call": (False, 0), "a call and a program, here": (True, 0)}
    if workers:
        ways[f"a call and a program, on {workers} workers"] = (True, workers)
    shown = Table("an episode", "n", "ms of the driver's processor", "episodes a second, at most", title="the driver")
    for way, (executed, places) in ways.items():
        found = [cost(episodes, places, executed=executed) * 1000 for _ in range(times)]
        shown.add_row(way, f"{times} x {episodes}", spread(found, 1), f"{1000 / median(found):,.0f}")
    console.print(shown)


def cost(episodes: int, workers: int, *, executed: bool) -> float:
    """Seconds of the driver's processor for an episode, from the start of the first to the end of the last."""
    used: list[float] = []

    def watch(event: Event) -> None:
        if event.data.type in ("episode_started", "episode_finished"):
            used.append(processor())

    with scratch() as folder:
        # What is imported and compiled at first use is not counted.
        asyncio.run(played(folder / "first", task(2, executed=executed), 0.0, 2))
        at_once = 8 if executed else 64
        wanted = task(episodes, executed=executed)
        asyncio.run(played(folder, wanted, 0.0, at_once, workers=workers, on_event=watch))
    return (used[-1] - used[0]) / episodes


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    speed = parts.add_parser("throughput")
    speed.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    speed.add_argument("--episodes", type=int, default=20, help="for each place")
    speed.add_argument("--latency", type=float, default=1.0)
    speed.add_argument("--times", type=int, default=3)
    kept = parts.add_parser("memory")
    kept.add_argument("--episodes", type=int, default=10_000)
    kept.add_argument("--workers", type=int, default=0, help="of Ray; 0 for one process")
    bound = parts.add_parser("driver")
    bound.add_argument("--episodes", type=int, default=300)
    bound.add_argument("--workers", type=int, default=0, help="of Ray, for a row of its own")
    bound.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    match options.part:
        case "throughput":
            numbers, each = options.workers, options.episodes
            for executed in (False, True):
                throughput(numbers, each, options.latency, options.times, executed=executed, console=console)
        case "memory":
            memory(options.episodes, options.workers, console)
        case _:
            driver(options.episodes, options.workers, options.times, console)


if __name__ == "__main__":
    main()
