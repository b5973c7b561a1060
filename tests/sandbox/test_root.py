"""A workload that is root inside: asked for in so many words, shown by the self-check, and not the machine's root."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox import Control, Sandbox, SandboxSpec, open_provider
from loopwright.sandbox.bubblewrap._command import INTERPRETER

pytestmark = pytest.mark.anyio
_ROOTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "loopwright-ci")
_FILE_CAPABILITIES = "000000000000001b"


@pytest.fixture(scope="module")
def folder() -> Iterator[str]:
    """A root file system that belongs to nobody else, in a place that all may enter."""
    roots = sorted(_ROOTS.glob("*/root"))
    if not roots or os.getuid() != 0:
        pytest.skip("needs the root folder of .ci/make-base-image, and root to give it away")
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        copy = Path(place, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", roots[-1], copy], check=True)
        subprocess.run(["chown", "-R", "100000:100000", copy], check=True)
        yield str(copy)


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
async def box(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Sandbox]:
    provider = await open_provider(request.param)
    image = request.getfixturevalue("folder") if request.param == "bubblewrap" else None
    spec = SandboxSpec(user="root", image=image, writable=() if image else ("/",))
    sandbox = await provider.open(spec)
    yield sandbox
    await sandbox.close()
    await provider.close()


async def _says(box: Sandbox, command: str) -> str:
    done = await box.run(["bash", "-c", command], cwd="/")
    return done.stdout.text + done.stderr.text


def _mode_of_null() -> int:
    return Path("/dev/null").stat().st_mode


@pytest.mark.slow
async def test_it_is_uid_0_with_capabilities_for_files_alone_and_says_so(box: Sandbox) -> None:
    assert (await _says(box, "id -u; grep CapEff /proc/self/status")).split() == ["0", "CapEff:", _FILE_CAPABILITIES]
    states = {state.control: state.in_force for state in box.controls}
    assert not states[Control.UNPRIVILEGED_USER]
    assert not states[Control.CAPABILITIES]
    for control in (Control.NETWORK, Control.NO_NEW_PRIVILEGES, Control.SECCOMP, Control.INIT, Control.MEMORY):
        assert states[control], control


@pytest.mark.slow
async def test_it_writes_where_it_likes_and_whatever_the_permissions(box: Sandbox) -> None:
    written = (
        "echo 1 > /usr/new && echo x > /tmp/f && chmod 400 /tmp/f && echo y >> /tmp/f && rm /usr/new && cat /tmp/f"
    )
    assert await _says(box, written) == "x\ny\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "forbidden",
    [
        "echo 1 > /proc/sys/kernel/core_pattern",
        "cat /proc/1/environ",
        "head -c1 /proc/1/mem",
        "cat /proc/1/fd/0",
        "mount -t tmpfs none /mnt",
        "unshare -U true",
        "hostname other",
        "mknod /tmp/disk b 8 0",
        "echo 1000 > /proc/1/oom_score_adj",
        "echo 1000 > /proc/1/task/1/oom_score_adj",
        "echo 15 > /proc/1/oom_adj",
        "echo 19 > /proc/1/autogroup",
    ],
)
async def test_it_is_not_root_of_the_machine_nor_of_the_runner(box: Sandbox, forbidden: str) -> None:
    assert await _says(box, f"({forbidden}) >/dev/null 2>&1 && echo done") == ""
    await _says(box, "kill -9 1")
    assert await _says(box, "echo alive") == "alive\n"


_OPEN = """
import os, time
hits, until = 0, time.monotonic() + 4
while time.monotonic() < until:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for fd in range(3, 12):
            try:
                found = os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
                pipe = os.readlink(f"/proc/self/fd/{found}").startswith(("pipe:", "socket:"))
                hits += pipe and int(pid) != os.getpid()  # a program has libraries open while it starts
                os.close(found)
            except OSError:
                pass
