"""Picture of the page of a run that works on a Ray cluster, for the guide: a real run, one of whose workers was killed.

`python -m tests.cluster.pictures [FOLDER]` starts a cluster on this machine. It prints what the run tells.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

from loopwright.cluster import RayCluster
from tests.cluster.workload import begin, executed, kill
from tests.report import browser
from tests.view.pictures import FOLDER, save, served

KILLED, HELD = 12, 42
"""Answers of the model at which a worker is killed, and at which the run stands still for the picture."""


class Shown:
    """The run, which stands still in its middle until it is told to go on."""

    def __init__(self, folder: Path) -> None:
        self._answers = 0
        self._go_on = asyncio.Event()
        self._back = threading.Event()
        self._cluster = RayCluster("ray", 2, tell=self._tell)
        self._run = begin(folder, adders=5, coders=25, concurrency=4, ready=self._ready)
        self._loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=lambda: self._loop.run_until_complete(executed(self._run, self._cluster)))

    def wait(self) -> None:
        """Waits for the middle, and for the worker to come back."""
        while self._answers < HELD or not self._back.is_set():
            assert self.thread.is_alive(), "the run ended before its middle"
            time.sleep(0.1)
        time.sleep(2)  # what is under way comes to its next call

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._go_on.set)
        self.thread.join()

    def _tell(self, line: str) -> None:
        print(line)
        if "there again" in line:
            self._back.set()

    async def _ready(self) -> None:
        self._answers += 1
        if self._answers == KILLED:
            kill(next(iter(self._cluster.facts)).pid)
        if self._answers >= HELD:
            await self._go_on.wait()


def main(folder: Path = FOLDER) -> None:
    """Makes the picture."""
    with tempfile.TemporaryDirectory() as made_in, browser.Page(Path(made_in) / "profile") as page:
        runs = Path(made_in) / "runs"
        runs.mkdir()
        shown = Shown(runs)
        shown.thread.start()
        shown.wait()
        with served(runs) as address:
            page.screen(1100, 420)
            page.open(address)
            page.settle("document.querySelectorAll('#runs tbody tr').length === 1")
            page.open(f"{re.sub(r'[?].*', '', address)}runs/run/")
            page.settle("document.querySelectorAll('#episodes tbody tr').length > 10")
            save(page, folder / "view-cluster.png")
        shown.go_on()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
