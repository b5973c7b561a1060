"""Programs that attack the verifier, the archive or their neighbours: none changes a value."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loopwright.candidate import Candidate
from loopwright.discovery import DiscoveryEnvironment
from loopwright.environments import EnvironmentSetup
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec
from loopwright.types import Observation
from tests.discovery.test_environment import Kept, instance, writes

pytestmark = pytest.mark.anyio

NEIGHBOUR = "import time\n" + writes("[1, 1, 1]") + "\ntime.sleep(0.6)\n"
"""Is executed at the same time, and its value is 3."""
LONG_AGO = "987654.321"
"""Seconds that a process of an attack sleeps, by which it is found on the host."""

ATTACKS = {
    "kills every process that it can see": """
import os, signal
for pid in [int(name) for name in os.listdir('/proc') if name.isdigit()]:
    if pid != os.getpid():
        try: os.kill(pid, signal.SIGKILL)
        except OSError: pass
try: os.kill(-1, signal.SIGSTOP)
except OSError: pass
""",
    "puts modules where the verifier's Python would look": """
import os, site, sys
text = "import builtins, fractions\\nfractions.Fraction = lambda *a: 10**9\\nbuiltins.sum = lambda *a: 10**9\\n"
for folder in {site.getusersitepackages(), os.path.expanduser('~'), os.getcwd(), '/tmp', *sys.path}:
    for name in ('sitecustomize.py', 'usercustomize.py', 'json.py', 'fractions.py', 'itertools.py'):
        try:
            os.makedirs(folder, exist_ok=True)
            open(os.path.join(folder, name), 'w').write(text)
        except OSError: pass
""",
    "writes a forged answer to every open file": """
import os
told = b'{"value": 1000000000.0}'
for fd in range(1, 64):
    try: os.write(fd, len(told).to_bytes(4, 'big') + told)
    except OSError: pass
""",
    "writes into the memory of other processes": """
import os
for pid in os.listdir('/proc'):
    if pid.isdigit():
        try: open(f'/proc/{pid}/mem', 'r+b').write(b'1000000000')
        except OSError: pass
""",
    "overwrites every file that it reaches": """
import os
for folder, _, names in os.walk('/', followlinks=True):
    if folder.startswith(('/proc', '/sys')) or folder.count('/') > 6:
        continue
    for name in names[:50]:
        try: open(os.path.join(folder, name), 'w').write('[1e9, 1e9, 1e9]')
        except OSError: pass
""",
    "leaves files in places that are shared elsewhere": """
import os
for folder in ('/tmp', '/var/tmp', '/dev/shm', '/run', '/work', '/home'):
    for name in ('construction.json', 'parent.json', 'verifier.py', 'solution.py'):
        try: open(os.path.join(folder, name), 'w').write('[1e9, 1e9, 1e9]')
        except OSError: pass
""",
    "asks for sockets of its neighbours": """
import socket
for name in ('\\0loopwright', '/run/docker.sock', '/var/run/docker.sock'):
    try:
        one = socket.socket(socket.AF_UNIX); one.settimeout(0.2); one.connect(name)
    except OSError: pass
for port in (2375, 5432, 8000):
    try: socket.create_connection(('127.0.0.1', port), 0.2)
    except OSError: pass
""",
    "leaves a process that changes its file for ever": f"""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os.execvp('sleep', ['sleep', '{LONG_AGO}'])
    while True:
        open('construction.json', 'w').write('[1000, 1000, 1000]')
        open('construction.json', 'w').write('[-1, -1, -1]')
""",
    "names its file as one of the verifier's": """
import os
for name in ('verify.py', 'verifier.py', '_guest/verifier.py', '../verifier.py'):
    try:
        os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
        open(name, 'w').write('def verify(numbers): return 1e9')
    except OSError: pass
""",
}


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def environment(provider: SandboxProvider, kept: Kept) -> AsyncIterator[DiscoveryEnvironment]:
    spec = SandboxSpec(limits=Limits(scratch_mb=16))
    made = DiscoveryEnvironment(EnvironmentSetup(provider=provider, spec=spec, put=kept.put, get=kept.__getitem__))
    await made.reset(instance(timeout=5))
    yield made
    await made.close()


def value(seen: Observation) -> float | None:
    return seen.verdict.value if seen.verdict else None


def program(source: str) -> Candidate:
    return Candidate(files={"solution.py": source})


def alive(word: str) -> list[str]:
    """Processes of this machine with a word among their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and word in (folder / "cmdline").read_bytes().decode(errors="replace"):
                found.append(folder.name)
        except OSError:
            continue
    return found


async def gone(word: str) -> bool:
    """Whether no process with a word among its arguments lives a second from now."""
    ended = time.monotonic()
    while alive(word) and time.monotonic() < ended + 1:
        await asyncio.sleep(0.05)
    return not alive(word)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_changes_no_value(attack: str, environment: DiscoveryEnvironment, kept: Kept) -> None:
    first = await environment.step(program(NEIGHBOUR + "# before"))
    archive = dict(kept)
    source = writes("[1, 2, 4]") + "\n" + ATTACKS[attack] + writes("[1, 2, 4]")
    attacked, beside = await asyncio.gather(
        environment.step(program(source)), environment.step(program(NEIGHBOUR + "# beside"))
    )
    after = await environment.step(program(NEIGHBOUR + "# after"))
    if LONG_AGO in ATTACKS[attack]:
        assert await gone(LONG_AGO)
    assert [value(one) for one in (first, beside, after)] == [3, 3, 3]
    assert {name: kept[name] for name in archive} == archive
    # What the attack wrote itself is measured as what it is, whenever it was read.
    assert attacked.verdict is not None
    if attacked.verdict.value is not None:
        data = attacked.verdict.checks[0].data or {}
        assert attacked.verdict.value == sum(json.loads(kept[str(data["construction"])]))


async def test_no_process_of_a_program_lives_a_second_after_its_limit(environment: DiscoveryEnvironment) -> None:
    await environment.reset(instance(timeout=3))
    word = "876543.219"
    source = f"""
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.execvp('sleep', ['sleep', '{word}'])
        os._exit(0)
{writes("[1, 1, 1]")}
while True: time.sleep(1)
"""
    seen = await environment.step(program(source))
    assert value(seen) == 3
    assert await gone(word)
