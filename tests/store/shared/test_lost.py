"""Servers and ways to them that fail: the driver waits, sends what is missing, or hears that it lost the run."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopwright.errors import RunInUse, StoreError
from loopwright.store import RunStore, read_run
from loopwright.store.shared import SharedStore
from tests.faults.table import proves
from tests.store.shared.proxy import Proxy, proxied
from tests.store.shared.server import PostgresServer
from tests.store.shared.test_store import execute, same
from tests.store.support import key, manifest, note

pytestmark = pytest.mark.anyio


async def paid() -> dict[str, Any]:
    return {"text": "hello"}


async def never() -> dict[str, Any]:
    raise AssertionError("a paid call was made")


def through(url: str, server: PostgresServer, proxy: Proxy) -> str:
    return url.replace(str(server.port), str(proxy.port))


def texts(folder: Path) -> list[str]:
    return [getattr(event.data, "message", "") for event in read_run(folder).events]


@proves(
    "the way to Postgres is cut without a word, three times in a run",
    "paid calls wait, and are made once; folder and database equal",
)
async def test_a_cut_way_is_waited_for_and_nothing_is_lost(server: PostgresServer, url: str, tmp_path: Path) -> None:
    said: list[str] = []
    with proxied(server.port) as proxy:
        store = RunStore.create(
            tmp_path / "one", manifest(), share=SharedStore(through(url, server, proxy), answer=0.5, tell=said.append)
        )
        for number in range(3):
            store.append(note(f"before {number}"), episode="e")
            store.put(b"\xff%d" % number)
            await store.sync()
            proxy.stall()
            store.append(note(f"after {number}"), episode="e")
            waiting = asyncio.ensure_future(store.once(key(number), paid, kind="model", repeatable=True))
            threading.Timer(1, proxy.mend).start()
            await waiting
        store.close()
    assert any("is away" in line for line in said)
    assert any("is back" in line for line in said)
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


@proves(
    "a driver is cut off from Postgres, and another machine takes its run",
    "the first one makes no paid call, names the second one and stops; nothing of it is in the record",
)
async def test_a_driver_that_was_cut_off_and_replaced_stops_and_leaves_nothing_in_the_record(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    with proxied(server.port) as proxy:
        one = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(through(url, server, proxy), answer=0.5))
        one.append(note("one"))
        await one.sync()
        proxy.stall()
        proxy.drop_at_server()
        two = resumed_soon(url, tmp_path / "two")
        two.append(note("two"))
        await two.sync()
        one.append(note("too late"))
        lost = asyncio.ensure_future(one.once(key(), never, kind="model", repeatable=True))
        threading.Timer(0.7, proxy.mend).start()
        with pytest.raises(RunInUse, match=r"was taken over by process \d+ on"):
            await lost
        with pytest.raises(RunInUse):
            one.append(note("later still"))
        with pytest.raises(RunInUse):
            one.close()
        two.append(note("three"))
        two.close()
    SharedStore(url).pull("r1", tmp_path / "three")
    assert texts(tmp_path / "three") == ["one", "two", "three"]
    # What the cut driver wrote after the cut is in its folder still, and cannot get into the record.
    with pytest.raises(StoreError, match="two ways"):
        RunStore.open(tmp_path / "one", share=SharedStore(url))
    assert "too late" in texts(tmp_path / "one")


def resumed_soon(url: str, folder: Path) -> RunStore:
    """Takes a run once the server has noticed that its driver is gone."""
    SharedStore(url).pull("r1", folder)
    for _ in range(100):
        try:
            return RunStore.open(folder, share=SharedStore(url))
        except RunInUse:
            time.sleep(0.1)
    raise AssertionError("the run stays taken")


async def test_a_commit_whose_outcome_is_unknown_is_recognised(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    with proxied(server.port) as proxy:
        store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(through(url, server, proxy)))
        for number in range(20):
            store.append(note(f"{number}"))
            await store.sync()
            # Sent and committed at about this moment, or not.
            store.append(note(f"{number} once"))
            await asyncio.sleep(0.004 * number)
            proxy.drop()
        store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")
    assert len(texts(tmp_path / "two")) == 40


async def test_a_server_that_stays_away_ends_the_run_and_the_folder_has_all(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    with proxied(server.port) as proxy:
        store = RunStore.create(
            tmp_path / "one", manifest(), share=SharedStore(through(url, server, proxy), patience=0.5)
        )
        store.append(note("one"))
        await store.sync()
        proxy.close()
        store.append(note("two"))
        with pytest.raises(StoreError, match="was away for") as caught:
            await store.once(key(), never, kind="model", repeatable=True)
        assert "loopwright resume" in caught.value.remedy
        with pytest.raises(StoreError):
            store.append(note("three"))
        with pytest.raises(StoreError):
            store.close()
    again = RunStore.open(tmp_path / "one", share=SharedStore(url))
    again.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")
    assert texts(tmp_path / "two")[:2] == ["one", "two"]


async def test_a_session_that_the_server_ended_takes_its_run_again(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    for number in range(5):
        store.append(note(f"{number}"))
        await store.sync()
        execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()",
        )
    await store.once(key(), paid, kind="model", repeatable=True)
    store.close()
    assert len(texts(tmp_path / "one")) == 7


@proves(
    "Postgres says that its disk is full (error 53100, raised by a trigger)",
    "the run stops and says so; once there is room, it goes on with all of its folder",
)
async def test_a_full_database_is_told_and_the_run_can_go_on_afterwards(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    store.append(note("one"))
    await store.sync()
    fill(url)
    with pytest.raises(StoreError, match="the disk of the database is full") as caught:
        await store.once(key(), never, kind="model", repeatable=True)
    assert "resume" in caught.value.remedy
    with pytest.raises(StoreError):
        store.close()
    execute(url, "DROP TRIGGER full_disk ON loopwright.events")
    again = RunStore.open(tmp_path / "one", share=SharedStore(url))
    assert await again.once(key(), paid, kind="model", repeatable=True) == {"text": "hello"}
    again.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


def fill(url: str) -> None:
    """Has the server say that its disk is full whenever events come."""
    execute(
        url,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'could not extend file \"base/1\": No space left on device' USING ERRCODE = '53100'; END $$",
    )
    execute(
        url, "CREATE TRIGGER full_disk BEFORE INSERT ON loopwright.events FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )


@proves(
    "Postgres says that its disk is full while paid calls are in flight",
    "their replies are in the folder; after a resume none is paid for again",
)
async def test_replies_that_come_after_the_database_failed_are_kept(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    large = {"text": "x" * 100_000}

    async def fails_meanwhile() -> dict[str, Any]:
        fill(url)
        store.append(note("not taken"))
        with pytest.raises(StoreError, match="disk of the database"):
            await store.sync()
        return large

    with pytest.raises(StoreError, match="disk of the database"):
        await store.once(key(), fails_meanwhile, kind="model", repeatable=True)
    with pytest.raises(StoreError):
        store.append(note("nothing new is begun"))
    with pytest.raises(StoreError):
        store.close()
    execute(url, "DROP TRIGGER full_disk ON loopwright.events")
    again = RunStore.open(tmp_path / "one", share=SharedStore(url))
    assert await again.once(key(), never, kind="model", repeatable=True) == large
    again.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


@proves(
    "two machines whose clocks are two hours apart, on one run in Postgres",
    "one writer at a time; each goes on with what the other one recorded",
)
async def test_clocks_that_are_an_hour_apart_decide_nothing(url: str, tmp_path: Path) -> None:
    def clock(hours: int) -> Any:
        return lambda: datetime.now(UTC) + timedelta(hours=hours)

    ahead = RunStore.create(tmp_path / "ahead", manifest(), share=SharedStore(url), clock=clock(1))
    ahead.append(note("ahead"))
    await ahead.sync()
    SharedStore(url).pull("r1", tmp_path / "behind")
    with pytest.raises(RunInUse):
        RunStore.open(tmp_path / "behind", share=SharedStore(url), clock=clock(-1))
    ahead.close()
    behind = RunStore.open(tmp_path / "behind", share=SharedStore(url), clock=clock(-1))
    behind.append(note("behind"))
    await behind.once(key(), paid, kind="model", repeatable=True)
    behind.close()
    again = RunStore.open(tmp_path / "ahead", share=SharedStore(url), clock=clock(1))
    await again.once(key(), never, kind="model", repeatable=True)
    again.close()
    assert texts(tmp_path / "ahead")[:2] == ["ahead", "behind"]
    assert same(tmp_path / "ahead", tmp_path / "behind")


async def test_a_database_from_an_older_backup_gets_the_rest_again(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    for number in range(5):
        store.append(note(f"{number}"))
    await store.sync()
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM loopwright.events WHERE seq >= 2")
        connection.execute("UPDATE loopwright.runs SET lines = 2")
    execute(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database()",
    )
    store.append(note("more"))
    store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


_STEPS = st.lists(st.sampled_from(["append", "long", "put", "sync", "paid", "drop", "restart", "move"]), max_size=14)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=_STEPS)
def test_whatever_happens_both_sides_have_the_same_bytes(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory, url: str, steps: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    run = folder.name
    with proxied(server.port) as proxy:
        share = SharedStore(through(url, server, proxy))
        asyncio.run(_steps(folder, run, share, proxy, steps))
    SharedStore(url).pull(run, folder / "reader")
    homes = [home for home in sorted(folder.iterdir()) if home.name.startswith("home")]
    assert same(homes[-1], folder / "reader")
    shutil.rmtree(folder)


async def _steps(folder: Path, run: str, share: SharedStore, proxy: Proxy, steps: list[str]) -> None:
    homes = 0
    store = RunStore.create(folder / f"home{homes:02}", manifest(run), share=share)
    for number, step in enumerate(steps):
        match step:
            case "append":
                store.append(note(f"{number}"), episode=f'e"\\ü{number % 3}')
            case "long":
                store.append(note(f"{number}" * 100_000), episode="e")
            case "put":
                store.put(b"\xff" * number)
            case "sync":
                await store.sync()
            case "paid":
                await store.once(key(number), paid, kind="model", repeatable=True)
            case "drop":
                proxy.drop()
            case "restart" | "move":
                store.close()
                homes += step == "move"
                home = folder / f"home{homes:02}"
                if step == "move":
                    share.pull(run, home)
                store = RunStore.open(home, share=share)
    store.close()
