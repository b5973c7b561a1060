from __future__ import annotations

import pytest

from loopwright.errors import SandboxLost
from loopwright.sandbox import Sandbox, SandboxProvider, SandboxSpec

pytestmark = pytest.mark.anyio


async def test_a_dialogue(box: Sandbox) -> None:
    process = await box.start(["sh", "-c", 'while read line; do echo "got $line"; done; echo bye >&2'])
    for word in ("one", "two"):
        await process.write(f"{word}\n".encode())
        assert await process.read() == f"got {word}\n".encode()
    await process.close_stdin()
    assert await process.read() == b""
    done = await process.wait()
    assert done.ok
    assert done.stdout.text == ""
    assert done.stderr.text == "bye\n"


async def test_a_shell_keeps_its_state(box: Sandbox) -> None:
    shell = await box.start(["sh"])
    await shell.write(b"cd /tmp; N=41\n")
    await shell.write(b"echo $PWD $((N + 1))\n")
    assert await shell.read() == b"/tmp 42\n"
    await shell.kill()
    assert (await shell.wait()).exit_code == -9


async def test_a_stream_that_nobody_reads_stops_and_goes_on(box: Sandbox) -> None:
    size = 20_000_000
    process = await box.start(["head", "-c", str(size), "/dev/zero"])
    assert (await box.run(["true"])).ok
    got = 0
    while part := await process.read():
        got += len(part)
    assert got == size
    assert (await process.wait()).ok


async def test_the_deadline_holds_for_processes_too(box: Sandbox) -> None:
    process = await box.start(["sleep", "97"], timeout=0.2)
    assert await process.read() == b""
    assert (await process.wait()).timed_out


async def test_input_for_a_process_that_is_gone_is_dropped(box: Sandbox) -> None:
    process = await box.start(["true"])
    await process.wait()
    await process.write(b"too late")
    await process.kill()
    await process.close_stdin()
    assert (await box.run(["true"])).ok


async def test_a_process_of_a_closed_sandbox_is_lost(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec())
    process = await box.start(["sleep", "97"])
    await box.close()
    with pytest.raises(SandboxLost):
        await process.read()
    with pytest.raises(SandboxLost):
        await process.write(b"x")
    with pytest.raises(SandboxLost):
        await process.wait()
