"""Becoming more than the workload is."""

from __future__ import annotations

import pytest

from tests.security.conftest import Attack, refusals
from tests.security.table import proves

pytestmark = pytest.mark.anyio

SETUID = """
import shutil, subprocess

def raised(path):
    # The loader tells what the kernel made of a program, and would not tell if it had been raised.
    options = dict(env={"LD_SHOW_AUXV": "1"}, stdin=-3, capture_output=True, timeout=0.5)
    try:
        said = subprocess.run([path, "--version"], **options)
    except subprocess.TimeoutExpired as late:
        said = late
    words = [line.split() for line in (said.stdout or b"").decode().splitlines()]
    ids = {pair[0]: pair[1] for pair in words if pair and pair[0] in ("AT_EUID:", "AT_EGID:", "AT_SECURE:")}
    return ids != {"AT_EUID:": str(os.getuid()), "AT_EGID:": str(os.getgid()), "AT_SECURE:": "0"}

for folder in ("/usr/bin", "/usr/sbin"):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.stat(path).st_mode & 0o6000:
            print(path, "WORKED" if raised(path) else "plain")

shutil.copy(shutil.which("cat"), "cat")
os.chmod("cat", 0o6755)
capability = bytes.fromhex("0100000202000000") + bytes(12)
attempt("capability", lambda: os.setxattr("cat", "security.capability", capability))
attempt("chown", lambda: os.chown("cat", 0, 0))
for name in ("setuid", "setgid", "seteuid"):
    attempt(name, lambda: getattr(os, name)(0))
attempt("setgroups", lambda: os.setgroups([0]))
attempt("ambient", lambda: check(libc.prctl(47, 2, 21, 0, 0)))
attempt("nnp", lambda: check(libc.prctl(38, 0, 0, 0, 0)))
"""


@proves("mounting, remounting the root writable, changing the root", "refused")
async def test_mounting(attack: Attack) -> None:
    done = await attack(
        "attempt('tmpfs', lambda: check(libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)))\n"
        "attempt('proc', lambda: check(libc.mount(b'proc', b'/tmp', b'proc', 0, None)))\n"
        "attempt('bind', lambda: check(libc.mount(b'/', b'/tmp', None, 4096, None)))\n"
        "attempt('remount', lambda: check(libc.mount(None, b'/', None, 32 | 4096, None)))\n"
        "attempt('umount', lambda: check(libc.umount2(b'/work', 2)))\n"
        "attempt('chroot', lambda: os.chroot('/tmp'))\n"
        "attempt('pivot_root', lambda: call(155, 41, b'/tmp', b'/tmp'))\n"
        "attempt('fsopen', lambda: call(430, 430, b'tmpfs', 0))\n"
        "attempt('open_tree', lambda: call(428, 428, -100, b'/', 1))\n"
        "attempt('handle', lambda: call(304, 265, -100, bytes(64), 0))\n"
        "for path in ('/x', '/usr/x', '/etc/x', '/proc/x', '/sys/x', '/dev/x'):\n"
        "  attempt(path, lambda: open(path, 'w'))\n"
    )
    found = refusals(done)
    assert len(found) == 16
    assert set(found.values()) <= {"EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS"}


@proves("`unshare`, `setns` and `clone` into namespaces of one's own", "refused")
async def test_namespaces(attack: Attack) -> None:
    done = await attack(
        "flags = dict(user=0x10000000, mnt=0x20000, net=0x40000000, pid=0x20000000, uts=0x4000000, ipc=0x8000000)\n"
        "for name, flag in flags.items():\n"
        "  attempt('unshare-' + name, lambda: check(libc.unshare(flag)))\n"
        "  attempt('clone-' + name, lambda: call(56, 220, flag | 17, 0, 0, 0, 0))\n"
        "  attempt('setns-' + name, lambda: check(libc.setns(os.open('/proc/self/ns/' + name, 0), 0)))\n"
        "attempt('clone3', lambda: call(435, 435, bytes(88), 88))\n"
        "attempt('host', lambda: check(libc.sethostname(b'x', 1)))\n"
    )
    found = refusals(done)
    assert found.pop("clone3") == "ENOSYS"
    assert len(found) == 19
    assert set(found.values()) == {"EPERM"}


