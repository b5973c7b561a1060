"""The run of the fault tests, shared: whoever executes it goes on from what the database has."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from loopwright import ComponentOverrides, Run, RunConfig
from loopwright.errors import RunInUse
from loopwright.plan import resolve_run
from loopwright.store.shared import SharedStore
from tests.faults.workload import Billed, Guess, guessing, write_project

RUN = "guessing"


def execute(url: str, shared: Path, machine: Path) -> None:
    """Starts the run, or goes on with it on a machine that may have nothing of it, and comes to its end.

    Args:
        url: The database.
        shared: Holds the project and the bill, which are the same for all machines.
        machine: Holds the machine's run folders.
    """
    store = SharedStore(url)
    given = ComponentOverrides(models={Billed.name: Billed(shared / "paid.log")}, environments={"guess": Guess})
    store.init()
    if RUN in store.ids():
        asyncio.run(_taken(store, machine / RUN, given).execute())
        return
    write_project(shared / "project")
    config = RunConfig(tasks=(guessing(),), project=shared / "project", concurrency=3)
    asyncio.run(Run.start(resolve_run(config, given), machine / RUN, share=store).execute())


def _taken(store: SharedStore, folder: Path, given: ComponentOverrides) -> Run:
    """The run, once the server has noticed that its last driver is dead."""
    store.pull(RUN, folder)
    for _ in range(200):
        try:
            return Run.reopen(folder, given=given, share=store)
        except RunInUse:
            time.sleep(0.05)
    raise AssertionError("the run stays taken")
