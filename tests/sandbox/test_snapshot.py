from __future__ import annotations

import asyncio
import io
import tarfile
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from loopwright.sandbox._guest.messages import pack
from loopwright.sandbox._sandbox import _aside
from loopwright.sandbox.host._archive import from_tar, to_tar

BUILD = """
mkdir -p d/e; echo 1 > d/e/f; echo secret > hid; chmod 000 hid; ln -s d/e link; mkdir shut; echo in > shut/x
touch -d @1234567890.123456789 d/e/f; printf x > "$(printf 'odd\\377\\nname')"; chmod 500 shut; chmod 755 d
"""


@pytest.mark.anyio
async def test_a_snapshot_is_put_back_whole(box: Sandbox) -> None:
    assert (await box.run(["sh", "-c", BUILD])).ok
    before = await box.snapshot()
    listing = await box.run(["sh", "-c", "ls -lR --time-style=full-iso"])
    await box.run(["sh", "-c", "chmod -R u+rwX .; rm -rf *; echo other > other; mkdir -p a/b; chmod 000 a"])
    await box.restore(before)
    again = await box.run(["sh", "-c", "ls -lR --time-style=full-iso"])
    assert again.stdout.text == listing.stdout.text
    assert await box.snapshot() == before
    assert await box.changes() == []
    await box.run(["sh", "-c", "echo 2 > d/e/f"])
    assert [change.path for change in await box.changes()] == ["/work/d/e/f"]


@pytest.mark.anyio
async def test_a_snapshot_fits_another_sandbox(provider: SandboxProvider, box: Sandbox) -> None:
    await box.run(["sh", "-c", BUILD])
    snapshot = await box.snapshot()
    other = await provider.open(SandboxSpec())
    await other.restore(snapshot)
    assert await other.snapshot() == snapshot
    assert (await other.run(["cat", "link/f"])).stdout.text == "1\n"
    await other.close()


@pytest.mark.anyio
async def test_a_large_archive_keeps_no_lease_from_being_renewed() -> None:
    beat = threading.Event()

    async def renew() -> None:
        beat.set()

    read, _ = await asyncio.gather(_aside(lambda _: beat.wait(10), b"x" * (2 << 20)), renew())
    assert read


@pytest.mark.anyio
async def test_a_snapshot_that_does_not_fit_is_refused(box: Sandbox) -> None:
    entry = pack([b"big", b"file", b"420", b"0", b"x" * (70 << 20)])
    with pytest.raises(ValueError, match="No space left"):
        await box.restore(to_tar(entry))


def archive(*members: tuple[str, bytes, int, bytes]) -> bytes:
    """A tar archive of names, types, modes and contents or targets."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, type_, mode, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = type_, mode, 1_234_567_890
            if type_ in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname, content = content.decode(), b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.anyio
async def test_an_archive_is_laid_over_what_is_there(box: Sandbox) -> None:
    await box.run(["sh", "-c", "mkdir -m 711 old; echo kept > old/kept; echo before > old/file; ln -s kept old/link"])
    await box.unpack(
        archive(
            ("old", tarfile.DIRTYPE, 0o700, b""),
            ("old/file", tarfile.REGTYPE, 0o640, b"after"),
            ("old/link", tarfile.REGTYPE, 0o644, b"no link"),
            ("new/deep/file", tarfile.REGTYPE, 0o755, b"made"),
            ("shut", tarfile.DIRTYPE, 0o555, b""),
            ("shut/in", tarfile.SYMTYPE, 0o777, b"../old/kept"),
        ),
        box.workdir,
    )
    told = await box.run(["sh", "-c", "stat -c '%a %n' old old/* new/deep/file shut; cat old/* new/deep/file shut/in"])
    assert told.stdout.text == (
        "711 old\n640 old/file\n644 old/kept\n644 old/link\n755 new/deep/file\n555 shut\nafterkept\nno linkmadekept\n"
    )
    assert (await box.run(["stat", "-c", "%Y", "shut", "old/file"])).stdout.text == "1234567890\n" * 2
    changed = {change.path for change in await box.changes()}
    assert {"/work/old/file", "/work/new", "/work/new/deep/file", "/work/shut/in"} <= changed


@pytest.mark.anyio
@pytest.mark.parametrize(
    "member",
    [
        ("../up", tarfile.REGTYPE, 0o644, b""),
        ("/absolute", tarfile.REGTYPE, 0o644, b""),
        ("same", tarfile.LNKTYPE, 0o644, b"other"),
        ("device", tarfile.CHRTYPE, 0o644, b""),
    ],
)
async def test_an_archive_with_more_than_files_is_refused(box: Sandbox, member: tuple[str, bytes, int, bytes]) -> None:
    with pytest.raises(ValueError, match="cannot be unpacked"):
        await box.unpack(archive(member), box.workdir)
    with pytest.raises(ValueError, match="not a tar archive"):
        await box.unpack(b"something else" * 100, box.workdir)
    assert await box.list() == []


@pytest.mark.anyio
async def test_an_archive_is_unpacked_where_the_workload_may_write(box: Sandbox) -> None:
    with pytest.raises(ValueError, match=r"Read-only|denied"):
        await box.unpack(archive(("usr/file", tarfile.REGTYPE, 0o644, b"")))


names = st.text("abcü\n\udcff .", min_size=1, max_size=8).filter(lambda name: name not in (".", ".."))
entries = st.lists(
    st.tuples(
        names,
        st.sampled_from(["file", "folder", "link"]),
        st.integers(0, 0o777),
        st.integers(0, 2**62),
        st.binary(max_size=50),
    ),
    unique_by=lambda entry: entry[0],
)


@given(entries)
def test_archives_hold_what_they_are_made_of(entries: list[tuple[str, str, int, int, bytes]]) -> None:
    expected = []
    for name, kind, mode, mtime, content in entries:
        if kind == "folder":
            content = b""
        elif kind == "link":
            content = b"target" + content.replace(b"\0", b"-")
        expected.append((name, kind, mode, mtime, content))
    packed = b"".join(
        pack([name.encode("utf-8", "surrogateescape"), kind.encode(), b"%d" % mode, b"%d" % mtime, content])
        for name, kind, mode, mtime, content in expected
    )
    archive = to_tar(packed)
    assert to_tar(packed) == archive
    found = [(e.path, e.type, e.mode, e.mtime, e.content) for e in from_tar(archive)]
    assert found == expected


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b"])
def test_archives_that_point_elsewhere_are_refused(name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="cannot be unpacked"):
        list(from_tar(buffer.getvalue()))


@pytest.mark.parametrize("data", [b"no archive at all", b"\x1f\x8b" + b"x" * 600])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a tar archive"):
        list(from_tar(data))