@proves("setuid programs, file capabilities, becoming root", "they run without what they ask for, or are refused")
async def test_setuid(attack: Attack) -> None:
    done = await attack(SETUID)
    found = refusals(done)
    # Attributes of files, which hold capabilities, cannot be set at all.
    assert (found.pop("capability"), found.pop("setgroups")) == ("ENOTSUP", "EPERM")
    # Where a user namespace has one uid, there is no other that could be asked for.
    assert {found.pop(name) for name in ("chown", "setuid", "setgid", "seteuid")} <= {"EPERM", "EINVAL"}
    assert (found.pop("ambient"), found.pop("nnp")) == ("EPERM", "EINVAL")
    assert set(found.values()) <= {"plain"}


@proves("making device nodes, opening disks", "refused; only harmless devices are there")
async def test_devices(attack: Attack) -> None:
    done = await attack(
        "for name, kind in (('null', stat.S_IFCHR), ('disk', stat.S_IFBLK)):\n"
        "  attempt(name, lambda: os.mknod(name, kind | 0o666, os.makedev(1, 1)))\n"
        "for place, _, files in os.walk('/dev'):\n"
        "  for name in files:\n"
        "    mode = os.stat(path).st_mode if os.path.exists(path := os.path.join(place, name)) else 0\n"
        "    if stat.S_ISBLK(mode): print(path, 'WORKED')\n"
        "    elif stat.S_ISCHR(mode) and os.path.dirname(path) != '/dev/pts': print(path, 'harmless')\n"
    )
    found = refusals(done)
    assert (found.pop("null"), found.pop("disk")) == ("EPERM", "EPERM")
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "stdin", "stdout", "stderr"}
    assert set(found) <= {f"/dev/{name}" for name in harmless} | {"/dev/core"}
    assert set(found.values()) == {"harmless"}


@proves("keyrings, which the kernel does not keep apart by namespace", "refused")
async def test_keyrings(attack: Attack) -> None:
    done = await attack(
        "attempt('add_key', lambda: call(248, 217, b'user', b'name', b'value', 5, -3))\n"
        "attempt('request_key', lambda: call(249, 218, b'user', b'name', None, -3))\n"
        "attempt('keyctl', lambda: call(250, 219, 0, -3, 1))\n"
    )
    assert set(refusals(done).items()) == {(name, "EPERM") for name in ("add_key", "request_key", "keyctl")}


@proves("bpf, perf, io_uring, userfaultfd, kexec, modules: where kernel escapes begin", "refused")
async def test_kernel_interfaces(attack: Attack) -> None:
    done = await attack(
        "attempt('bpf', lambda: call(321, 280, 0, bytes(128), 128))\n"
        "attempt('perf', lambda: call(298, 241, bytes(128), 0, -1, -1, 0))\n"
        "attempt('io_uring', lambda: call(425, 425, 1, bytes(120)))\n"
        "attempt('userfaultfd', lambda: call(323, 282, 1))\n"
        "attempt('kexec', lambda: call(246, 104, 0, 0, None, 0))\n"
        "attempt('module', lambda: call(313, 273, 0, b'', 0))\n"
        "attempt('fanotify', lambda: call(300, 262, 0, 0))\n"
        "attempt('personality', lambda: check(libc.personality(0x0400000)))\n"
        "attempt('reboot', lambda: call(169, 142, 0xfee1dead, 672274793, 0x1234567, 0))\n"
        "attempt('quotactl', lambda: call(179, 60, 0, 0, 0, 0))\n"
    )
    found = refusals(done)
    assert len(found) == 10
    assert set(found.values()) <= {"EPERM", "ENOSYS"}
