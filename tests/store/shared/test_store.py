"""Runs in a real Postgres: what is written there, who may write, and what comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loopwright.errors import FolderTaken, MissingContent, RunInUse, StoreError, UserError
from loopwright.store import CallFinished, RunStore, read_run
from loopwright.store.shared import SharedStore, _schema
from tests.store.shared.server import PostgresServer
from tests.store.support import key, manifest, note

pytestmark = pytest.mark.anyio


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same record, byte for byte."""
    return content(one) == content(other)


def content(folder: Path) -> dict[str, bytes]:
    files = [folder / "run.json", folder / "events.jsonl", *folder.glob("artifacts/??/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def execute(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def recorded(url: str, folder: Path, run: str = "r1") -> Path:
    """A shared run with a few events, and artifacts."""
    store = RunStore.create(folder, manifest(run), share=SharedStore(url))
    for number in range(5):
        store.append(note(f"event {number}"), episode="e")
        store.put(b"\xff" * number)
    store.close()
    return folder


async def test_a_run_is_the_same_in_the_folder_the_database_and_other_folders(url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(folder, tmp_path / "two")
    store = RunStore.open(folder, share=SharedStore(url))
    store.append(note("more"))
    store.put(b"\xfe")
    store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(folder, tmp_path / "two")


async def test_what_is_synced_is_in_the_database(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    ref = store.put(b"\xff\xfe")
    store.append(note("event"), episode="e")
    await store.sync()
    [(line,)] = execute(url, "SELECT line FROM loopwright.events")
    assert (tmp_path / "one" / "events.jsonl").read_bytes() == line
    assert execute(url, "SELECT encode(ref, 'hex'), size, data FROM loopwright.artifacts") == [(ref, 2, b"\xff\xfe")]
    store.close()


async def test_an_artifact_that_is_stored_again_is_not_sent_again(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    for number in range(3):
        store.put(b"\xff\xfe")
        store.append(note(f"event {number}"), episode="e")
        await store.sync()
    # What is sent gets a number, also where the database has it.
    assert execute(url, "SELECT artifacts FROM loopwright.runs") == [(1,)]
    store.close()


async def test_a_paid_call_is_known_to_all_before_it_is_made_and_its_result_before_it_is_used(
    url: str, tmp_path: Path
) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))

    async def call() -> dict[str, Any]:
        [(line,)] = execute(url, "SELECT line FROM loopwright.events WHERE type = 'call_intended'")
        assert json.loads(line)["data"]["key"] == str(key())
        return {"text": "hello"}

    assert await store.once(key(), call, kind="model", repeatable=True) == {"text": "hello"}
    [(line,)] = execute(url, "SELECT line FROM loopwright.events WHERE type = 'call_finished'")
    assert json.loads(line)["data"]["result"] == {"text": "hello"}
    store.close()


async def test_another_machine_goes_on_and_pays_nothing_again(url: str, tmp_path: Path) -> None:
    async def call() -> dict[str, Any]:
        return {"text": "hello"}

    async def never() -> dict[str, Any]:
        raise AssertionError

    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    await store.once(key(), call, kind="model", repeatable=True)
    store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    store = RunStore.open(tmp_path / "two", share=SharedStore(url))
    assert await store.once(key(), never, kind="model", repeatable=True) == {"text": "hello"}
    store.append(note("more"))
    store.close()
    # The first machine's folder gets what the second one wrote.
    store = RunStore.open(tmp_path / "one", share=SharedStore(url))
    store.close()
    assert same(tmp_path / "one", tmp_path / "two")


async def test_a_second_driver_hears_who_has_the_run(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    store.append(note("event"))
    await store.sync()
    SharedStore(url).pull("r1", tmp_path / "two")
    with pytest.raises(RunInUse, match=r"by process \d+ on .+ since 20"):
        RunStore.open(tmp_path / "two", share=SharedStore(url))
    assert "process" in SharedStore(url).runs()[0].writer
    store.append(note("more"))
    store.close()
    assert SharedStore(url).runs()[0].writer == ""
    RunStore.open(tmp_path / "two", share=SharedStore(url)).close()


async def test_a_reader_leaves_a_folder_alone_that_a_driver_here_writes(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    store.append(note("event"))
    SharedStore(url).pull("r1", tmp_path / "one")
    store.append(note("more"))
    store.close()
    assert len(list(read_run(tmp_path / "one").events)) == 2


async def test_a_shared_folder_is_not_resumed_alone(url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    with pytest.raises(StoreError, match="is shared in database") as caught:
        RunStore.open(folder)
    assert "store copy" in caught.value.remedy


async def test_a_copy_goes_its_own_way(url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    SharedStore(url).copy_out("r1", tmp_path / "own")
    assert same(folder, tmp_path / "own")
    store = RunStore.open(tmp_path / "own")
    store.append(note("own"))
    store.close()
    with pytest.raises(FolderTaken):
        SharedStore(url).copy_out("r1", tmp_path / "own")
    with pytest.raises(FolderTaken):
        SharedStore(url).pull("r1", tmp_path / "own")


async def test_a_folder_is_copied_to_another_database(server: PostgresServer, url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    other = server.new_database()
    assert SharedStore(other).copy_in(folder) == "r1"
    assert SharedStore(other).copy_in(folder) == "r1"
    SharedStore(other).pull("r1", tmp_path / "two")
    assert same(folder, tmp_path / "two")
    with pytest.raises(StoreError, match="another database"):
        SharedStore(other).pull("r1", folder)


async def test_lines_that_were_never_sent_are_sent_on_resume(url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    execute(url, "DELETE FROM loopwright.events WHERE seq > 2")
    execute(url, "UPDATE loopwright.runs SET lines = 3")
    SharedStore(url).pull("r1", folder)
    assert len(list(read_run(folder).events)) == 5
    RunStore.open(folder, share=SharedStore(url)).close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(folder, tmp_path / "two")


async def test_a_run_that_went_on_in_two_ways_is_refused_and_nothing_is_lost(url: str, tmp_path: Path) -> None:
    folder = recorded(url, tmp_path / "one")
    SharedStore(url).pull("r1", tmp_path / "two")
    (tmp_path / "two" / "shared.json").rename(tmp_path / "mark")
    for name, share in (("two", None), ("one", SharedStore(url))):
        store = RunStore.open(tmp_path / name, share=share)
        store.append(note(name))
        store.close()
    (tmp_path / "mark").rename(tmp_path / "two" / "shared.json")
    before = content(tmp_path / "two"), content(folder)
    for step in (
        lambda: RunStore.open(tmp_path / "two", share=SharedStore(url)),
        lambda: SharedStore(url).pull("r1", tmp_path / "two"),
    ):
        with pytest.raises(StoreError, match="two ways") as caught:
            step()
        assert "move the folder away" in caught.value.remedy
    assert (content(tmp_path / "two"), content(folder)) == before
    # Whoever was refused did not take the run from its driver.
    assert execute(url, "SELECT epoch FROM loopwright.runs") == [(2,)]


async def test_names_that_are_taken_or_unknown(url: str, tmp_path: Path) -> None:
    recorded(url, tmp_path / "one")
    with pytest.raises(StoreError, match="holds a run 'r1' already"):
        RunStore.create(tmp_path / "again", manifest(), share=SharedStore(url))
    assert not (tmp_path / "again" / "run.json").exists()
    with pytest.raises(MissingContent, match="no run 'r2'"):
        SharedStore(url).pull("r2", tmp_path / "r2")
    for bad in ("../up", ".hidden", "a/b", "x" * 300, "tab\t"):
        with pytest.raises(StoreError, match="cannot be named"):
            RunStore.create(tmp_path / "bad", manifest(bad), share=SharedStore(url))


async def test_a_schema_of_another_version(url: str, tmp_path: Path) -> None:
    recorded(url, tmp_path / "one")
    for version, words in (("99", "version 99"), ("nine", "does not say its version"), ("0", "store init")):
        execute(url, "UPDATE loopwright.settings SET value = %s WHERE name = 'version'", version)
        with pytest.raises(StoreError) as caught:
            SharedStore(url).runs()
        assert words in str(caught.value)
    execute(url, "UPDATE loopwright.settings SET value = '99' WHERE name = 'version'")
    with pytest.raises(StoreError, match="version 99"):
        SharedStore(url).init()


async def test_a_database_without_runs(url: str) -> None:
    with pytest.raises(StoreError, match="no schema") as caught:
        SharedStore(url).runs()
    assert "store init" in caught.value.remedy
    SharedStore(url).init()
    assert SharedStore(url).runs() == []


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://me:canary-4d5e6f@127.0.0.1:1/db",
        "postgresql://me:canary-4d5e6f@127.0.0.1:{port}/none",
        "postgresql://me@127.0.0.1:{port}/none?password=canary-4d5e6f",
    ],
)
async def test_a_server_that_is_away_is_named_without_its_password(
    wrong: str, server: PostgresServer, tmp_path: Path
) -> None:
    with pytest.raises(StoreError) as caught:
        RunStore.create(tmp_path / "one", manifest(), share=SharedStore(wrong.format(port=server.port)))
    assert "canary-4d5e6f" not in str(caught.value)
    assert caught.value.remedy
    assert not (tmp_path / "one" / "run.json").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://me:canary-4d5e6f@localhost/db",
        "canary-4d5e6f",
        "postgresql://me:canary@4d5e6f@host/db",
        "postgresql://me:canary-4d5e6f@host:port/db",
        "postgresql://me:canary-4d5e6f@[::1/db",
        "postgresql://me:canary-4d5e6f@host/db?nonsense=1",
    ],
)
async def test_what_is_no_url_of_a_server_is_refused_untold(wrong: str) -> None:
    with pytest.raises(UserError) as caught:
        SharedStore(wrong)
    assert "4d5e6f" not in str(caught.value)


async def test_the_url_stands_nowhere(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE ROLE canary_user LOGIN SUPERUSER PASSWORD 'canary-7a8b9c'")
    secret = url.replace("postgres@", "canary_user:canary-7a8b9c@")
    folder = recorded(secret, tmp_path / "one")
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"canary-7a8b9c" not in path.read_bytes()
            assert b"canary_user" not in path.read_bytes()
    assert execute(url, "SELECT count(*) FROM loopwright.events WHERE line LIKE '%%canary-7a8b9c%%'") == [(0,)]


async def test_artifacts_beyond_a_size_go_to_a_folder(url: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    made = SharedStore(url).init(str(place), 10)
    assert (made.place, made.inline) == (f"file://{place}", 10)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    large = store.put(b"\xff" * 11)
    store.put(b"\xff" * 10)
    store.close()
    assert (place / large[:2] / large[2:]).read_bytes() == b"\xff" * 11
    assert execute(url, "SELECT size FROM loopwright.artifacts WHERE data IS NULL") == [(11,)]
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")
    shutil.rmtree(place)
    with pytest.raises(StoreError, match="not marked"):
        SharedStore(url).pull("r1", tmp_path / "three")
    assert not (tmp_path / "three" / "run.json").exists()


async def test_a_result_that_is_large_is_an_artifact_there_too(url: str, tmp_path: Path) -> None:
    async def call() -> dict[str, Any]:
        return {"text": "x" * 100_000}

    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    await store.once(key(), call, kind="model", repeatable=True)
    store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    [finished] = [one.data for one in read_run(tmp_path / "two").events if isinstance(one.data, CallFinished)]
    assert read_run(tmp_path / "two").result(finished) == {"text": "x" * 100_000}


async def test_a_schema_of_an_older_version_is_brought_up_to_date_by_init(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(url, tmp_path / "one")
    newer = (*_schema.MIGRATIONS, "ALTER TABLE loopwright.runs ADD COLUMN team text")
    monkeypatch.setattr(_schema, "MIGRATIONS", newer)
    with pytest.raises(StoreError, match="has version 1; this loopwright needs 2") as caught:
        SharedStore(url).runs()
    assert "store init" in caught.value.remedy
    SharedStore(url).init()
    assert execute(url, "SELECT team FROM loopwright.runs") == [(None,)]
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(folder, tmp_path / "two")


async def test_a_place_that_holds_artifacts_is_not_given_up(url: str, tmp_path: Path) -> None:
    SharedStore(url).init(str(tmp_path / "place"), 10)
    store = RunStore.create(tmp_path / "one", manifest(), share=SharedStore(url))
    with pytest.raises(UserError, match="are being written"):
        SharedStore(url).init(str(tmp_path / "other"))
    store.put(b"\xff" * 11)
    store.close()
    for other in (str(tmp_path / "other"), ""):
        with pytest.raises(UserError, match="artifacts of runs lie in file://"):
            SharedStore(url).init(other)
    assert not (tmp_path / "other").exists()
    SharedStore(url).init(f"{tmp_path / 'place'}/", 20)
    SharedStore(url).pull("r1", tmp_path / "two")
    assert same(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize(
    "setting",
    ["DateStyle = 'German'", "bytea_output = 'escape'", "search_path = 'loopwright'", "TimeZone = 'Asia/Kathmandu'"],
)
def test_settings_of_the_database_change_nothing(url: str, tmp_path: Path, setting: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting}".encode())
    recorded(url, tmp_path / "one")
    SharedStore(url).pull("r1", tmp_path / "two")
    assert content(tmp_path / "two") == content(tmp_path / "one")
