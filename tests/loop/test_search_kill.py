"""A search whose process is killed at any instant goes on to the same archive, and pays for nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loopwright.discovery import DISCOVER
from loopwright.loop import run_episode
from loopwright.models import Reply, Request
from loopwright.store import Event, RunStore
from loopwright.types import ValueOptions
from tests.forked import processes
from tests.loop.game import Table
from tests.loop.test_search import Hill, decided

CANDIDATES, WIDTH = 14, 2
VALUE = ValueOptions(direction="maximize")


class Paid:
    """Answers by the seed of a request, and writes down what was asked and what was answered."""

    name = "scripted/proposer"
    repeatable = True
    slots = None

    def __init__(self, file: Path) -> None:
        self.file = file

    async def complete(self, request: Request) -> Reply:
        seed = request.sampling.seed or 0
        await asyncio.sleep(seed % 3 / 1000)
        with self.file.open("a") as file:
            file.write(f"{seed}\n")
        return Reply(text=str(seed % 50 - 5), model="m")

    async def close(self) -> None:
        pass


def table_of(store: RunStore | None, folder: Path, paid: Path, way: Mapping[str, Any]) -> Table:
    given: dict[str, Any] = {**way, "migration": 2, "max_iterations": CANDIDATES, "value": VALUE}
    table = Table(folder, [], strategy=DISCOVER, store=store, width=WIDTH, **given)
    model = Paid(paid)
    table.context = replace(table.context, seed=7, models={model.name: model}, environment=Hill([0.002, 0.0]))
    return table


def search_until(number: int, folder: Path, paid: Path, way: Mapping[str, Any]) -> None:
    """Runs the search; this process kills itself when it recorded so many events."""
    table, seen = table_of(None, folder, paid, way), []

    def note(event: Event) -> None:
        seen.append(event)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    table.store.subscribe(note)
    asyncio.run(run_episode(table.plan, table.context))


def killed_at(number: int, folder: Path, paid: Path, way: Mapping[str, Any]) -> None:
    """Runs the search in another process until that many events are recorded."""
    child = processes().Process(target=search_until, args=(number, folder, paid, way))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


def finished(folder: Path, paid: Path, way: Mapping[str, Any]) -> tuple[Mapping[int, object], list[int]]:
    """What came of a search that goes on, and the seeds of what was answered and recorded before."""
    store = RunStore.open(folder)
    recorded = [event for event in store.events() if event.episode]
    known = [int(line) for line in paid.read_text().split()] if paid.exists() else []
    answered = sum(event.data.type == "call_finished" for event in recorded)
    table = table_of(store, folder, paid, way)
    asyncio.run(run_episode(table.plan, table.context, recorded=recorded))
    found = decided(store.events())
    store.close()
    again = [int(line) for line in paid.read_text().split()][len(known) :]
    assert len(set(known) & set(again)) <= len(known) - answered, "a call that was recorded was made again"
    assert len(again) == CANDIDATES - answered
    return found, again


@pytest.mark.slow
@pytest.mark.parametrize(("way", "kills"), [({}, 50), ({"islands": 3}, 10), ({"parents": "reward"}, 10)])
def test_a_search_that_is_killed_at_many_instants_comes_to_the_same_archive(
    way: Mapping[str, Any], kills: int, tmp_path: Path
) -> None:
    table = table_of(None, tmp_path / "whole", tmp_path / "whole.paid", way)
    asyncio.run(run_episode(table.plan, table.context))
    events = len(list(table.store.events()))
    whole = decided(table.store.events())
    table.store.close()
    assert events > 50
    assert len({parent for parent, _, _ in whole.values()}) > 2
    for at in range(kills):
        number = 1 + at * (events - 2) // (kills - 1)
        folder, paid = tmp_path / str(at), tmp_path / f"{at}.paid"
        killed_at(number, folder, paid, way)
        found, _ = finished(folder, paid, way)
        assert found == whole, f"killed after event {number} of {events}"
