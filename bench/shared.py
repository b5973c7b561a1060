"""What a run in Postgres costs, beside the same run in its folder alone, in turns.

One process writes events of an iteration (a verdict of about 300 bytes), and calls with the intent and the result of a
model that takes no time: what is measured is the record alone.

`LOOPWRIGHT_STORE=postgresql://... python -m bench.shared [--quick]`. The database should be on a disk that syncs.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from loopwright.store import CallKey, Judged, Manifest, RunStore
from loopwright.store.shared import SharedStore
from loopwright.verify import Check, Verdict

VERDICT = Judged(
    verdict=Verdict(checks=tuple(Check(name=f"check_{n}", score=True) for n in range(3))),
    score=1.0,
    passed=True,
    best=True,
)
Work = Callable[[RunStore, int], Coroutine[Any, Any, None]]


async def events(store: RunStore, number: int) -> None:
    """As many events as there are, one wait at the end."""
    for n in range(number):
        store.append(VERDICT, episode=f"e{n % 16}", iteration=n, node="verify")
        if n % 100 == 0:
            await asyncio.sleep(0)
    await store.sync()


async def call(store: RunStore, n: int) -> None:
    async def reply() -> dict[str, Any]:
        return {"text": "x" * 500, "model": "m", "usage": {"input": 500, "output": 500}}

    key = CallKey(f"e{n % 16}", n, "propose", 0, hashlib.sha256(str(n).encode()).hexdigest())
    await store.once(key, reply, kind="model", repeatable=True, request={"model": "m", "prompt": "y" * 1000})


async def calls_in_order(store: RunStore, number: int) -> None:
    """One call after the other."""
    for n in range(number):
        await call(store, n)


def calls_at_once(many: int) -> Work:
    """So many calls at a time, whose commits are shared."""

    async def work(store: RunStore, number: int) -> None:
        left = iter(range(number))

        async def worker() -> None:
            for n in left:
                await call(store, n)

        await asyncio.gather(*(worker() for _ in range(many)))

    return work


def measured(work: Work, number: int, share: SharedStore | None) -> tuple[float, str]:
    """Seconds of the work, without opening; and the run."""
    run = f"bench-{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory() as place:
        manifest = Manifest(id=run, created="2026-01-01T00:00:00+00:00", loopwright="", config={})
        store = RunStore.create(Path(place) / run, manifest, share=share)
        begun = time.perf_counter()
        asyncio.run(work(store, number))
        seconds = time.perf_counter() - begun
        store.close()
    return seconds, run


def plain_commit(url: str, number: int) -> float:
    """Milliseconds of one INSERT of 600 bytes with its commit, by psycopg alone: what the server and its disk take."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_plain (line bytea)")
        begun = time.perf_counter()
        for _ in range(number):
            connection.execute("INSERT INTO bench_plain VALUES (%s)", (b"x" * 600,))
        return (time.perf_counter() - begun) * 1000 / number


def bytes_per_event(url: str) -> tuple[float, float, int]:
    """Of the lines, and of the table with its indexes; and how many events it has."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM loopwright.events")
        lines, number, table = connection.execute(
            "SELECT sum(octet_length(line)), count(*), pg_total_relation_size('loopwright.events')"
            " FROM loopwright.events"
        ).fetchone() or (0, 1, 0)
    return float(lines) / number, float(table) / number, int(number)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--times", type=int, default=5, help="repeats of each measurement, in turns")
    options = parser.parse_args()
    url = os.environ["LOOPWRIGHT_STORE"]
    share, part = SharedStore(url), 10 if options.quick else 1
    share.init()
    works: list[tuple[str, Work, int]] = [
        ("events, one wait at the end", events, 20_000 // part),
        ("calls, one after the other", calls_in_order, 1000 // part),
        ("calls, 16 at a time", calls_at_once(16), 4000 // part),
        ("calls, 128 at a time", calls_at_once(128), 8000 // part),
    ]
    table = Table("work", "n", "folder ms", "Postgres ms", "ratio", "Postgres per s", "range ms")
    for name, work, number in works:
        taken: dict[str, list[float]] = {"folder": [], "shared": []}
        for _ in range(options.times):
            taken["folder"].append(measured(work, number, None)[0] * 1000 / number)
            taken["shared"].append(measured(work, number, share)[0] * 1000 / number)
        folder, shared = statistics.median(taken["folder"]), statistics.median(taken["shared"])
        span = f"{min(taken['shared']):.3f} to {max(taken['shared']):.3f}"
        rate = f"{1000 / shared:.0f}"
        table.add_row(
            name,
            f"{options.times} x {number}",
            f"{folder:.3f}",
            f"{shared:.3f}",
            f"{shared / folder:.2f}",
            rate,
            span,
        )
    console = Console(width=120)
    console.print(table)
    commits = [plain_commit(url, 1000 // part) for _ in range(options.times)]
    told = f"{statistics.median(commits):.3f} ms, {min(commits):.3f} to {max(commits):.3f}"
    console.print(f"one INSERT with its commit by psycopg alone, {options.times} x {1000 // part}: {told}")
    line, row, number = bytes_per_event(url)
    console.print(f"{number} events: {line:.0f} bytes of line, {row:.0f} bytes of table and indexes for each")


if __name__ == "__main__":
    main()
