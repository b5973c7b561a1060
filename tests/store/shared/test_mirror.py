"""Working copies that follow their runs while somebody looks at them."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loopwright.store import RunStore, Writer, read_run
from loopwright.store._lock import refreshing
from loopwright.store.shared import SharedStore, mirrored
from loopwright.view import FollowedRun, _followed
from loopwright.view._list import RunList
from tests.report.builder import RunBuilder, Turn
from tests.store.shared.test_store import execute, recorded
from tests.store.support import manifest, note, python

pytestmark = pytest.mark.anyio


def seen_soon(folder: Path, number: int) -> None:
    """Waits until a folder has so many events."""
    for _ in range(200):
        if (folder / "run.json").exists() and len(list(read_run(folder).events)) == number:
            return
        time.sleep(0.05)
    raise AssertionError(f"{folder} does not follow")


def until(holds: Callable[[], bool]) -> None:
    """Waits until a condition holds."""
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to that")


def test_folders_follow_while_runs_are_written(url: str, tmp_path: Path) -> None:
    recorded(url, tmp_path / "old", "old")
    store = RunStore.create(tmp_path / "one", manifest("new"), share=SharedStore(url))
    with mirrored(SharedStore(url), tmp_path / "runs"):
        seen_soon(tmp_path / "runs" / "old", 5)
        for number in range(3):
            store.append(note("event"))
            seen_soon(tmp_path / "runs" / "new", number + 1)
    store.append(note("unseen"))
    store.close()
    assert len(list(read_run(tmp_path / "runs" / "new").events)) == 3


def test_only_the_named_run_follows(url: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        recorded(url, tmp_path / name, name)
    with mirrored(SharedStore(url), tmp_path / "runs", "two"):
        seen_soon(tmp_path / "runs" / "two", 5)
    assert not (tmp_path / "runs" / "one").exists()


def test_a_run_that_cannot_be_read_stops_no_other(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorded(url, tmp_path / "bad", "bad")
    execute(url, "UPDATE loopwright.events SET line = '\\x7b7d0a' WHERE seq = 4")
    store = RunStore.create(tmp_path / "one", manifest("new"), share=SharedStore(url))
    with mirrored(SharedStore(url), tmp_path / "runs"):
        for number in range(3):
            store.append(note("event"))
            seen_soon(tmp_path / "runs" / "new", number + 1)
    store.close()
    [told] = [record.getMessage() for record in caplog.records if "run bad" in record.getMessage()]
    assert told.startswith("the copy of run bad is not refreshed: line 5 of the run bad in the database is damaged")


async def test_only_what_is_new_is_read_again(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest("r1"), share=SharedStore(url))
    for number in range(3):
        store.put(b"\xff" * (number + 1))
        store.append(note(f"{number}"))
    await store.sync()
    runs = tmp_path / "runs"
    with SharedStore(url).following() as following:
        assert following.refresh(runs, None, 1) == {}
        # Whoever compares all of the run, or asks for all artifacts, meets these.
        execute(url, "UPDATE loopwright.events SET line = '\\x7b7d0a' WHERE seq = 1")
        execute(url, "UPDATE loopwright.artifacts SET size = -1 WHERE number = 1")
        for artifact in (runs / "r1").glob("artifacts/??/*"):
            artifact.unlink()
        for number in (4, 5):
            store.put(b"\xff" * number)
            store.append(note(f"{number}"))
            await store.sync()
            assert following.refresh(runs, None, 1) == {}
            assert len(list(read_run(runs / "r1").events)) == number
            assert len(list((runs / "r1").glob("artifacts/??/*"))) == number - 3
        # A copy that is gone is made anew, from all of the run.
        shutil.rmtree(runs)
        store.append(note("more"))
        await store.sync()
        assert list(following.refresh(runs, None, 1)) == ["r1"]
    store.close()


WORKS = """
import sys
from pathlib import Path
from loopwright.store.shared import SharedStore
from tests.report.builder import RunBuilder, Turn
run = RunBuilder(Path(sys.argv[2]), run="far", episodes=9, share=SharedStore(sys.argv[1]))
run.episode([Turn(1.0)], instance="first")
run.episode([Turn(0.5)], instance="second", finish=False)
print("works", flush=True)
sys.stdin.read()
"""


def test_a_run_that_works_elsewhere_is_shown_as_running_until_its_process_is_killed(url: str, tmp_path: Path) -> None:
    copy, listed = tmp_path / "runs" / "far", RunList(tmp_path / "runs")
    with python(WORKS, url, tmp_path / "elsewhere") as driver, mirrored(SharedStore(url), tmp_path / "runs"):
        assert driver.stdout is not None
        assert driver.stdout.readline() == "works\n"
        until(lambda: (copy / "run.json").exists() and read_run(copy).writer is not None)
        assert read_run(copy).writer == Writer(driver.pid, socket.gethostname())
        until(lambda: [run["done"] for run in listed.look()] == [1])
        assert [(run["state"], run["shared"]) for run in listed.look()] == [
            (f"running on {socket.gethostname()}", True)
        ]
        page = FollowedRun(copy)
        until(lambda: not page.look() and len(page.state()["underway"]) == 1)
        state = page.state()
        assert (state["writer"], state["host"]) == (True, socket.gethostname())
        driver.kill()
        until(lambda: read_run(copy).writer is None)
        assert (page.state()["writer"], listed.look()[0]["state"]) == (False, "interrupted")


def test_the_numbers_of_a_run_elsewhere_are_not_counted_anew_at_every_event(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_followed, "_PAUSE", 1e9)
    run = RunBuilder(tmp_path / "elsewhere", run="far", episodes=3, share=SharedStore(url))
    run.episode([Turn(1.0)], instance="first")
    copy = tmp_path / "runs" / "far"
    with mirrored(SharedStore(url), tmp_path / "runs"):
        until(lambda: (copy / "run.json").exists() and read_run(copy).writer is not None)
        page = FollowedRun(copy)
        until(lambda: not page.look() and page.state()["done"] == 1)
        page.numbers()
        counted = page.state()["numbers"]
        run.episode([Turn(1.0)], instance="second")
        until(lambda: not page.look() and page.state()["done"] == 2)
        assert page.state()["numbers"] == counted
        run.close()
        until(lambda: not page.look() and page.state()["finished"] == "completed")
        assert page.state()["numbers"] > counted


def test_who_writes_elsewhere_is_believed_for_a_minute(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest("r1"), share=SharedStore(url))
    store.append(note("event"))
    SharedStore(url).pull("r1", tmp_path / "two")
    assert str(read_run(tmp_path / "two").writer) == f"process {os.getpid()} on {socket.gethostname()}"
    told = tmp_path / "two" / "writer.json"
    # Nobody looked at the database since.
    os.utime(told, (time.time() - 90,) * 2)
    assert read_run(tmp_path / "two").writer is None
    SharedStore(url).pull("r1", tmp_path / "two")
    assert read_run(tmp_path / "two").writer is not None
    for made_up in ("{}", '{"process": 1, "host": ""}', "x" * 10_000, '{"process": 1, "host": "h", "more": 1}'):
        told.write_text(made_up)
        assert read_run(tmp_path / "two").writer is None
    told.write_text('{"process": 1, "host": "a\\nb\\u001b"}')
    assert str(read_run(tmp_path / "two").writer).isprintable()
    store.close()
    SharedStore(url).pull("r1", tmp_path / "two")
    assert not told.exists()


def test_a_folder_that_is_being_filled_stops_no_other(url: str, tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "one", manifest("r1"), share=SharedStore(url))
    copy = tmp_path / "runs" / "r1"
    with SharedStore(url).following() as following:
        assert following.refresh(tmp_path / "runs", None, 1) == {}
        assert read_run(copy).writer is not None
        store.close()
        found: list[dict[str, Exception]] = []
        with refreshing(copy):
            look = threading.Thread(
                target=lambda: found.append(following.refresh(tmp_path / "runs", None, 1)), daemon=True
            )
            look.start()
            look.join(30)
            assert found == [{}]
        assert read_run(copy).writer is not None
        assert following.refresh(tmp_path / "runs", None, 1) == {}
        assert read_run(copy).writer is None


def test_whoever_takes_a_run_over_writes_it_here(url: str, tmp_path: Path) -> None:
    first = RunStore.create(tmp_path / "one", manifest("r1"), share=SharedStore(url))
    first.append(note("event"))
    SharedStore(url).pull("r1", tmp_path / "two")
    first.close()
    second = RunStore.open(tmp_path / "two", share=SharedStore(url))
    SharedStore(url).pull("r1", tmp_path / "two")
    assert read_run(tmp_path / "two").writer == Writer(os.getpid(), "")
    second.close()
    assert not (tmp_path / "two" / "writer.json").exists()
