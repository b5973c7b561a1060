"""Working copies that follow their runs while somebody looks at them."""

from __future__ import annotations

import time
from pathlib import Path

from loopwright.store import RunStore, read_run
from loopwright.store.shared import SharedStore, mirrored
from tests.store.shared.test_store import recorded
from tests.store.support import manifest, note


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
