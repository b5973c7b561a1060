"""What exports cost: a run of 10,000 events in every format, by seconds of a processor and peak memory.

`python -m bench.export [--events N] [--episodes N] [--formats NAME ...]`. Each is written in a process
of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loopwright.export import FORMATS, export
from tests.report.builder import RunBuilder, Turn

EVENTS_OF_TURN = 6
"""What the builder records of an iteration."""


def made(folder: Path, events: int, episodes: int) -> int:
    """Writes the run; returns its events."""
    run = RunBuilder(folder, episodes=episodes)
    turns = max(2, events // episodes // EVENTS_OF_TURN)
    for number in range(episodes):
        said = [
            Turn(
                score=0.5 if one < turns - 1 else 1.0,
                parent=one - 1 if one else None,
                text=f"draft {one} " + "x" * 400,
                reply=f"draft {one} " + "x" * 400,
                prompt=f"Write it. This was wrong: draft {one - 1}",
                critique="Look again." if one < turns - 1 else "",
                decision="continue" if one < turns - 1 else "stop",
            )
            for one in range(turns)
        ]
        run.episode(said, instance=str(number))
    return sum(1 for _ in (run.close() / "events.jsonl").open())


def measured(run: Path, name: str, results: multiprocessing.Queue[tuple[float, float, int]]) -> None:
    """Exports once; tells seconds of a processor, MB of memory beside what was there before, and entries."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        written = export(run, name, Path(folder) / "out")
        seconds = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results.put((seconds, (after - before) / 1024, written.entries))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--episodes", type=int, default=1)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        events = made(run, options.events, options.episodes)
        table = Table("format", "seconds", "MB", "entries", title=f"{events} events in {options.episodes} episodes")
        for name in options.formats:
            results = context.Queue()
            process = context.Process(target=measured, args=(run, name, results))
            process.start()
            seconds, megabytes, entries = results.get()
            process.join()
            table.add_row(name, f"{seconds:.2f}", f"{megabytes:.0f}", str(entries))
        Console().print(table)


if __name__ == "__main__":
    main()
