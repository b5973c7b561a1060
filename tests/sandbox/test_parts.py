"""What needs no sandbox: frames, kept output, the system call filter, names, control groups."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.sandbox import Limits
from loopwright.sandbox._cgroups import places
from loopwright.sandbox._guest.frames import FrameDecoder
from loopwright.sandbox._guest.messages import MAX_BODY, message, pack, parse, unpack
from loopwright.sandbox._guest.streams import Kept
from loopwright.sandbox._owners import Owner, next_name, owner_in, start_time, this_process
from loopwright.sandbox._seccomp import MACHINES, program
from loopwright.sandbox.docker._engine import Demultiplexer

ALLOW, KILL, REFUSED, ASKED = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000


@given(st.lists(st.binary(max_size=20)))
def test_fields_come_back(fields: list[bytes]) -> None:
    assert unpack(pack(fields)) == fields


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.lists(st.binary(max_size=9)))), st.data())
def test_messages_come_back_however_the_stream_is_cut(
    messages: list[tuple[int, int, list[bytes]]], data: st.DataObject
) -> None:
    stream = b"".join(message(kind, number, *fields) for kind, number, fields in messages)
    decoder = FrameDecoder(MAX_BODY)
    found: list[tuple[int, int, list[bytes]]] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        decoder.feed(stream[:size])
        while (body := decoder.take()) is not None:
            found.append(parse(body))
        stream = stream[size:]
    assert found == messages


@given(st.binary(max_size=30), st.integers(0, 20))
def test_a_frame_longer_than_the_limit_is_refused_before_it_is_complete(start: bytes, limit: int) -> None:
    decoder = FrameDecoder(limit)
    decoder.feed(struct.pack(">I", limit + 1) + start)
    with pytest.raises(ValueError, match="frame"):
        decoder.take()


@given(st.binary(max_size=60))
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with suppress(ValueError):
        kind, number, fields = parse(body)
        assert message(kind, number, *fields)[4:] == body


@given(st.integers(2, 100), st.lists(st.binary(max_size=300)))
def test_output_keeps_its_ends(limit: int, parts: list[bytes]) -> None:
    kept, whole, half = Kept(limit), b"".join(parts), limit // 2
    for part in parts:
        kept.add(part)
    assert bytes(kept.head) == whole[:half]
    assert kept.tail == whole[half:][-half:]
    assert kept.dropped == max(0, len(whole) - 2 * half)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30))), st.integers(1, 7))
def test_dockers_framing_comes_off(pieces: list[tuple[int, bytes]], step: int) -> None:
    stream = b"".join(struct.pack(">BxxxI", kind, len(data)) + data for kind, data in pieces)
    demultiplexer = Demultiplexer()
    out = b"".join(demultiplexer(stream[at : at + step]) for at in range(0, len(stream), step))
    assert out == b"".join(data for kind, data in pieces if kind == 1)
    assert demultiplexer.errors == b"".join(data for kind, data in pieces if kind == 2)


def run_filter(code: bytes, machine: int, number: int, *arguments: int) -> int:
    """What the kernel does: the BPF instructions that a filter of system calls is made of."""
    data = struct.pack("<IIQ6Q", number, machine, 0, *(a % 2**64 for a in (*arguments, 0, 0, 0, 0, 0, 0)[:6]))
    at = value = 0
    while True:
        op, yes, no, operand = struct.unpack_from("<HBBI", code, at * 8)
        at += 1
        if op == 0x06:
            return int(operand)
        if op == 0x20:
            value = struct.unpack_from("<I", data, operand)[0]
        elif op == 0x54:
            value &= operand
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[op]
            at += yes if holds else no


NUMBERS = {
    "x86_64": {"read": 0, "ptrace": 101, "keyctl": 250, "clone": 56, "clone3": 435, "socket": 41, "prlimit64": 302,
               "personality": 135, "setpriority": 141, "execve": 59, "unshare": 272, "io_uring_setup": 425,
               "io_setup": 206, "connect": 42, "setsockopt": 54, "sendto": 44, "sendmsg": 46, "sendmmsg": 307,
               "inotify_init1": 294, "mbind": 237, "setxattr": 188, "fsetxattr": 190, "setxattrat": 463,
               "getxattr": 191},
    "aarch64": {"read": 63, "ptrace": 117, "keyctl": 219, "clone": 220, "clone3": 435, "socket": 198, "prlimit64": 261,
                "personality": 92, "setpriority": 140, "execve": 221, "unshare": 97, "io_uring_setup": 425,
                "io_setup": 0, "connect": 203, "setsockopt": 208, "sendto": 206, "sendmsg": 211, "sendmmsg": 269,
                "inotify_init1": 26, "mbind": 235, "setxattr": 5, "fsetxattr": 7, "setxattrat": 463,
                "getxattr": 8},
}  # fmt: skip
CASES = [
    ("read", (), ALLOW),
    ("execve", (), ALLOW),
    ("ptrace", (), REFUSED | errno.EPERM),
    ("keyctl", (), REFUSED | errno.EPERM),
    ("unshare", (0x10000000,), REFUSED | errno.EPERM),
    ("io_uring_setup", (), REFUSED | errno.EPERM),
    ("clone3", (), REFUSED | errno.ENOSYS),
    ("clone", (0x01200011,), ALLOW),
    ("clone", (0x003D0F00,), ALLOW),
    *[
        ("clone", (flag | 17,), REFUSED | errno.EPERM)
        for flag in (0x20000, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 30)
    ],
    ("io_setup", (), REFUSED | errno.EPERM),
    ("mbind", (), REFUSED | errno.EPERM),
    *[(name, (), REFUSED | errno.EOPNOTSUPP) for name in ("setxattr", "fsetxattr", "setxattrat")],
    ("getxattr", (), ALLOW),
    ("socket", (1, 2, 0), ALLOW),
    *[("socket", (family, kind, 0), ASKED) for family in (2, 10) for kind in (1, 2, 0x80801)],
    *[("socket", (2, 1, protocol), ASKED) for protocol in (1, 6, 17, 58)],
    *[("socket", (10, 1, protocol), REFUSED | errno.EPROTONOSUPPORT) for protocol in (33, 132, 136, 262)],
    ("socket", (2, 5, 0), REFUSED | errno.EPROTONOSUPPORT),
    *[("socket", (family, 1, 0), REFUSED | errno.EAFNOSUPPORT) for family in (0, 16, 17, 31, 38, 40)],
    ("connect", (), ASKED),
    *[("setsockopt", (3, *option), ALLOW) for option in ((1, 2), (1, 9), (6, 1), (41, 26), (0, 1), (17, 103))],
    *[("setsockopt", (3, 1, size), REFUSED) for size in (7, 8)],
    *[
        ("setsockopt", (3, *option), REFUSED | errno.ENOPROTOOPT)
        for option in ((1, 18), (1, 26), (1, 50), (1, 51), (6, 31), (0, 35), (0, 42), (41, 20), (41, 32), (41, 48))
    ],
    *[("sendto", (3, 0, 0, flags), ALLOW) for flags in (0, 0x4000)],
    ("sendto", (3, 0, 0, 0x20004000), REFUSED | errno.EOPNOTSUPP),
    ("sendmsg", (3, 0, 0x20000000), REFUSED | errno.EOPNOTSUPP),
    ("sendmmsg", (3, 0, 1, 0x20000000), REFUSED | errno.EOPNOTSUPP),
    ("inotify_init1", (0,), ALLOW),
    ("prlimit64", (0,), ALLOW),
    ("prlimit64", (2,), ALLOW),
    ("prlimit64", (1,), REFUSED | errno.EPERM),
    ("setpriority", (0, 0), ALLOW),
    ("setpriority", (0, 1), REFUSED | errno.EPERM),
    ("setpriority", (2, 0), REFUSED | errno.EPERM),
    ("personality", (0xFFFFFFFF,), ALLOW),
    ("personality", (0x40000,), REFUSED | errno.EPERM),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "action"), CASES)
def test_system_calls(machine: str, name: str, arguments: tuple[int, ...], action: int) -> None:
    code = program(machine, own_uid=True)
    assert run_filter(code, MACHINES[machine], NUMBERS[machine][name], *arguments) == action


@pytest.mark.parametrize("machine", MACHINES)
def test_what_the_kernel_counts_for_a_user_is_refused_to_one_that_others_are_too(machine: str) -> None:
    code = program(machine, own_uid=False)
    assert run_filter(code, MACHINES[machine], NUMBERS[machine]["inotify_init1"], 0) == REFUSED | errno.EMFILE


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_by_way_of_another_machines_table_end_the_process(machine: str) -> None:
    other = next(number for name, number in MACHINES.items() if name != machine)
    assert run_filter(program(machine, own_uid=True), other, 0) == KILL
    assert run_filter(program(machine, own_uid=True), 0x40000003, 0) == KILL  # 32-bit x86


def test_the_x32_table_is_closed() -> None:
    assert run_filter(program("x86_64", own_uid=True), MACHINES["x86_64"], 0x40000000 | 101) == KILL


def test_names_tell_their_owner() -> None:
    name = next_name()
    assert name != next_name()
    assert owner_in(name) == this_process()
    assert owner_in("loopwright-x-y-z") is None
    assert owner_in("other-1-2-3") is None


def test_owners_are_judged() -> None:
    here = this_process()
    assert Owner.parse(str(here)) == here
    assert here.state() == "alive"
    assert Owner(here.boot, here.namespace, here.pid, "1").state() == "dead"
    assert Owner(here.boot, "other", here.pid, "1").state() == "unknown"
    assert Owner("other", here.namespace, here.pid, "1").state() == "unknown"
    assert Owner.parse("nonsense") is None


def test_a_process_that_nobody_reaped_is_dead() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(process.pid) == ""
    process.wait()


def _machine(tmp_path: Path, groups: str, mounts: str) -> Path:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "cgroup").write_text(groups)
    (proc / "mountinfo").write_text(mounts)
    return proc


def test_groups_are_made_beside_the_own_one_where_a_service_manager_delegates(tmp_path: Path) -> None:
    fs = tmp_path / "fs"
    slice_ = fs / "user.slice/app.slice"
    (slice_ / "run.scope").mkdir(parents=True)
    (slice_ / "cgroup.controllers").write_text("cpu io memory pids\n")
    (slice_ / "cgroup.subtree_control").write_text("memory pids cpu\n")
    (slice_ / "cgroup.procs").touch()
    proc = _machine(tmp_path, "0::/user.slice/app.slice/run.scope\n", f"30 1 0:26 / {fs} rw - cgroup2 cgroup2 rw\n")
    (place,) = places(proc)
    assert place.folder == slice_
    assert place.version == 2
    assert place.controllers == {"memory", "pids", "cpu"}


def test_groups_that_may_not_be_made_are_not(tmp_path: Path) -> None:
    fs = tmp_path / "fs"
    fs.mkdir()
    proc = _machine(tmp_path, "0::/a/b\n", f"30 1 0:26 / {fs} rw - cgroup2 cgroup2 rw\n")
    assert places(proc) == []


def test_each_controller_of_version_1_has_its_own_place(tmp_path: Path) -> None:
    fs = tmp_path / "fs"
    (fs / "memory/mine").mkdir(parents=True)
    (fs / "cpu,cpuacct").mkdir()
    proc = _machine(
        tmp_path,
        "4:memory:/mine\n3:cpu,cpuacct:/\n2:cpuset:/\n",
        f"30 1 0:26 / {fs}/memory rw - cgroup cgroup rw,memory\n"
        f"31 1 0:27 / {fs}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"32 1 0:28 / {fs}/cpuset rw - cgroup cgroup rw,cpuset\n",
    )
    assert [(place.folder, set(place.controllers)) for place in places(proc)] == [
        (fs / "memory/mine", {"memory"}),
        (fs / "cpu,cpuacct", {"cpu"}),
    ]


def test_limits_have_defaults_that_fit_a_small_machine() -> None:
    assert Limits().memory_mb <= 1024
