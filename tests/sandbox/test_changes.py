from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.sandbox import Change, Sandbox, SandboxSpec, open_provider

pytestmark = pytest.mark.anyio


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_what_the_host_writes_is_no_change(box: Sandbox) -> None:
    await box.write("a/b/file", b"x")
    await box.write("/tmp/file", b"x")
    assert await box.changes() == []


async def test_changes_are_exact(box: Sandbox) -> None:
    for name in ("kept", "rewritten", "deleted", "moded", "touched", "folder/file"):
        await box.write(name, b"before")
    script = """
    printf after > rewritten; rm deleted; chmod 600 moded; touch touched; cat kept > /dev/null
    chmod 700 folder; mkdir new; printf new > new/file; ln -s kept link; mkfifo pipe
    printf before > rewritten-alike; printf shared > /dev/shm/s; printf t > /tmp/t
    """
    assert (await box.run(["sh", "-c", script])).ok
    file, folder = 0o644, 0o755
    assert await box.changes() == [
        Change("/dev/shm/s", "created", "file", file, sha256(b"shared")),
        Change("/tmp/t", "created", "file", file, sha256(b"t")),
        Change("/work/deleted", "deleted", "file"),
        Change("/work/folder", "modified", "folder", 0o700),
        Change("/work/link", "created", "link", 0, sha256(b"kept")),
        Change("/work/moded", "modified", "file", 0o600, sha256(b"before")),
        Change("/work/new", "created", "folder", folder),
        Change("/work/new/file", "created", "file", file, sha256(b"new")),
        Change("/work/pipe", "created", "other", file),
        Change("/work/rewritten", "modified", "file", file, sha256(b"after")),
        Change("/work/rewritten-alike", "created", "file", file, sha256(b"before")),
    ]


async def test_a_change_within_one_clock_tick_and_with_a_forged_time_is_seen(box: Sandbox) -> None:
    await box.write("x", b"before")
    await box.run(["sh", "-c", "touch -r x stamp; printf AFTER_ > x; touch -r stamp x; rm stamp"])
    assert [(change.path, change.kind) for change in await box.changes()] == [("/work/x", "modified")]


async def test_protected_files_and_folders_are_looked_into(box: Sandbox) -> None:
    await box.run(["sh", "-c", "mkdir shut; echo secret > shut/file; chmod 000 shut/file shut"])
    found = {change.path: change for change in await box.changes()}
    assert found["/work/shut/file"].sha256 == sha256(b"secret\n")
    assert found["/work/shut/file"].mode == 0
    assert (await box.run(["stat", "-c", "%a", "shut"])).stdout.text.strip() == "0"


async def test_a_folder_that_became_a_file(box: Sandbox) -> None:
    await box.write("d/file", b"x")
    await box.run(["sh", "-c", "rm -r d; echo x > d"])
    assert [(c.path, c.kind, c.type) for c in await box.changes()] == [
        ("/work/d", "modified", "file"),
        ("/work/d/file", "deleted", "file"),
    ]


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("i=0; while [ $i -lt 220 ]; do mkdir d && cd d; i=$((i+1)); done", "deep"),
        ("for i in 1 2 3 4 5 6 7 8; do truncate -s 60M s$i; done", "more content"),
    ],
)
async def test_folders_made_to_exhaust_the_host_are_refused(box: Sandbox, attack: str, said: str) -> None:
    assert (await box.run(["sh", "-c", attack])).ok
    with pytest.raises(ValueError, match=said):
        await box.changes()
    with pytest.raises(ValueError, match=said):
        await box.snapshot()
    assert (await box.run(["true"])).ok


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder on the host's root file system that anyone may write to."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    for name, text in {"f": "1", "old/deep/g": "2", "kept/h": "3", "same": "4"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    yield folder
    assert (folder / "f").read_text() == "1"
    assert sorted(path.name for path in folder.iterdir()) == ["f", "kept", "old", "same"]
    shutil.rmtree(folder)


async def test_a_copy_on_write_root_tells_all_its_changes(data: Path) -> None:
    provider = await open_provider("bubblewrap")
    box = await provider.open(SandboxSpec(image="/"))
    assert await box.changes() == []
    await box.write(f"{data}/host", b"h")
    script = (
        "echo x > f && rm -r old && mkdir old && echo n > old/n && touch same && ln -s / kept/l && echo w > /work/w"
    )
    done = await box.run(["sh", "-c", script], cwd=str(data))
    assert done.ok, done
    found = [(change.path, change.kind, change.type) for change in await box.changes()]
    await provider.close()
    assert found == [
        (f"{data}/f", "modified", "file"),
        (f"{data}/kept/l", "created", "link"),
        (f"{data}/old", "modified", "folder"),
        (f"{data}/old/deep", "deleted", "folder"),
        (f"{data}/old/deep/g", "deleted", "file"),
        (f"{data}/old/n", "created", "file"),
        ("/work/w", "created", "file"),
    ]
