"""Checkpoints on a real Postgres server, started for the test from the machine's own packages."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loopwright.errors import Interrupted, MissingExtra, StoreError
from loopwright.store import Event, RunStore, read_run
from tests.faults import workload
from tests.store.support import new_run
from tests.store.test_checkpoints import counting

pytestmark = pytest.mark.anyio
pytest.importorskip("langgraph.checkpoint.postgres", reason="the extra `postgres` is not installed")
psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a fresh server that listens on a socket file."""
    [*_, programs] = [None, *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    if programs is None:
        pytest.skip("Postgres is not installed")
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="loopwright-pg-"))
    if user:
        shutil.chown(folder, "postgres")
    control = [*user, str(programs.parent / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log")]
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    initdb = [*user, str(programs), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        shutil.rmtree(folder)


async def test_state_is_kept_across_openings_and_apart_from_other_runs(server: str, tmp_path: Path) -> None:
    long = "x" * 70
    one, two = new_run(tmp_path / "one", f'{long} "one"'), new_run(tmp_path / "two", f'{long} "two"')
    config = {"configurable": {"thread_id": "e"}}
    async with one.checkpointer(server) as saver:
        await counting(saver).ainvoke({"iteration": 0}, config)
    async with one.checkpointer(server) as saver, two.checkpointer(server) as other:
        assert (await counting(saver).aget_state(config)).values == {"iteration": 3}
        assert (await counting(other).aget_state(config)).values == {}
    one.close()
    two.close()


async def test_many_episodes_share_the_server(server: str, tmp_path: Path) -> None:
    store = new_run(tmp_path / "run", "many")
    async with store.checkpointer(server) as saver:
        graph = counting(saver)
        states = await asyncio.gather(
            *(graph.ainvoke({"iteration": 0}, {"configurable": {"thread_id": str(n)}}) for n in range(20))
        )
    store.close()
    assert states == [{"iteration": 3}] * 20


@pytest.mark.parametrize("place", ["postgres", "sqlite"])
async def test_a_run_that_is_interrupted_and_resumed_shows_where_its_episodes_stand(
    server: str, tmp_path: Path, place: str
) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    expected = workload.outcome(await workload.start(undisturbed).execute())
    url = server if place == "postgres" else "sqlite"
    for cut in (True, False):
        run = workload.start(tmp_path)
        run.checkpoints = url
        if cut:
            run.on_event(lambda event, run=run: run.drain() if event.seq > 30 else None)  # type: ignore[misc]  # bound now
            with pytest.raises(Interrupted):
                await run.execute()
        else:
            assert workload.outcome(await run.execute()) == expected
    record = read_run(tmp_path / "run")
    store = RunStore.open(tmp_path / "run")
    async with store.checkpointer(server if place == "postgres" else None) as saver:
        for name, *_ in expected:
            checkpoint = await saver.aget({"configurable": {"thread_id": str(name)}})
            assert checkpoint is not None
            turns = [event for event in record.events if event.episode == name and event.data.type == "decided"]
            assert checkpoint["channel_values"]["iteration"] == len(turns)
            assert checkpoint["channel_values"]["stopped"]
    store.close()


def _dropped(place: str, folder: Path) -> bool:
    """Takes the tables away, unless somebody writes to them: who does waits for the event loop, as this caller does."""
    if place != "sqlite":
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute('DROP SCHEMA "loopwright_run" CASCADE')
        return True
    with closing(sqlite3.connect(folder / "checkpoints.sqlite", timeout=0)) as connection, connection:
        try:
            connection.execute("DROP TABLE checkpoints")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
    return True


@pytest.mark.parametrize("place", ["postgres", "sqlite"])
async def test_checkpoints_that_can_no_longer_be_kept_take_no_episode_out_of_the_count(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    expected = workload.outcome(await workload.start(undisturbed).execute())
    run = workload.start(tmp_path)
    run.checkpoints = where = server if place == "postgres" else "sqlite"
    dropped = False

    def drop(event: Event) -> None:
        nonlocal dropped
        dropped = dropped or (event.seq >= 20 and _dropped(where, tmp_path / "run"))

    run.on_event(drop)
    assert workload.outcome(await run.execute()) == expected
    assert dropped
    assert caplog.text.count("no more checkpoints are kept") == 1


async def test_a_user_who_may_make_no_schema_is_told(server: str, tmp_path: Path) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE ROLE low LOGIN")
    store = new_run(tmp_path / "run")
    with pytest.raises(StoreError, match="permission denied"):
        async with store.checkpointer(server.replace("postgres@", "low@")):
            pass
    store.close()


async def test_an_address_that_is_no_url_is_told_without_its_password(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    with pytest.raises(StoreError, match="Postgres") as caught:
        async with store.checkpointer("postgresql://me:canary-4d5e6f@[::1/db"):
            pass
    store.close()
    assert "canary-4d5e6f" not in str(caught.value)


async def test_another_kind_of_server_is_refused(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    with pytest.raises(StoreError, match="neither"):
        store.checkpointer("mysql://me:canary-4d5e6f@localhost/db")
    store.close()


async def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langgraph.checkpoint.postgres.aio", None)
    store = new_run(tmp_path / "run")
    with pytest.raises(MissingExtra, match="postgres"):
        async with store.checkpointer("postgresql://localhost/db"):
            pass
    store.close()


async def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    with pytest.raises(StoreError, match="Postgres") as caught:
        async with store.checkpointer("postgresql://me:canary-4d5e6f@127.0.0.1:1/db"):
            pass
    store.close()
    assert "canary-4d5e6f" not in str(caught.value)
    assert caught.value.remedy
