"""How fast `loopwright view` and a report are in a real browser, on a run of 10,000 episodes and a list of 100 runs.

`python -m bench.view [--episodes N] [--runs N] [--times N]`. It needs Chromium.

Times are the browser's own: from the beginning of the navigation to the first contentful paint, and to the moment at
which what was asked for stands on the page. A cold server has not read the run before.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loopwright.report import render_html
from tests.report import browser, samples
from tests.report.builder import RunBuilder

ROWS = "document.querySelectorAll('#list tbody tr').length >= 200"
WHOLE = "document.querySelector('#overview .abstract')?.innerText.startsWith('{done} of')"
EPISODE = "document.querySelector('#episode h1') !== null"
UPDATES, PAUSE = 40, 0.5
"""Episodes that end while a page watches, and seconds between two of them."""


@dataclass(frozen=True, slots=True)
class Server:
    """`loopwright view` in a process of its own."""

    process: subprocess.Popen[str]
    address: str

    @property
    def root(self) -> str:
        """The address of the list without the token."""
        return re.sub(r"\?.*", "", self.address)

    @property
    def processor(self) -> float:
        """Seconds of a processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, field: str) -> float:
        """`VmRSS` or `VmHWM`, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:")) / 1024


@contextmanager
def served(runs: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "loopwright.cli", "view", "--runs", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process, process.stdout.readline().strip())
        finally:
            process.kill()


def grow(run: RunBuilder, first: int, last: int) -> None:
    """Records episodes of two variants: one try, or up to six iterations with critiques and rollbacks."""
    for number in range(first, last):
        rng = random.Random(number // 2)
        hard, variant = rng.random(), ("single", "refine")[number % 2]
        turns = samples._turns(rng, variant, hard)
        run.episode(turns, instance=f"nested-{number // 2:05}", variant=variant, goal=samples.GOAL)


def shown(page: browser.Page, address: str, until: str) -> tuple[float, float]:
    """Opens an address; seconds to the first contentful paint, and until a condition holds."""
    page.send("Page.navigate", url="about:blank")
    page.send("Page.navigate", url=address)
    ready = page.run(
        "new Promise((done) => { const look = () => "
        f"({until}) ? requestAnimationFrame(() => done(performance.now())) : setTimeout(look, 5); look(); }})"
    )
    paint = page.run("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()")
    return paint / 1000, ready / 1000


def delay(page: browser.Page, run: RunBuilder, number: int) -> float:
    """Seconds from before an event is recorded until the page shows it."""
    written: list[float] = []

    def write() -> None:
        time.sleep(0.2)
        written.append(time.time())
        grow(run, number, number + 1)

    thread = threading.Thread(target=write)
    thread.start()
    told = f"nested-{number // 2:05}:{('single', 'refine')[number % 2]}:0"
    at = page.run(
        "new Promise((done) => { const look = () => document.querySelector('#live .news')?.innerText."
        f"includes('{told}') ? requestAnimationFrame(() => done(Date.now())) : setTimeout(look, 2); look(); }})"
    )
    thread.join()
    return float(at) / 1000 - written[0]


def busy(page: browser.Page) -> tuple[float, float]:
    """Seconds that the page's thread has worked so far, and bytes that it has got."""
    metrics = {one["name"]: one["value"] for one in page.send("Performance.getMetrics")["metrics"]}
    got = page.run("performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)")
    return float(metrics["TaskDuration"]), float(got)


class Measured:
    """A table of what was measured."""

    def __init__(self, title: str) -> None:
        self.table = Table("what", "n", "median", "worst", title=title)

    def add(self, what: str, values: Sequence[float], unit: str = "s") -> None:
        digits = 0 if unit in ("MB", "kB") else 3
        middle, worst = statistics.median(values), max(values)
        print(f"{what}: {middle:.{digits}f} {unit}", file=sys.stderr, flush=True)
        self.table.add_row(what, str(len(values)), f"{middle:.{digits}f} {unit}", f"{worst:.{digits}f} {unit}")

    def twice(self, what: str, times: Sequence[tuple[float, float]]) -> None:
        self.add(f"{what}: first paint", [first for first, _ in times])
        self.add(f"{what}: there", [last for _, last in times])


@contextmanager
def browsing(width: int = 1280) -> Iterator[browser.Page]:
    with tempfile.TemporaryDirectory() as profile, browser.Page(Path(profile), timeout=900) as page:
        page.screen(width, 900)
        page.send("Performance.enable")
        yield page


