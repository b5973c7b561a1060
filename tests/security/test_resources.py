"""Using up what the machine has."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource

import pytest

from loopwright.sandbox import Control, Limits, Sandbox, SandboxProvider, SandboxSpec
from tests.sandbox.conftest import settled
from tests.security.conftest import Attack, refusals, until_deadline
from tests.security.table import proves

pytestmark = pytest.mark.anyio


@proves("a fork bomb", "`fork` fails at the limit of processes; all are dead at the deadline")
@pytest.mark.slow
async def test_a_fork_bomb(attack: Attack) -> None:
    bomb = "while True:\n  try: os.fork()\n  except OSError as error: print(errno.errorcode[error.errno], flush=True)"
    done = await until_deadline(lambda deadline: attack(bomb, timeout=deadline), lambda done: done.stdout.head)
    assert done.timed_out
    assert done.leftovers > 0
    assert set(done.stdout.head.decode().split("\n")[:100]) - {""} == {"EAGAIN"}


@proves("a fork bomb, beside another command", "all of it are dead at the deadline; the other command goes on")
@pytest.mark.slow
async def test_a_fork_bomb_beside_another_command(box: Sandbox, attack: Attack) -> None:
    other = await box.start(["sh", "-c", "read line; echo $line"], timeout=300)
    bomb = "while True:\n  try: os.fork()\n  except OSError: print('all', flush=True)"
    done = await until_deadline(lambda deadline: attack(bomb, timeout=deadline), lambda done: done.stdout.head)
    assert done.timed_out
    assert done.leftovers > 50
    await other.write(b"alive\n")
    assert await other.read() == b"alive\n"
    assert (await other.wait()).ok


@proves("taking all processes, beside other commands", "these fail and say so, or work; the sandbox is not lost")
async def test_no_process_left_for_others(box: Sandbox) -> None:
    take = "import os, time\nwhile True:\n  try:\n    if not os.fork(): time.sleep(97)\n  except OSError: break\n"
    taking = await box.start(["python3", "-c", f"{take}print('all', flush=True)\ntime.sleep(97)"], timeout=97)
    assert await taking.read() == b"all\n"
    done = await box.run(["true"])
    assert done.ok or (done.exit_code == 126 and "Resource temporarily unavailable" in done.stderr.text)
    with contextlib.suppress(ValueError):  # as for whatever cannot be looked at
        await box.changes()
    await taking.kill()
    assert (await taking.wait()).leftovers > 50
    assert (await box.run(["true"])).ok


@proves("allocating 10 GB", "the command is killed or refused at the limit, and that is told")
async def test_memory(box: Sandbox, attack: Attack) -> None:
    done = await attack("x = b'x' * (10 << 30)")
    assert not done.ok
    assert done.out_of_memory or "MemoryError" in done.stderr.text


@proves("allocating 1.2 GB in 20 processes", "where memory is in force, some are killed, and that is told")
@pytest.mark.slow
async def test_memory_of_many_processes(box: Sandbox, attack: Attack) -> None:
    if not next(state for state in box.controls if state.control is Control.MEMORY).in_force:
        pytest.skip("control groups are not delegated to this user, so only each process's memory is limited")
    done = await attack(
        "import signal, time\n"
        "told, full = os.pipe()\n"
        "os.set_blocking(told, False)\n"
        "children = []\n"
        "for _ in range(20):\n"
        "  children.append(os.fork())\n"
        "  if children[-1] == 0:\n"
        "    x = b'x' * (60 << 20); os.write(full, b'%d ' % os.getpid()); time.sleep(97)\n"
        "full_ones, ended = b'', {}\n"
        "while set(children) - set(ended) - set(map(int, full_ones.split())):\n"
        "  try: full_ones += os.read(told, 1000)\n"
        "  except BlockingIOError: time.sleep(0.01)\n"
        "  ended.update([os.waitpid(-1, os.WNOHANG)])\n"
        "for child in set(children) - set(ended): os.kill(child, signal.SIGTERM)\n"
        "ended.update(os.wait() for child in set(children) - set(ended))\n"
        "print(sum(status == signal.SIGKILL for status in ended.values()))",
        timeout=90,
    )
    assert int(done.stdout.text) >= 12
    assert done.out_of_memory


@proves("filling `/work`, `/tmp` and `/dev/shm`", "each is full at its size; the host's disk is not touched")
async def test_filling_scratch(attack: Attack) -> None:
    done = await attack(
        "for folder in ('/work', '/tmp', '/dev/shm'):\n"
        "  try:\n"
        "    for n in range(200):\n"
        "      with open(f'{folder}/{n}', 'wb') as file: file.write(bytes(1 << 20))\n"
        "  except OSError as error: print(folder, errno.errorcode[error.errno], n)"
    )
    assert [line.split()[:2] for line in done.stdout.text.splitlines()] == [
        [folder, "ENOSPC"] for folder in ("/work", "/tmp", "/dev/shm")
    ]
    assert all(50 < int(line.split()[2]) <= 64 for line in done.stdout.text.splitlines())


@proves(
    "making files without end",
    "refused at a number of inodes (docker), or killed when their kernel memory reaches the memory limit (bubblewrap)",
)
@pytest.mark.slow
async def test_filling_inodes(box: Sandbox, attack: Attack) -> None:
    if box.provider == "bubblewrap" and not next(c for c in box.controls if c.control is Control.MEMORY).in_force:
        pytest.skip("control groups are not delegated to this user, so nothing but the deadline stops it")
    done = await attack(
        "try:\n"
        "  for n in range(10_000_000): os.close(os.open(f'{n}', os.O_CREAT | os.O_WRONLY))\n"
        "except OSError as error: print(errno.errorcode[error.errno])",
        timeout=60,
    )
    assert done.stdout.text == "ENOSPC\n" if box.provider == "docker" else done.out_of_memory
    assert not done.timed_out


@proves("1 GB of output without a newline", "head and tail are kept, the rest is counted; the host's memory stays flat")
@pytest.mark.slow
async def test_output_without_a_newline(box: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = await box.run(["head", "-c", str(1 << 30), "/dev/zero"], timeout=60)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert done.ok
    assert done.stdout.dropped == (1 << 30) - Limits().output_bytes
    assert grown < 32 * 1024  # kB


@proves("output without end, to both streams", "the same, and the deadline ends it")
async def test_endless_output(box: Sandbox) -> None:
    done = await until_deadline(
        lambda deadline: box.run(["sh", "-c", "yes >&2 & yes"], timeout=deadline),
        lambda done: done.stdout.dropped and done.stderr.dropped,
    )
    assert done.timed_out
    assert done.stdout.dropped > 0
    assert done.stderr.dropped > 0


@proves("daemons that left their parent and session twice", "killed when their command ends, and counted")
async def test_daemons(box: Sandbox) -> None:
    done = await box.run(["sh", "-c", f"for n in 1 2 3; do (setsid setsid sleep 97 &); done; {settled(3)}"])
    assert done.ok
    assert done.leftovers == 3


@proves("ignoring SIGTERM and all that can be ignored", "killed with its descendants at the deadline, and counted")
async def test_ignoring_signals(attack: Attack) -> None:
    program = (
        "import signal, time\n"
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\n"
        "os.fork(); os.setsid() if os.fork() == 0 else None\n"
        "print('deaf', flush=True); time.sleep(97)"
    )
    done = await until_deadline(
        lambda deadline: attack(program, timeout=deadline), lambda done: done.stdout.text.count("deaf") == 4
    )
    assert done.timed_out
    assert done.exit_code == -9
    assert done.leftovers == 3


@proves("setting the clock", "refused")
async def test_the_clock(attack: Attack) -> None:
    done = await attack(
        "import time\n"
        "attempt('clock_settime', lambda: time.clock_settime(time.CLOCK_REALTIME, 0))\n"
        "attempt('settimeofday', lambda: check(libc.settimeofday(bytes(16), None)))\n"
        "attempt('adjtimex', lambda: check(libc.adjtimex(b'\\x01' + bytes(255))))\n"
        "attempt('timens', lambda: os.write(os.open('/proc/self/timens_offsets', os.O_WRONLY), b'monotonic 100 0'))\n"
    )
    found = refusals(done)
    assert set(found) == {"clock_settime", "settimeofday", "adjtimex", "timens"}
    assert set(found.values()) <= {"EPERM", "EACCES"}


@proves(
    "using up or emptying the random pool", "reads end at the deadline, orders to it are refused; the host has enough"
)
async def test_random(box: Sandbox, attack: Attack) -> None:
    drain = asyncio.create_task(box.run(["cat", "/dev/random", "/dev/urandom"], timeout=1))
    await asyncio.sleep(0.5)
    assert len(os.getrandom(256, os.GRND_NONBLOCK | os.GRND_RANDOM)) == 256
    assert (await drain).timed_out
    done = await attack(
        "import fcntl\n"
        "pool = os.open('/dev/random', os.O_RDWR)\n"
        "attempt('RNDZAPENTCNT', lambda: fcntl.ioctl(pool, 0x5204))\n"
        "attempt('RNDCLEARPOOL', lambda: fcntl.ioctl(pool, 0x5206))\n"
        "attempt('RNDRESEEDCRNG', lambda: fcntl.ioctl(pool, 0x5207))"
    )
    assert refusals(done) == dict.fromkeys(("RNDZAPENTCNT", "RNDCLEARPOOL", "RNDRESEEDCRNG"), "EPERM")


@proves("spinning on every processor", "where CPU is in force, it gets its share and no more")
async def test_cpu(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(cpus=0.25)))
    in_force = next(state for state in box.controls if state.control is Control.CPU).in_force
    program = "import os, time\nos.fork(); os.fork()\nend = time.time() + 1.5\nwhile time.time() < end: pass\n"
    program += "print(time.process_time())"
    done = await box.run(["sh", "-c", f'python3 -c "{program}"; sleep 0.3'])
    await box.close()
    if not in_force:
        pytest.skip("control groups are not delegated to this user, so CPU time is not limited")
    assert sum(float(line) for line in done.stdout.text.split()) < 1.0  # four spinning for 1.5 s, of two cores or more
