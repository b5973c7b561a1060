"""Memory that no control group counts, and stores of the kernel that all sandboxes of a machine share."""

from __future__ import annotations

import os

import pytest

from loopwright.sandbox import Control, Limits, Sandbox, SandboxProvider, SandboxSpec
from tests.security.conftest import TOOLS, Attack, refusals
from tests.security.table import proves

pytestmark = pytest.mark.anyio

MEMORY = 64
"""MB, and so the number of sockets."""

FILL = """
held, total = [], 0

def fill(*ends):
    global total
    for end in ends:
        end.setblocking(False)
        try:
            while total < 1 << 30: total += end.send(bytes(60_000))
        except BlockingIOError: pass

def receive(ends):
    global total
    for end in filter(None, ends):
        end.setblocking(False)
        try:
            while data := end.recv(65536): total += len(data)
        except OSError: pass

def until_refused(step):
    "Fills sockets until there is no other one, or far more than the limit of memory was taken."
    try:
        while total < 1 << 30 and len(held) < 2000: held.append(step())
        print("end WORKED")
    except OSError as error: print("end", errno.errorcode[error.errno])
    print("kilobytes", total >> 10)
    print("sockets", sum(len(open('/proc/net/' + name).readlines()) - 1 for name in ('tcp', 'udp', 'tcp6', 'udp6')))

server = socket.create_server(("127.0.0.1", 0), backlog=1000)
"""
WAYS = {
    "tcp": """
def step():
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    fill(client, accepted)
    return client, accepted
""",
    "large buffers": """
def step():
    client = socket.socket()
    for end in (client, server):
        for size in (socket.SO_SNDBUF, socket.SO_RCVBUF): end.setsockopt(socket.SOL_SOCKET, size, 1 << 26)
    client.connect(server.getsockname())
    accepted, _ = server.accept()
    fill(client, accepted)
    return client, accepted
""",
    "connections that nobody accepts": """
def step():
    with socket.create_connection(server.getsockname(), timeout=1) as client: fill(client)
""",
    "one socket that connects again and again": """
client = socket.socket()
def step():
    client.setblocking(True)
    client.connect(server.getsockname())
    fill(client)
    check(libc.connect(client.fileno(), bytes(16), 16))  # AF_UNSPEC: to nobody
    global total
    total = 0  # what it had not sent yet is gone

def waiting():
    server.setblocking(False)
    while True:
        try: held.append(server.accept()[0])
        except BlockingIOError: break
    receive(held)
""",
    "udp": """
def step():
    receiver = socket.socket(type=socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
    receiver.bind(("127.0.0.1", 0))
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.connect(receiver.getsockname())
        for _ in range(300): sender.send(bytes(60_000))
    return receiver

def waiting(): receive(held)
""",
}


@pytest.mark.parametrize("way", WAYS)
@proves("filling the buffers of sockets, also of connections that nobody accepts", "they hold no more than the memory")
async def test_buffers_of_sockets(provider: SandboxProvider, way: str) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(memory_mb=MEMORY)))
    in_force = next(state for state in box.controls if state.control is Control.MEMORY).in_force
    tail = "waiting(); print('waited', total >> 10)" if "def waiting" in WAYS[way] else ""
    done = await box.run(["python3", "-c", f"{TOOLS}{FILL}{WAYS[way]}\nuntil_refused(step)\n{tail}"], timeout=60)
    await box.close()
    found = refusals(done)
    assert found["end"] in {"ENOBUFS", "ENOMEM"}, found
    assert int(found["sockets"]) <= MEMORY + 1
    if not in_force:
        pytest.skip(
            "control groups are not delegated to this user: the number of sockets is bounded, their size is not"
        )
    assert 0 < int(found.get("waited", found["kilobytes"])) < MEMORY * 1024 / 2


@proves("netlink, SCTP, MPTCP, multicast groups, filters and flow labels of sockets", "refused: nothing counts them")
async def test_what_sockets_may_not(attack: Attack) -> None:
    done = await attack(
        "def option(family, *words): socket.socket(family, socket.SOCK_DGRAM).setsockopt(*words)\n"
        "for protocol in (0, 2, 15): attempt(f'netlink-{protocol}', lambda: socket.socket(16, 3, protocol))\n"
        "attempt('sctp', lambda: socket.socket(2, 1, 132))\n"
        "attempt('seqpacket', lambda: socket.socket(2, 5, 0))\n"
        "attempt('mptcp', lambda: socket.socket(2, 1, 262))\n"
        "attempt('group', lambda: option(2, 0, 35, bytes([224, 1, 1, 1, 127, 0, 0, 1])))\n"
        "attempt('group6', lambda: option(10, 41, 20, bytes([255, 2, *bytes(13), 1, 1, 0, 0, 0])))\n"
        "attempt('filter', lambda: option(2, 1, 26, bytes(16)))\n"
        "attempt('label', lambda: option(10, 41, 32, bytes(32)))\n"
        "attempt('low-water', lambda: option(2, 1, 18, 1 << 24))\n"
        "attempt('fast-open', lambda: socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', 9)))\n"
    )
    found = refusals(done)
    assert len(found) == 12
    assert set(found.values()) <= {"EAFNOSUPPORT", "EPROTONOSUPPORT", "ENOPROTOOPT", "ENOTSUP"}


