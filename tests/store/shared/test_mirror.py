"""Working copies that follow their runs while somebody looks at them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from loopwright.store import RunStore, read_run
from loopwright.store.shared import SharedStore, mirrored
from tests.store.shared.test_store import execute, recorded
from tests.store.support import manifest, note

pytestmark = pytest.mark.anyio


def seen_soon(folder: Path, number: int) -> None:
    """Waits until a folder has so many events."""
    for _ in range(200):
        if (folder / "run.json").exists() and len(list(read_run(folder).events)) == number:
            return
        time.sleep(0.05)
    raise AssertionError(f"{folder} does not follow")


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
