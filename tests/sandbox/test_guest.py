"""Code inside sandboxes: what it may import, how it gets there, and how it is spoken to."""

from __future__ import annotations

import ast
import asyncio
import marshal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import loopwright
from loopwright.sandbox import GuestLost, GuestProgram, Sandbox
from loopwright.sandbox._guest.frames import frame
from loopwright.sandbox._guest.messages import Ask, message
from loopwright.sandbox.host._bundle import GuestBundle, bundle
from loopwright.sandbox.host._channel import RUNNER, RunnerChannel

pytestmark = pytest.mark.anyio

SOURCE = Path(loopwright.__path__[0])
OLDEST = {
    "agents": (3, 8),
    "discovery": (3, 8),
    "export": (3, 8),
    "repo": (3, 8),
    "sandbox": (3, 8),
    "environments": (3, 8),
    "verify": (3, 10),
}
MODULES = sorted(path for folder in SOURCE.rglob("_guest") for path in folder.rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(("loopwright", *path.relative_to(SOURCE).with_suffix("").parts))


PROGRAMS = [_name(path) for path in MODULES if "\ndef main() ->" in path.read_text()]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_needs_the_standard_library_and_other_guest_modules_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=OLDEST[path.relative_to(SOURCE).parts[0]])
    foreign = {
        name
        for name in _imported(tree)
        if "_guest" not in name.split(".") and name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert foreign == set()


def test_all_programs_are_found() -> None:
    assert "loopwright.sandbox._guest.runner" in PROGRAMS


def _modules_at_the_start(program: GuestBundle, payload: bytes, *, prints: str) -> str:
    """Starts a program's modules, with what is printed in place of the program itself."""
    boot = program.boot.replace(f"load({len(program.payload)})()", f"main = load({len(payload)})\nprint({prints})")
    done = subprocess.run([sys.executable, "-I", "-c", boot], input=payload, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_brings_all_its_modules_and_hides_them(name: str) -> None:
    program = bundle(name)
    prints = "main.__module__, main.__code__.co_filename, [name for name in sys.modules if 'loopwright' in name]"
    assert _modules_at_the_start(program, program.payload, prints=prints) == f"{name} <{name}> []"


@pytest.mark.parametrize("name", PROGRAMS)
def test_another_python_compiles_the_program_itself(name: str) -> None:
    program = bundle(name)
    _, codes, texts = marshal.loads(program.payload)
    payload = marshal.dumps((b"else", b"", texts), 2)
    assert _modules_at_the_start(program, payload, prints="main.__module__") == name
    assert codes != b""


def test_what_is_in_no_guest_folder_is_not_sent() -> None:
    with pytest.raises(ValueError, match=r"cannot import loopwright\.errors"):
        bundle("loopwright.errors")


def test_a_program_whose_pipe_closes_too_early_ends() -> None:
    boot = bundle("loopwright.sandbox._guest.runner").boot
    assert subprocess.run([sys.executable, "-I", "-c", boot], input=b"cut", capture_output=True).returncode == 1


async def test_nothing_comes_before_the_runner() -> None:
    here, there = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, channel = await loop.create_unix_connection(lambda: RunnerChannel("name"), sock=here)
    channel.beat()
    transport.close()
    with there:
        there.setblocking(False)
        received = b""
        while part := await loop.sock_recv(there, 1 << 20):
            received += part
    assert received == bundle(RUNNER).payload + message(Ask.PING, 0)


async def test_frames_come_from_a_program_until_it_ends(box: Sandbox) -> None:
    await box.write("answers", frame(b"one ", b"answer") + frame() + frame(b"x" * 100))
    process = await box.start(["cat", "answers"])
    program = GuestProgram(process, limit=100)
    assert [await program.receive() for _ in range(3)] == [b"one answer", b"", b"x" * 100]
    with pytest.raises(GuestLost, match="ended"):
        await program.receive()


async def test_what_is_no_frame_loses_the_program(box: Sandbox) -> None:
    program = GuestProgram(await box.start(["echo", "hello"]), limit=100)
    with pytest.raises(GuestLost, match="no message"):
        await program.receive()


@pytest.mark.parametrize(
    "name", ["verify._guest.candidate", "verify._guest.verifier", "environments._guest.interpreter"]
)
def test_a_program_that_runs_foreign_code_refuses_to_start_outside_a_sandbox(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    start = f"from loopwright.{name} import main; main()"
    done = subprocess.run([sys.executable, "-c", start], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 1
    assert b"it starts in a sandbox only" in done.stderr
    assert (tmp_path / "mine").read_text() == "x"
