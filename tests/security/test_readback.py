"""What the host reads back from a sandbox."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec
from tests.security.conftest import Attack, refusals
from tests.security.table import proves

pytestmark = pytest.mark.anyio


@proves("a link to a file of the host, read back by it", "it is resolved in the sandbox, and reported as a link")
async def test_a_symbolic_link(box: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    done = await box.run(["sh", "-c", f"ln -s {secret} x; ln -s /proc/1/environ y; mkdir d; ln -s / d/root"])
    assert done.ok
    with pytest.raises(FileNotFoundError):
        await box.read("x")
    with pytest.raises((OSError, ValueError)):
        await box.read("y")
    with pytest.raises(FileNotFoundError):
        await box.read(f"d/root{secret}")
    found = {change.path: change.type for change in await box.changes()}
    assert found == {"/work/x": "link", "/work/y": "link", "/work/d": "folder", "/work/d/root": "link"}
    assert b"hunter2" not in await box.snapshot()


@proves("a hard link to a file outside scratch", "refused: scratch is a file system of its own")
async def test_a_hard_link(attack: Attack) -> None:
    done = await attack(
        "for path in ('/etc/passwd', '/usr/bin/env', '/proc/self/exe'): attempt(path, lambda: os.link(path, 'x'))"
    )
    found = refusals(done)
    assert len(found) == 3
    assert set(found.values()) <= {"EXDEV", "EPERM", "EROFS"}


@proves("a FIFO and a socket, read back by the host", "refused at once; they are reported, and no snapshot holds them")
async def test_a_fifo(box: Sandbox, attack: Attack) -> None:
    assert (await attack("os.mkfifo('fifo'); socket.socket(socket.AF_UNIX).bind('socket')")).ok
    for name in ("fifo", "socket"):
        with pytest.raises((ValueError, OSError), match=name):
            await asyncio.wait_for(box.read(name), 300)
    assert {change.path: change.type for change in await box.changes()} == {
        "/work/fifo": "other",
        "/work/socket": "other",
    }
    assert b"fifo" not in await asyncio.wait_for(box.snapshot(), 300)


@proves("a device, read back by the host", "refused")
async def test_a_device(box: Sandbox) -> None:
    assert (await box.run(["sh", "-c", "ln -s /dev/zero zero; ln -s /dev/tty tty; ln -s /dev/stdin stdin"])).ok
    for name in ("zero", "tty", "stdin", "/dev/zero", "/dev/random"):
        with pytest.raises((ValueError, OSError)):
            await asyncio.wait_for(box.read(name), 300)


@proves("a sparse file of 1 TB, or many that together pretend to be large", "refused; changes and snapshots say why")
async def test_sparse_files(box: Sandbox, attack: Attack) -> None:
    done = await attack(
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "attempt('terabyte', lambda: os.truncate(os.open('x', os.O_CREAT | os.O_RDWR), 1 << 40))\n"
        "for n in range(64): os.truncate(os.open(f'{n}', os.O_CREAT | os.O_RDWR), 64 << 20)"
    )
    assert refusals(done) == {"terabyte": "EFBIG"}
    with pytest.raises(ValueError, match="longer than 16777216 bytes"):
        await box.read("1")
    for work in (box.changes(), box.snapshot()):
        with pytest.raises(ValueError, match="sparse"):
            await asyncio.wait_for(work, 300)


@proves("file names with newlines, of invalid UTF-8, like options, of 255 bytes", "listed, read, told and kept exactly")
async def test_odd_names(provider: SandboxProvider, box: Sandbox, attack: Attack) -> None:
    names = [b"new\nline", b"\xff\xfe\x80", b"-rf", b"$(touch x)", b"\x1b[2J", b"..." + b"y" * 252]
    assert (await attack(f"for name in {names!r}: open(name, 'wb').write(name)")).ok
    told = [os.fsdecode(name) for name in names]
    assert sorted(await box.list()) == sorted(told)
    assert [await box.read(name) for name in told] == names
    assert {change.path for change in await box.changes()} == {f"/work/{name}" for name in told}
    other = await provider.open(SandboxSpec())
    await other.restore(await box.snapshot())
    assert sorted(await other.list()) == sorted(told)
    await other.close()


@proves("paths of 4,000 characters, and folders too deep for any path", "told exactly, or refused with the bound")
async def test_long_paths(box: Sandbox, attack: Attack) -> None:
    long = "/".join(["n" * 249] * 16)
    assert (await attack(f"os.makedirs({long!r}); open({long!r} + '/x', 'w').write('deep')")).ok
    assert len(f"/work/{long}/x") > 4000
    assert await box.read(f"{long}/x") == b"deep"
    assert f"/work/{long}/x" in {change.path for change in await box.changes()}
    dug = await attack("for n in range(3000): os.mkdir('d'); os.chdir('d')")
    assert dug.ok
    with pytest.raises(ValueError, match="folders are more than 200 deep"):
        await box.changes()
    with pytest.raises(ValueError, match="folders are more than 200 deep"):
        await box.snapshot()


@proves("a link swapped for a folder while the host writes", "the host writes as the workload, inside the sandbox")
async def test_a_race_with_the_host(box: Sandbox) -> None:
    swap = (
        "import ctypes, os\nos.mkdir('a'); os.symlink('/etc', 'b'); print('ready', flush=True)\n"
        "libc = ctypes.CDLL(None)\nwhile True: libc.renameat2(-100, b'a', -100, b'b', 2)"
    )
    running = await box.start(["python3", "-c", swap], timeout=600)
    assert await running.read() == b"ready\n"
    refused = tried = 0
    while tried < 100 or (refused == 0 and tried < 10_000):
        tried += 1
        try:
            await box.write("a/loopwright", b"x")
        except OSError:
            refused += 1
    await running.kill()
    assert refused > 0
    assert (await box.run(["test", "-e", "/etc/loopwright"])).exit_code == 1