def measure_large(measured: Measured, runs: Path, run: RunBuilder, episodes: int, times: int) -> None:
    """A server that has not read the run, then one that has, then one whose run grows."""
    address = f"runs/{run.folder.name}/"
    an_episode = f"{address}#episode/sums.nested-{episodes // 4:05}%3Arefine%3A0"
    whole = WHOLE.format(done=f"{episodes}")
    with browsing() as page:
        for what, path, until in (("the run, cold", address, ROWS), ("an episode, cold", an_episode, EPISODE)):
            found = []
            for _ in range(times):
                with served(runs) as server:
                    shown(page, server.address, "document.querySelector('h1') !== null")
                    found.append(shown(page, server.root + path, until))
            measured.twice(what, found)
    with served(runs) as server, browsing() as page:
        shown(page, server.address, "document.querySelector('h1') !== null")
        measured.add("the run, cold: all numbers", [shown(page, server.root + address, whole)[1]])
        measured.add("all of its record read, by a processor", [server.processor])
        measured.add("memory of the server, then", [server.megabytes("VmRSS")], "MB")
        measured.twice("the run, warm", [shown(page, server.root + address, ROWS) for _ in range(times)])
        measured.twice("an episode, warm", [shown(page, server.root + an_episode, EPISODE) for _ in range(times)])
        page.screen(390, 844)
        measured.twice("the run, warm, phone", [shown(page, server.root + address, ROWS) for _ in range(times)])
        page.screen(1280, 900)
        shown(page, server.root + address, ROWS)
        time.sleep(3)
        measured.add("an event, from its record to the page", [delay(page, run, episodes + i) for i in range(UPDATES)])
        measure_updates(measured, server, page, lambda i: grow(run, episodes + UPDATES + i, episodes + UPDATES + i + 1))
        measured.add("memory of the server, at most", [server.megabytes("VmHWM")], "MB")


def measure_updates(measured: Measured, server: Server, page: browser.Page, go_on: Callable[[int], None]) -> None:
    """What it takes to show that an episode ended, while one ends every half a second."""
    before, (worked, got) = server.processor, busy(page)
    for number in range(UPDATES):
        go_on(number)
        time.sleep(PAUSE)
    after, (worked_on, got_on) = server.processor, busy(page)
    measured.add("a growing run, the server for each episode", [(after - before) / UPDATES])
    measured.add("a growing run, the page for each episode", [(worked_on - worked) / UPDATES])
    measured.add("a growing run, sent for each episode", [(got_on - got) / UPDATES / 1024], "kB")


def measure_list(measured: Measured, runs: Path, number: int, times: int) -> None:
    for one in range(number):
        if not (runs / f"run-{one:03}").exists():
            run = RunBuilder(runs / f"run-{one:03}", variants=("single", "refine"), episodes=20)
            grow(run, 0, 20 if one % 3 else 13)
            run.close("completed" if one % 3 else "interrupted")
    there = f"document.querySelectorAll('tbody tr').length >= {number}"
    with browsing() as page:
        found = []
        for _ in range(times):
            with served(runs) as server:
                found.append(shown(page, server.address, there))
        measured.twice(f"a list of {number} runs, cold", found)
        with served(runs) as server:
            shown(page, server.address, there)
            measured.twice(f"a list of {number} runs, warm", [shown(page, server.root, there) for _ in range(times)])


def measure_file(measured: Measured, run: Path, page_file: Path, times: int) -> None:
    started = time.perf_counter()
    html = render_html(run)
    measured.add("the report as a file: made", [time.perf_counter() - started])
    page_file.write_text(html, "utf-8")
    measured.add("the report as a file: size", [page_file.stat().st_size / 1e6], "MB")
    with browsing() as page:
        measured.twice("the report as a file", [shown(page, page_file.as_uri(), ROWS) for _ in range(times)])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", choices=["large", "list", "file"], action="append")
    options = parser.parse_args()
    wanted = options.only or ["large", "list", "file"]
    measured = Measured(f"{options.episodes} episodes; {options.runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        if {"large", "file"} & {*wanted}:
            run = RunBuilder(runs / "large", variants=("single", "refine"), episodes=options.episodes + 2 * UPDATES)
            grow(run, 0, options.episodes)
            if "file" in wanted:
                measure_file(measured, run.folder, Path(folder) / "report.html", options.times)
            if "large" in wanted:
                measure_large(measured, runs, run, options.episodes, options.times)
            run.close()
        if "list" in wanted:
            measure_list(measured, Path(folder) / "list", options.runs, options.times)
    Console().print(measured.table)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
