"""Databases and places for artifacts that take nothing for a while, or for good."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest

from loopwright import ComponentOverrides, Run, RunConfig
from loopwright.errors import StoreError
from loopwright.plan import resolve_run
from loopwright.store import Event, RunFinished, RunStore
from loopwright.store.shared import SharedStore
from tests.faults.workload import Billed, Guess, guessing, write_project
from tests.store.shared.proxy import proxied
from tests.store.shared.server import PostgresServer
from tests.store.shared.test_store import execute, same
from tests.store.shared.workload import RUN
from tests.store.support import manifest, note

pytestmark = pytest.mark.anyio

_END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database()"
)


def only_read(url: str, setting: str) -> None:
    """Has the server refuse what writes, or take it again; the driver's session is ended."""
    database = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = {setting}".encode())
        connection.execute(_END_SESSIONS)


async def test_a_server_that_takes_nothing_is_away_though_it_can_be_reached(url: str, tmp_path: Path) -> None:
    said: list[str] = []
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url, patience=1, tell=said.append))
    store.append(note("one"))
    await store.sync()
    only_read(url, "on")
    store.append(note("two"))
    with pytest.raises(StoreError, match=r"was away for 1 s: .*read-only"):
        await asyncio.wait_for(store.sync(), 60)
    with pytest.raises(StoreError):
        store.close()
    assert len(said) == 1
    only_read(url, "off")
    RunStore.open(tmp_path / "one", share=SharedStore(url)).close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


async def test_a_server_that_writes_again_gets_what_is_missing(url: str, tmp_path: Path) -> None:
    said: list[str] = []
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url, tell=said.append))
    store.append(note("one"))
    await store.sync()
    only_read(url, "on")
    store.append(note("two"))
    threading.Timer(1, only_read, (url, "off")).start()
    await store.sync()
    store.close()
    assert ["away" in said[0], *said[1:]] == [True, "the database of the store is back"]
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize("left", ["a file", "nothing", "an empty folder"])
async def test_a_place_that_fails_for_a_while_is_waited_for(url: str, tmp_path: Path, left: str) -> None:
    place, said = tmp_path / "place", list[str]()
    SharedStore(url).init(str(place), 10)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url, tell=said.append))
    store.put(b"\xff" * 100)
    store.append(note("one"))
    await store.sync()
    place.rename(tmp_path / "unplugged")
    if left == "a file":
        place.touch()
    elif left == "an empty folder":
        place.mkdir()
    store.put(b"\xfe" * 100)
    store.append(note("two"))

    def plug_in() -> None:
        if left == "a file":
            place.unlink()
        elif left == "an empty folder":
            place.rmdir()
        (tmp_path / "unplugged").rename(place)

    threading.Timer(1, plug_in).start()
    await store.sync()
    store.close()
    assert "the place for artifacts is away: " in said[0]
    assert said[1:] == ["the place for artifacts is back"]
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


async def test_a_place_that_stays_away_ends_the_run_and_the_folder_has_all(url: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    SharedStore(url).init(str(place), 10)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url, patience=0.5))
    store.put(b"\xff" * 100)
    store.append(note("one"))
    await store.sync()
    place.rename(tmp_path / "unplugged")
    place.touch()
    store.put(b"\xfe" * 100)
    store.append(note("two"))
    with pytest.raises(StoreError, match="the place for artifacts was away for 0 s: file://"):
        await store.sync()
    with pytest.raises(StoreError):
        store.close()
    place.unlink()
    (tmp_path / "unplugged").rename(place)
    RunStore.open(tmp_path / "one", share=SharedStore(url)).close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


async def test_a_run_that_ends_while_the_database_is_away_does_not_stop_what_else_its_process_does(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    given = ComponentOverrides(models={Billed.name: Billed(tmp_path / "paid.log")}, environments={"guess": Guess})
    write_project(tmp_path / "project")
    config = RunConfig(tasks=(guessing(),), project=tmp_path / "project")
    with proxied(server.port) as proxy:
        share = SharedStore(url.replace(str(server.port), str(proxy.port)), patience=3)
        run = Run.start(resolve_run(config, given), tmp_path / RUN, share=share)
        loop = asyncio.get_running_loop()

        def cut(event: Event) -> None:
            if isinstance(event.data, RunFinished):
                proxy.stall()
                proxy.drop()
                # Only a loop that goes on comes to this.
                loop.call_later(0.5, proxy.mend)

        run.store.subscribe(cut)
        await run.execute()
    SharedStore(url).pull(RUN, tmp_path / "two")
    assert same(tmp_path / RUN, tmp_path / "two")


async def test_a_database_from_an_older_backup_gets_its_artifacts_again(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    for number in range(5):
        store.put(b"\xff" * (number + 1))
        store.append(note(f"{number}"))
    await store.sync()
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM loopwright.events WHERE seq >= 2")
        connection.execute("DELETE FROM loopwright.artifacts WHERE number >= 2")
        connection.execute("UPDATE loopwright.runs SET lines = 2, artifacts = 2")
    execute(url, _END_SESSIONS)
    store.append(note("more"))
    await store.sync()
    SharedStore(url).pull("r1", tmp_path / "two")
    store.close()
    assert same(tmp_path / "one", tmp_path / "two")