print(hits, flush=True)
"""


@pytest.mark.slow
async def test_it_cannot_use_the_runners_descriptors_while_commands_start(box: Sandbox) -> None:
    attacker = await box.start(["python3", "-c", _OPEN], timeout=300)
    attack = asyncio.ensure_future(attacker.wait())
    while not attack.done():
        assert (await box.run(["true"])).ok
    assert await attacker.read() == b"0\n"


@pytest.mark.slow
async def test_it_cannot_kill_what_the_host_does_with_files(box: Sandbox) -> None:
    killer = "for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = $$ ] || kill -9 $p; done"
    attacker = await box.start(["bash", "-c", f"while :; do {killer}; done 2>/dev/null"], timeout=600)
    for number in range(10):
        await box.write("/work/file", b"%d" % number)
        assert (await box.snapshot()) != b""
        assert "/usr" not in [change.path for change in await box.changes()]
    await attacker.kill()


async def test_programs_that_strangers_may_not_read_are_told() -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    provider = await open_provider("bubblewrap")
    if all(folder.stat().st_mode & 0o001 for folder in INTERPRETER.parents):
        box = await provider.open(SandboxSpec(user="root"))
        assert (await box.run(["id", "-u"])).stdout.text == "0\n"
        await box.close()
    else:
        with pytest.raises(SandboxUnavailable, match="closed to strangers"):
            await provider.open(SandboxSpec(user="root"))


@pytest.mark.slow
async def test_the_machines_devices_stay_as_they_are(box: Sandbox) -> None:
    before = _mode_of_null()
    await _says(box, "chmod 600 /dev/null")
    assert _mode_of_null() == before


async def test_an_image_of_the_machines_root_is_refused() -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    provider = await open_provider("bubblewrap")
    with pytest.raises(SandboxUnavailable, match="cannot be the machine's root"):
        await provider.open(SandboxSpec(user="root", image="/"))


@pytest.mark.docker
async def test_docker_gives_an_ordinary_user_no_unlimited_root() -> None:
    provider = await open_provider("docker")
    with pytest.raises(SandboxUnavailable, match="cannot limit the size"):
        await provider.open(SandboxSpec(writable=("/",)))
    await provider.close()


@pytest.mark.slow
async def test_changes_of_the_root_tell_contents_modes_and_deletions(box: Sandbox) -> None:
    assert await box.changes() == []
    await _says(
        box,
        "mkdir -p /d/e; echo 1 > /d/e/f; ln -s x /d/l; touch /etc/passwd; echo >> /etc/group; chmod 700 /opt;"
        "rm -r /usr/share/base-passwd; rmdir /mnt; mkdir /srv/x; rmdir /srv/x; rm /etc/issue; mkdir /etc/issue",
    )
    found = {change.path: (change.kind, change.type) for change in await box.changes()}
    below = {path: kind for path, kind in found.items() if path.startswith("/usr/share/base-passwd")}
    assert below.pop("/usr/share/base-passwd") == ("deleted", "folder")
    assert below
    assert set(below.values()) == {("deleted", "file")}
    assert {path: kind for path, kind in found.items() if not path.startswith("/usr")} == {
        "/d": ("created", "folder"),
        "/d/e": ("created", "folder"),
        "/d/e/f": ("created", "file"),
        "/d/l": ("created", "link"),
        "/etc/group": ("modified", "file"),
        "/etc/issue": ("modified", "folder"),
        "/mnt": ("deleted", "folder"),
        "/opt": ("modified", "folder"),
    }


@pytest.mark.slow
async def test_nothing_of_what_root_destroys_reaches_the_runner(box: Sandbox) -> None:
    forged = 'echo \'open("/tmp/forged", "w")\''
    await _says(box, f"for f in $(find /usr/lib/python3* -name '*.py'); do {forged} > $f; done")
    await _says(box, "rm -rf /usr/lib/python3*/__pycache__")
    assert "/tmp/forged" not in {change.path for change in await box.changes()}
    await box.run(["rm", "-rf", "--no-preserve-root", "/"])
    found = {change.path: change.kind for change in await box.changes()}
    assert found["/usr/bin/env"] == "deleted"
