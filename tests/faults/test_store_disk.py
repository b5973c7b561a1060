"""Disks that are full, read-only or failing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.errors import StoreError
from loopwright.store import CallFinished, RunStore, read_run
from tests.faults import scripted_run
from tests.faults.table import proves
from tests.store.support import new_run, note


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, 512 kB large."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@proves(
    "disk full while a run is written",
    "the run stops with a typed error that names the file; the record is sound up to the event before; after space "
    "was made, resume gives the same final result and repeats no recorded call",
)
def test_a_full_disk(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    undisturbed = asyncio.run(scripted_run.run(outside / "undisturbed"))
    filler = disk / "filler"
    for room in (16_000, 60_000, 120_000, 200_000):
        (disk / f"run{room}").mkdir()
        # The link keeps what the provider counts off the full disk.
        folder = outside / f"run{room}"
        folder.symlink_to(disk / folder.name)
        filler.write_bytes(b"\0" * (shutil.disk_usage(disk).free - room))
        with pytest.raises(StoreError, match="No space left on device") as caught:
            asyncio.run(scripted_run.run(folder))
        assert caught.value.remedy
        done = {event.data.key for event in read_run(folder).events if isinstance(event.data, CallFinished)}
        calls = Counter(scripted_run.provider_log(folder))
        filler.unlink()
        assert asyncio.run(scripted_run.run(folder)) == undisturbed
        after = Counter(scripted_run.provider_log(folder))
        assert {key: after[key] for key in done} == {key: calls[key] for key in done}
        shutil.rmtree(disk / folder.name)


@proves(
    "disk read-only",
    "appending and opening for writing stop with a typed error; reading the run still works; nothing is lost",
)
def test_a_disk_that_turns_read_only(disk: Path) -> None:
    store = new_run(disk / "run")
    store.append(note("before"))
    store.close()
    remount(disk, "ro")
    with pytest.raises(StoreError, match="Read-only file system") as caught:
        RunStore.open(disk / "run")
    assert caught.value.remedy
    with pytest.raises(StoreError, match="Read-only file system"):
        new_run(disk / "new")
    assert [event.data.type for event in read_run(disk / "run").events] == ["failed"]
    remount(disk, "rw")
    store = RunStore.open(disk / "run")
    assert store.append(note("after")).seq == 1
    store.close()


def opened(path: Path) -> int:
    """The descriptor under which this process has a file open."""
    links = {int(link.name): link for link in Path("/proc/self/fd").iterdir()}
    [found] = [number for number, link in links.items() if link.exists() and link.samefile(path)]
    return found


@pytest.mark.anyio
@proves(
    "the disk reports an error when the journal is synced",
    "nothing more is written, since the kernel may have dropped what it held; after a resume the record is sound",
)
async def test_a_sync_that_fails(tmp_path: Path) -> None:
    store = new_run(tmp_path / "run")
    store.append(note("before"))
    descriptor = opened(tmp_path / "run" / "events.jsonl")
    kept = os.dup(descriptor)
    reading, writing = os.pipe()
    os.dup2(writing, descriptor)  # A pipe takes writes and cannot be synced.
    with pytest.raises(StoreError, match="could not be synced"):
        await store.sync()
    os.dup2(kept, descriptor)
    with pytest.raises(StoreError, match="could not be synced"):
        store.append(note("after"))
    with pytest.raises(StoreError, match="could not be synced"):
        store.close()
    for other in (kept, reading, writing):
        os.close(other)
    store = RunStore.open(tmp_path / "run")
    assert store.append(note("resumed")).seq == 1
    store.close()