_ACCESS_LIST = """
import struct
entries = [(1, 7, 0xffffffff), *((2, 7, 1000 + i) for i in range(8000)), (4, 7, 0xffffffff), (16, 7, 0xffffffff),
           (32, 7, 0xffffffff)]
access = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
os.mkdir("folder")
open("file", "w").close()
for name in ("system.posix_acl_access", "system.posix_acl_default", "user.a"):
    attempt(name, lambda: os.setxattr("folder", name, access[:200] if name == "user.a" else access))
attempt("by-link", lambda: os.setxattr("folder", "system.posix_acl_access", access, follow_symlinks=False))
with open("file") as file:
    attempt("opened", lambda: os.setxattr(file.fileno(), "system.posix_acl_access", access))
area = mmap.mmap(-1, 1 << 20)
start = ctypes.addressof(ctypes.c_char.from_buffer(area))
attempt("policy", lambda: call(237, 235, ctypes.c_void_p(start), 4096, 2, ctypes.byref(ctypes.c_ulong(1)), 64, 0))
"""


@proves("access lists of files (128 KB each) and memory policies of pages", "refused: nothing counts them")
async def test_what_files_and_pages_may_not(attack: Attack) -> None:
    found = refusals(await attack(f"import mmap\n{_ACCESS_LIST}"))
    assert found.pop("policy") == "EPERM"
    assert len(found) == 5
    assert set(found.values()) <= {"ENOTSUP", "EOPNOTSUPP"}


@proves("the kernel's asynchronous I/O and pseudo-terminals, of which the machine has a number", "there are none")
async def test_stores_of_the_machine(attack: Attack) -> None:
    done = await attack(
        "attempt('aio', lambda: call(206, 0, 1, ctypes.byref(ctypes.c_ulong())))\n"
        "attempt('terminal', os.openpty)\n"
        "attempt('ptmx', lambda: os.open('/dev/ptmx', os.O_RDWR))\n"
        "attempt('queue', lambda: call(240, 180, b'queue', os.O_CREAT | os.O_RDWR, 0o600, None))\n"
    )
    found = refusals(done)
    assert found.pop("aio") == "EPERM"
    assert set(found.values()) <= {"ENOENT", "EMFILE"}


@proves("huge pages that the machine has set aside", "there are none: no limit of memory counts them")
async def test_huge_pages(attack: Attack) -> None:
    # Without a reservation the kernel has none to refuse, whatever the machine has.
    done = await attack(
        "size, private, huge, unreserved = 2 << 20, 0x22, 0x40000, 0x4000\n"
        "attempt('map', lambda: call(9, 222, None, size, 3, private | huge | unreserved, -1, 0))\n"
        "attempt('small', lambda: __import__('mmap').mmap(-1, size))\n"
        "attempt('file', lambda: call(319, 279, b'file', 4))\n"
        "attempt('segment', lambda: call(29, 194, 0, size, 0o5600))\n"
    )
    assert refusals(done) == {"map": "ENOMEM", "small": "WORKED", "file": "ENOMEM", "segment": "ENOMEM"}


@proves("using up what the kernel counts for each user", "another sandbox has another uid, and all of it")
async def test_stores_of_a_user(provider: SandboxProvider, box: Sandbox) -> None:
    other = await provider.open(SandboxSpec())
    program = (
        "import fcntl, time\n"
        "def watch(): check(libc.inotify_init())\n"
        "def capacity():\n"
        "  try: return fcntl.fcntl(os.pipe()[1], 1031, 1 << 18)\n"
        "  except OSError: return 0\n"
        "def timer(): call(222, 107, 1, None, ctypes.byref(ctypes.c_int()))\n"
        "attempt('watch', watch); attempt('timer', timer); print('pipe', capacity())\n"
    )
    greedy = (
        "for work in (watch, timer):\n"
        "  try:\n"
        "    while True: work()\n"
        "  except OSError: pass\n"
        "while capacity(): pass\n"
        "attempt('watches', watch); attempt('timers', timer); print('pipes', capacity(), flush=True); time.sleep(60)\n"
    )
    taker = await other.start(["python3", "-c", TOOLS + program + greedy], timeout=100)
    said = b""
    while b"pipes" not in said:
        said += await taker.read()
    done = await box.run(["python3", "-c", TOOLS + program])
    await other.close()
    own = any("of this sandbox alone" in state.evidence for state in box.controls)
    assert own == (os.geteuid() == 0 or provider.name == "docker")
    assert b"watches EMFILE" in said
    assert b"pipes 0" in said
    assert refusals(done) == {
        "watch": "WORKED" if own else "EMFILE",
        "timer": "WORKED",
        "pipe": str(1 << 18 if own else 0),
    }
