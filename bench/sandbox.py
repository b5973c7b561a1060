"""What a sandbox costs, beside the Docker SDK, the docker command and SWE-ReX in the same run.

The Docker peers run their commands in the very container that Loopwright's sandbox is, so that engine, image and limits
are the same. SWE-ReX (`pip install swe-rex`) is measured at its best: in process, on the host, without a container and
without its HTTP. Ways take turns. `python -m bench.sandbox [--quick] [--output FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox import Pool, Sandbox, SandboxSpec, open_provider

Step = Callable[[], Awaitable[Any]]
KILOBYTE = b"x" * 1024
GIGABYTE = ["head", "-c", str(1 << 30), "/dev/zero"]
SDK, COMMAND, SESSION, EXECUTE = "Docker SDK", "docker command", "SWE-ReX session", "SWE-ReX execute"


class Machine:
    """Which ways work here, and why others do not."""

    def __init__(self) -> None:
        self.providers: list[str] = []
        self.missing: dict[str, str] = {}

    async def look(self) -> None:
        for name in ("docker", "bubblewrap"):
            try:
                provider = await open_provider(name)
                await (await provider.open(SandboxSpec())).close()
                await provider.close()
                self.providers.append(name)
            except SandboxUnavailable as error:
                self.missing[name] = str(error)
        if not self.swerex:
            self.missing["SWE-ReX"] = "not installed here: pip install swe-rex"

    @property
    def docker(self) -> bool:
        return "docker" in self.providers

    @property
    def swerex(self) -> bool:
        return importlib.util.find_spec("swerex") is not None


async def timed(step: Step) -> float:
    begun = time.perf_counter()
    await step()
    return (time.perf_counter() - begun) * 1000


async def in_turns(ways: Mapping[str, Step], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds by way; every way is warmed once, and a busy moment of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for step in ways.values():
        await step()
    for _ in range(rounds):
        for name, step in ways.items():
            times[name].append(await timed(step))
    return {name: summary(values) for name, values in times.items()}


def summary(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "p50": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))],
    }


async def latency(machine: Machine, rounds: int) -> dict[str, Any]:
    """One command, and one write of 1 kB, in a sandbox that is warm."""
    commands: dict[str, Step] = {}
    writes: dict[str, Step] = {}
    async with AsyncExitStack() as stack:
        for name in machine.providers:
            box = await opened(stack, name)
            commands[f"loopwright, {name}"] = partial(box.run, ["true"])
            writes[f"loopwright, {name}"] = partial(box.write, "file", KILOBYTE)
            if name == "docker":
                container = client(stack).containers.get(box.id)
                plain = writable_container(stack, container.image.id)
                commands[SDK] = partial(asyncio.to_thread, container.exec_run, ["true"], user="1000")
                argv = ["docker", "exec", "--user", "1000", box.id, "true"]
                commands[COMMAND] = partial(asyncio.to_thread, subprocess.run, argv, check=True)
                writes[SDK] = partial(asyncio.to_thread, plain.put_archive, "/", archive())
        if machine.swerex:
            for table, steps in ((commands, swerex_commands), (writes, swerex_writes)):
                table.update(await steps(stack))
        return {"command": await in_turns(commands, rounds), "write": await in_turns(writes, rounds)}


async def opened(stack: AsyncExitStack, name: str) -> Sandbox:
    provider = await open_provider(name)
    stack.push_async_callback(provider.close)
    return await provider.open(SandboxSpec())


def client(stack: AsyncExitStack) -> Any:
    import docker

    made = docker.from_env(max_pool_size=64)
    stack.callback(made.close)
    return made


def writable_container(stack: AsyncExitStack, image: str) -> Any:
    """A container whose root may be written: `put_archive` cannot reach a tmpfs, nor a read-only root."""
    container = client(stack).containers.run(image, ["sleep", "3600"], detach=True, network_mode="none")
    stack.callback(container.remove, force=True)
    return container


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("file")
        member.size = len(KILOBYTE)
        tar.addfile(member, io.BytesIO(KILOBYTE))
    return buffer.getvalue()


async def swerex(stack: AsyncExitStack) -> Any:
    from swerex.runtime.local import LocalRuntime

    runtime = LocalRuntime()
    stack.push_async_callback(runtime.close)
    return runtime


async def swerex_commands(stack: AsyncExitStack) -> dict[str, Step]:
    from swerex.runtime.abstract import BashAction, Command, CreateBashSessionRequest

    runtime = await swerex(stack)
    await runtime.create_session(CreateBashSessionRequest())
    return {
        SESSION: lambda: runtime.run_in_session(BashAction(command="true")),
        EXECUTE: lambda: runtime.execute(Command(command=["true"])),
    }


async def swerex_writes(stack: AsyncExitStack) -> dict[str, Step]:
    from swerex.runtime.abstract import WriteFileRequest

    runtime = await swerex(stack)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    return {
        "SWE-ReX write_file": lambda: runtime.write_file(
            WriteFileRequest(path=f"{folder}/file", content=KILOBYTE.decode())
        )
    }


async def opening(machine: Machine, rounds: int) -> dict[str, Any]:
    """Until a sandbox is ready: from the pool, and cold."""
    ready, cold = {}, {}
    for name in machine.providers:
        async with AsyncExitStack() as stack:
            pool = Pool(await open_provider(name), size=1)
            stack.push_async_callback(pool.close)
            times = []
            for _ in range(rounds):
                await pool.warm(SandboxSpec())
                begun = time.perf_counter()
                box = await pool.open(SandboxSpec())
                times.append((time.perf_counter() - begun) * 1000)
                await box.close()
            assert pool.stats.misses == 0
            ready[f"loopwright, {name}"] = summary(times)
    async with AsyncExitStack() as stack:
        ways: dict[str, Step] = {}
        for name in machine.providers:
            provider = await open_provider(name)
            stack.push_async_callback(provider.close)
            ways[f"loopwright, {name}"] = partial(provider.open, SandboxSpec())
        if machine.docker:
            docker = client(stack)
            image = os.environ.get("LOOPWRIGHT_IMAGE", "loopwright/python:latest")
            made: list[Any] = []
            stack.callback(lambda: [container.remove(force=True) for container in made])

            def start() -> None:
                made.append(docker.containers.run(image, ["sleep", "3600"], detach=True, network_mode="none"))

            ways[SDK] = partial(asyncio.to_thread, start)
        cold = await in_turns(ways, rounds)
    return {"ready_from_pool": ready, "cold": cold}


async def throughput(machine: Machine, counts: Sequence[int], seconds: float) -> dict[str, dict[int, float]]:
    """Commands per second with so many sandboxes, each with one command at a time."""
    rates: dict[str, dict[int, float]] = {}
    for name in machine.providers:
        async with AsyncExitStack() as stack:
            provider = await open_provider(name)
            stack.push_async_callback(provider.close)
            boxes: list[Sandbox] = []
            for count in counts:
                while len(boxes) < count:
                    boxes.append(await provider.open(SandboxSpec()))
                steps: list[Step] = [partial(box.run, ["true"]) for box in boxes]
                rates.setdefault(f"loopwright, {name}", {})[count] = await rate(steps, seconds)
                if name == "docker":
                    docker = client(stack)
                    containers = [docker.containers.get(box.id) for box in boxes]
                    peers: list[Step] = [
                        partial(asyncio.to_thread, container.exec_run, ["true"], user="1000")
                        for container in containers
                    ]
                    rates.setdefault(SDK, {})[count] = await rate(peers, seconds)
    return rates


async def rate(steps: Sequence[Step], seconds: float) -> float:
    begun = time.perf_counter()
    end = begun + seconds

    async def repeat(step: Step) -> int:
        done = 0
        while time.perf_counter() < end:
            await step()
            done += 1
        return done

    return sum(await asyncio.gather(*map(repeat, steps))) / (time.perf_counter() - begun)


def memory(machine: Machine) -> dict[str, float]:
    """Growth of this process, in MB, while a command prints 1 GB; each way in a process of its own."""
    grown = {}
    for way in [*machine.providers, *([SDK] if machine.docker else [])]:
        argv = [sys.executable, "-m", "bench.sandbox", "--print-gigabyte", way]
        grown[way if way == SDK else f"loopwright, {way}"] = float(subprocess.check_output(argv, text=True))
    return grown


async def print_gigabyte(way: str) -> float:
    async with AsyncExitStack() as stack:
        box = await opened(stack, "docker" if way == SDK else way)
        await box.run(["true"])
        container = client(stack).containers.get(box.id) if way == SDK else None
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if container:
            assert len(container.exec_run(GIGABYTE, user="1000").output) == 1 << 30
        else:
            assert (await box.run(GIGABYTE, timeout=300)).ok
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


async def measure(*, quick: bool) -> dict[str, Any]:
    machine = Machine()
    await machine.look()
    rounds, times, counts = (10, 3, (1, 8)) if quick else (100, 20, (1, 8, 64))
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "missing": machine.missing,
        "ms": {**await latency(machine, rounds), **await opening(machine, times)},
        "commands_per_second": await throughput(machine, counts, 1 if quick else 4),
        "mb_grown_at_1_gb": {} if quick else memory(machine),
    }


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    shown = Table("", *columns, title=title, title_justify="left", min_width=len(title))
    for row in rows:
        shown.add_row(*row)
    return shown


def show(result: Mapping[str, Any], console: Console) -> None:
    titles = {
        "command": "`true` in a warm sandbox, ms",
        "write": "a write of 1 kB, ms",
        "ready_from_pool": "a sandbox from the pool, ms",
        "cold": "a sandbox that is not warm, ms",
    }
    for key, title in titles.items():
        ways = result["ms"][key]
        least = {name: way["p50"] for name, way in ways.items() if name.startswith("loopwright")}
        columns = ["n", "p50", "p95", *(f"p50 over {name.partition(', ')[2]}" for name in least)]
        rows = [
            [
                name,
                f"{way['n']}",
                f"{way['p50']:.2f}",
                f"{way['p95']:.2f}",
                *(f"{way['p50'] / own:.2f}" for own in least.values()),
            ]
            for name, way in ways.items()
        ]
        console.print(table(title, columns, rows))
    rates = result["commands_per_second"]
    counts = list(next(iter(rates.values())))
    rows = [[name, *(f"{value:,.0f}" for value in by.values())] for name, by in rates.items()]
    console.print(table("commands per second by sandboxes", [str(count) for count in counts], rows))
    grown = [[name, f"{mb:.1f}"] for name, mb in result["mb_grown_at_1_gb"].items()]
    if grown:
        console.print(table("growth of the host's process while a command prints 1 GB", ["MB"], grown))
    for name, why in result["missing"].items():
        console.print(f"not measured: {name}: {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for a first look")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    parser.add_argument("--print-gigabyte", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.print_gigabyte:
        print(asyncio.run(print_gigabyte(arguments.print_gigabyte)))
        return
    result = asyncio.run(measure(quick=arguments.quick))
    show(result, Console(width=100))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
