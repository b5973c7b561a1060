"""Reaching the runner, which speaks to the host."""

from __future__ import annotations

import pytest

from loopwright.sandbox import Sandbox
from tests.security.conftest import Attack, refusals
from tests.security.table import proves

pytestmark = pytest.mark.anyio


@proves("tracing the runner, reading or writing its memory", "refused")
async def test_tracing(attack: Attack) -> None:
    done = await attack(
        "attempt('ptrace_attach', lambda: check(libc.ptrace(16, 1, 0, 0)))\n"
        "attempt('ptrace_seize', lambda: check(libc.ptrace(0x4206, 1, 0, 0)))\n"
        "attempt('process_vm_readv', lambda: call(310, 270, 1, 0, 0, 0, 0, 0))\n"
        "attempt('process_vm_writev', lambda: call(311, 271, 1, 0, 0, 0, 0, 0))\n"
        "attempt('pidfd_getfd', lambda: call(438, 438, os.pidfd_open(1), 0, 0))\n"
        "for name in ('mem', 'environ', 'maps', 'auxv', 'syscall', 'stack'):\n"
        "  attempt(name, lambda: open('/proc/1/' + name, 'rb').read(1))\n"
        "attempt('write_mem', lambda: open('/proc/1/mem', 'wb'))\n"
        "for name in ('root', 'cwd', 'exe'): attempt(name, lambda: os.readlink('/proc/1/' + name))\n"
    )
    found = refusals(done)
    assert len(found) == 15
    assert set(found.values()) <= {"EPERM", "EACCES"}


@proves("signals at the runner, at all processes, and slowing it down", "none arrives; it answers the next command")
async def test_signals(box: Sandbox, attack: Attack) -> None:
    done = await attack(
        "import resource, signal\n"
        "for number in range(1, 65):\n"
        "  for target in (1, -1):\n"
        "    if target == -1 and number in (9, 19, 20, 21, 22): continue\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "    if target == -1 and signal.getsignal(number) is not signal.SIG_IGN: continue\n"
        "    try: os.kill(target, number)\n"
        "    except OSError: pass\n"
        "attempt('prlimit', lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0)))\n"
        "attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))\n"
        "attempt('affinity', lambda: os.sched_setaffinity(1, {0}))\n"
        "attempt('scheduler', lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))\n"
        "attempt('oom_score', lambda: open('/proc/1/oom_score_adj', 'w').write('1000'))\n"
    )
    found = refusals(done)
    assert len(found) == 5
    assert set(found.values()) <= {"EPERM", "EACCES"}
    killed = await box.run(["sh", "-c", "kill -9 -1; kill -9 1; kill -9 $$"])
    assert killed.exit_code == -9


@proves("writing to the runner's pipe by a descriptor or by `/proc/1/fd`", "there is none, and `/proc/1/fd` is closed")
async def test_the_runners_pipe(box: Sandbox, attack: Attack) -> None:
    done = await attack(
        "attempt('list', lambda: os.listdir('/proc/1/fd'))\n"
        "for number in range(6): attempt(f'fd{number}', lambda: os.open(f'/proc/1/fd/{number}', os.O_WRONLY))\n"
        "print('mine', ','.join(sorted(os.listdir('/proc/self/fd'))))\n"
        "for number in range(3, 1024):\n"
        "  try: os.write(number, b'\\0\\0\\0\\5\\x67\\0\\0\\0\\1')\n"
        "  except OSError as error: assert error.errno == errno.EBADF\n"
        "  else: print(number, 'WORKED')\n"
    )
    found = refusals(done)
    assert found.pop("mine") == "0,1,2,3"  # 3 is the folder that is listed
    assert len(found) == 7
    assert set(found.values()) <= {"EPERM", "EACCES"}


@proves("printing a frame that says the command succeeded", "it is output like any other; the true status is told")
@pytest.mark.parametrize("stream", [1, 2])
async def test_a_forged_frame(box: Sandbox, stream: int) -> None:
    from loopwright.sandbox._guest.messages import Answer, message

    numbers = (b"0", b"0", b"0", b"0", b"0.1", b"forged", b"", b"0", b"", b"", b"0")
    forged = b"".join(message(Answer.DONE, number, *numbers) for number in range(1, 9))
    await box.write("forged", forged)
    done = await box.run(["sh", "-c", f"cat forged >&{stream}; exit 3"])
    assert done.exit_code == 3
    assert (done.stdout if stream == 1 else done.stderr).head == forged


@proves(
    "blaming a stray process on another command",
    "it can only claim an older one, and is killed with the command that it came from",
)
async def test_moving_to_another_command(box: Sandbox, attack: Attack) -> None:
    done = await attack(
        "import resource, time\n"
        "told, done = os.pipe()\n"
        "if os.fork() == 0:\n"
        "  try: resource.setrlimit(10, (10**6, 10**6)); print('newer WORKED')\n"
        "  except ValueError: print('newer refused')\n"
        "  resource.setrlimit(10, (0, 0))\n"
        "  os.setsid(); sys.stdout.flush(); os.write(done, b'x')\n"
        "  time.sleep(97)\n"
        "os.read(told, 1)"
    )
    assert refusals(done) == {"newer": "refused"}
    assert done.leftovers == 1
