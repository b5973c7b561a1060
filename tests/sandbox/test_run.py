from __future__ import annotations

import asyncio
import os

import pytest

from loopwright.errors import SandboxLost
from loopwright.sandbox import Limits, Sandbox, SandboxProvider, SandboxSpec
from tests.sandbox.conftest import settled

pytestmark = pytest.mark.anyio


async def shell(box: Sandbox, script: str, **options: float) -> str:
    done = await box.run(["sh", "-c", script], **options)  # type: ignore[arg-type]  # only timeouts are given here
    assert done.ok, done
    return done.stdout.text


async def test_a_command_tells_its_status_and_both_streams(box: Sandbox) -> None:
    done = await box.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.exit_code, done.stdout.head, done.stderr.head) == (3, b"out\n", b"err\n")
    assert not done.ok
    assert not done.timed_out
    assert done.seconds > 0


async def test_a_signal_is_a_negative_status(box: Sandbox) -> None:
    assert (await box.run(["sh", "-c", "kill -TERM $$"])).exit_code == -15


@pytest.mark.parametrize(
    ("argv", "code"), [(["no-such-program"], 127), (["/no/such/program"], 127), (["/etc"], 126), (["/work"], 126)]
)
async def test_what_cannot_be_executed_ends_as_in_a_shell(box: Sandbox, argv: list[str], code: int) -> None:
    done = await box.run(argv)
    assert done.exit_code == code
    assert done.stderr.text.startswith(f"loopwright: {argv[0]}: ")


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
async def test_stdin_arrives_whole(box: Sandbox, size: int) -> None:
    assert (await box.run(["wc", "-c"], stdin=b"x" * size)).stdout.text.split() == [str(size)]


async def test_a_command_that_reads_no_stdin_ends_all_the_same(box: Sandbox) -> None:
    assert (await box.run(["true"], stdin=b"x" * 1_000_000)).ok


async def test_nothing_of_the_hosts_environment_is_inherited(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "hunter2")
    names = {line.partition("=")[0] for line in (await shell(box, "env")).splitlines()}
    assert names - {"PWD", "SHLVL", "_"} == {"PATH", "HOME", "LANG"}


async def test_variables_of_spec_and_command(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(env={"A": "spec", "B": "spec"}))
    done = await box.run(["sh", "-c", "echo $A $B"], env={"B": "command"})
    assert done.stdout.text == "spec command\n"
    await box.close()


async def test_commands_start_in_the_workspace_or_where_they_are_told(box: Sandbox) -> None:
    await box.write("below/file", b"")
    assert (await box.run(["pwd"])).stdout.text.strip() == box.workdir
    assert (await box.run(["pwd"], cwd="below")).stdout.text.strip() == f"{box.workdir}/below"
    assert (await box.run(["pwd"], cwd="/tmp")).stdout.text.strip() == "/tmp"
    assert (await box.run(["pwd"], cwd="missing")).exit_code == 127


async def test_the_deadline_kills_the_whole_tree(box: Sandbox) -> None:
    done = await box.run(
        ["sh", "-c", "trap '' TERM; (setsid setsid sleep 97 &); (setsid sh -c 'trap \"\" TERM; sleep 97' &); sleep 97"],
        timeout=0.3,
    )
    assert done.timed_out
    assert not done.ok
    assert "sleep" not in await shell(box, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


async def test_what_a_command_leaves_running_is_killed_and_counted(box: Sandbox) -> None:
    done = await box.run(["sh", "-c", f"(setsid setsid sleep 97 &); setsid sleep 97 & {settled(2)}; echo done"])
    assert done.ok
    assert done.stdout.text == "done\n"
    assert done.leftovers == 2
    assert done.seconds < 30


async def test_several_commands_run_at_once(box: Sandbox) -> None:
    script = "echo $N > started.$N; while [ ! -e started.$OTHER ]; do sleep 0.01; done; echo $N"
    first, second = await asyncio.gather(
        box.run(["sh", "-c", script], env={"N": "1", "OTHER": "2"}),
        box.run(["sh", "-c", script], env={"N": "2", "OTHER": "1"}),
    )
    assert (first.stdout.text, second.stdout.text) == ("1\n", "2\n")


async def test_the_end_of_one_command_leaves_the_others_children_alone(box: Sandbox) -> None:
    child = "echo $$; until [ -e go ]; do :; done; echo survived"
    parent = f"(setsid setsid sh -c '{child}' &); read pid; while kill -0 $pid; do :; done"
    other = await box.start(["sh", "-c", parent])
    pid = await other.read()
    done = await box.run(["sh", "-c", f"(setsid setsid sleep 97 &); {settled(1)}"])
    assert done.leftovers == 1
    await other.write(pid)
    await box.write("go", b"")
    assert await other.read() == b"survived\n"
    assert (await other.wait()).leftovers == 0


async def test_long_output_is_cut_in_the_middle(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(output_bytes=1000)))
    done = await box.run(["sh", "-c", "printf start; head -c 1000000 /dev/zero; printf end"])
    await box.close()
    assert done.stdout.head == b"start" + b"\0" * 495
    assert done.stdout.tail == b"\0" * 497 + b"end"
    assert done.stdout.dropped == 1_000_008 - 1000
    assert "999008 bytes left out" in done.stdout.text


async def test_memory_that_is_out_is_told(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(memory_mb=64)))
    done = await box.run(["python3", "-c", "x = b'x' * (200 << 20)"])
    after = await box.run(["true"])
    await box.close()
    assert not done.ok
    assert done.out_of_memory or "MemoryError" in done.stderr.text
    assert after.ok
    assert not after.out_of_memory


async def test_a_cancelled_command_is_killed(box: Sandbox) -> None:
    task = asyncio.create_task(box.run(["sleep", "97"]))
    await shell(box, settled(1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await shell(box, settled(0))


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"]])
async def test_commands_that_cannot_be_sent_are_refused(box: Sandbox, argv: list[str]) -> None:
    with pytest.raises(ValueError, match=r"program|NUL"):
        await box.run(argv)


async def test_arguments_may_be_any_bytes(box: Sandbox) -> None:
    odd = os.fsdecode(b"\xff\n\x01'")
    assert (await box.run(["printf", "%s", odd])).stdout.head == os.fsencode(odd)


async def test_a_closed_sandbox_says_so(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec())
    running = asyncio.create_task(box.run(["sleep", "97"]))
    await shell(box, settled(1))
    await box.close()
    await box.close()
    with pytest.raises(SandboxLost, match="closed"):
        await running
    with pytest.raises(SandboxLost, match=box.id):
        await box.run(["true"])
