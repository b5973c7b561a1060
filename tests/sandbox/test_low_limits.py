"""A machine that allows less than a sandbox would be given: the lower limit holds, and the sandbox opens."""

from __future__ import annotations

import os
import subprocess
import sys

_PROGRAM = """
import asyncio
import resource

from loopwright.sandbox import SandboxSpec, open_provider


async def main():
    provider = await open_provider("bubblewrap")
    async with await provider.open(SandboxSpec()) as sandbox:
        print((await sandbox.run(["sh", "-c", "ulimit -Hn"])).stdout.text)
    await provider.close()


resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
asyncio.run(main())
"""


def test_fewer_open_files_than_a_sandbox_may_have() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "512", done.stderr
