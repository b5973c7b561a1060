"""What a benchmark episode costs, beside the PyPI package `intercode-bench` on the same gold episodes in the same run.

An episode is: a fresh file system, the gold command as the agent's action, the gold command for comparison, the reward.
The peer keeps two containers and resets them with Git; its image is made here from the same files. Where the package or
a Docker Engine is missing, the peer is left out and that is told.

`python -m bench.suites [--from FOLDER] [--tasks N] [--all-golds] [--output FILE]`; the data are InterCode's.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import platform
import statistics
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loopwright.bench import find_suite, replay, run_canaries
from loopwright.candidate import Candidate
from loopwright.environments import BashEnvironment, EnvironmentSetup
from loopwright.environments._bash import _GOLDS
from loopwright.sandbox import Pool, SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance

SLOW = ("fs1-6", "fs1-21", "fs1-30", "fs1-55", "fs1-45")
"""Golds that search the whole root, whose time is the search's, and one whose archive holds the time."""
IMAGE, BASE = "intercode-nl2bash", "loopwright/python:latest"
IGNORED = (
    *("bin", "boot", "dev", "etc", "home", "lib", "media", "opt", "proc"),
    *("root", "run", "sbin", "srv", "sys", "usr", "var", ".dockerenv"),
)


async def episode(instance: Instance, provider: SandboxProvider) -> float:
    """Seconds of one gold episode."""
    begun = time.perf_counter()
    environment = BashEnvironment(EnvironmentSetup(provider, SandboxSpec(), lambda data: "", lambda name: b""))
    try:
        await environment.reset(instance)
        await environment.step(Candidate(text=f"~~~\n{instance.hidden['gold']}\n~~~"))
        scores = await environment.scores()
    finally:
        await environment.close()
    assert scores.intercode == 1.0, (instance.id, scores)
    return time.perf_counter() - begun


async def ours(
    instances: Sequence[Instance], concurrency: int, *, pool: int = 0, known: bool = False
) -> tuple[float, float]:
    """Episodes per second, and the median seconds of one; `known` keeps what gold commands came to before."""
    if not known:
        _GOLDS.clear()
    opened = await open_provider("bubblewrap")
    provider: SandboxProvider = Pool(opened, size=pool) if pool else opened
    places = asyncio.Semaphore(concurrency)

    async def one(instance: Instance) -> float:
        async with places:
            return await episode(instance, provider)

    begun = time.perf_counter()
    seconds = await asyncio.gather(*map(one, instances))
    whole = time.perf_counter() - begun
    await provider.close()
    return len(instances) / whole, statistics.median(seconds)


def peer(instances: Sequence[Instance], fixture: Path) -> tuple[float, float, float] | str:
    """Episodes per second with and without the start, and the median seconds; or why it cannot be measured."""
    try:
        import docker
        from intercode.envs import BashEnv  # type: ignore[import-not-found, unused-ignore]  # measured where installed
    except ImportError as error:
        return f"not installed: {error.name}"
    client = docker.from_env()
    _build(client, fixture)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.json")
        data.write_text(json.dumps([{"query": i.goal, "gold": i.hidden["gold"]} for i in instances]))
        begun = time.perf_counter()
        environment: Any = BashEnv(IMAGE, data_path=str(data), verbose=False)
        started = time.perf_counter()
        seconds = []
        for number, instance in enumerate(instances):
            before = time.perf_counter()
            environment.reset(number)
            environment.step(instance.hidden["gold"])
            environment.step("submit")
            seconds.append(time.perf_counter() - before)
        end = time.perf_counter()
    for name in (f"{IMAGE}_ic_ctr", f"{IMAGE}_ic_ctr_eval"):
        client.containers.get(name).remove(force=True)
    return len(seconds) / (end - begun), len(seconds) / (end - started), statistics.median(seconds)


def _build(client: Any, fixture: Path) -> None:
    """The published image as far as it matters here: the files, and a Git repository of the whole root."""
    lines = [
        f"FROM {BASE}",
        "ADD fixture.tar.gz /",
        f"RUN printf '%s\\n' {' '.join(IGNORED)} > /.gitignore && cd / && git init -q && git config user.email a@b"
        " && git config user.name a && git add -A && git commit -qm start",
        'WORKDIR /\nENTRYPOINT ["/bin/bash"]',
    ]
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in (("Dockerfile", "\n".join(lines).encode()), ("fixture.tar.gz", fixture.read_bytes())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    context.seek(0)
    client.images.build(fileobj=context, custom_context=True, tag=IMAGE, rm=True, network_mode="none")


def golds(folder: Path) -> dict[str, Any]:
    """How many gold answers pass, suite by suite."""
    found = {}
    for name in ("intercode-bash", "intercode-sql", "intercode-python", "intercode-ctf"):
        canaries = asyncio.run(run_canaries(find_suite(name).task(folder)))
        found[name] = {
            "tasks": len(canaries),
            "gold passes (intercode)": sum(c.gold.intercode >= 1 for c in canaries),
            "gold passes (exact)": sum(c.gold.exact >= 1 for c in canaries),
            "idle passes (intercode)": sum(c.idle.intercode >= 1 for c in canaries),
            "idle passes (exact)": sum(c.idle.exact >= 1 for c in canaries),
            "spoilt passes (exact)": sum(bool(c.spoilt and c.spoilt.exact >= 1) for c in canaries),
            "gold fails (intercode)": [c.instance for c in canaries if c.gold.intercode < 1],
            "gold fails (exact)": [c.instance for c in canaries if c.gold.exact < 1],
        }
    return found


def agreement(folder: Path) -> list[dict[str, Any]]:
    """Recorded Try Again trajectories executed again."""
    logs = [
        ("bash_gpt-4_try_again_fs_1", "intercode-bash", "fs1-"),
        ("bash_gpt-4_try_again_fs_4", "intercode-bash", "fs4-"),
        ("bash_gpt-3.5_try_again_fs_1", "intercode-bash", "fs1-"),
        ("bash_gpt-3.5_try_again_fs_4", "intercode-bash", "fs4-"),
        ("sql_gpt-4_try_again", "intercode-sql", "spider-"),
        ("python_gpt-4_try_again", "intercode-python", "mbpp-"),
    ]
    return [
        asyncio.run(
            replay(folder / "logs" / f"{log}.json", find_suite(suite).task(folder, legacy=True), prefix=p)
        ).as_dict()
        for log, suite, p in logs
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    base = os.environ.get("LOOPWRIGHT_TEST_DATA")
    parser.add_argument("--from", dest="source", type=Path, default=Path(base) / "intercode" if base else None)
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--all-golds", action="store_true", help="check every gold answer of every suite; minutes")
    parser.add_argument("--replay", action="store_true", help="execute the recorded trajectories again; minutes")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    console = Console()
    if arguments.source is None or not arguments.source.is_dir():
        console.print("left out: the data are not here; name their folder with --from or LOOPWRIGHT_TEST_DATA")
        return
    everything = [i for i in find_suite("intercode-bash").task(arguments.source).instances() if i.id.startswith("fs1-")]
    quick = [instance for instance in everything if instance.id not in SLOW]
    instances = quick[: 10 if arguments.quick else arguments.tasks]
    told: dict[str, Any] = {"cores": os.cpu_count(), "machine": platform.machine(), "tasks": len(instances)}
    table = Table("way", "episodes/s", "median s", title=f"{len(instances)} gold episodes, {os.cpu_count()} cores")
    for concurrency, pool, known in (
        (1, 0, False),
        (2, 0, False),
        (4, 0, False),
        (4, 4, False),
        (4, 0, True),
        (4, 0, True),
    ):
        rate, median = asyncio.run(ours(instances, concurrency, pool=pool, known=known))
        name = f"loopwright, {concurrency} at a time{', warm pool' if pool else ', a repeat' if known else ''}"
        if known and name not in told:
            told[name] = {}  # the first repeat still runs gold commands a second time
            continue
        told[name] = {"rate": rate, "median": median}
        table.add_row(name, f"{rate:.2f}", f"{median:.3f}")
    beside = peer(instances[: 10 if arguments.quick else 20], arguments.source / "fs_1.tar.gz")
    if isinstance(beside, str):
        told["intercode-bench"] = beside
        table.add_row("intercode-bench", beside, "")
    else:
        told["intercode-bench"] = {"rate": beside[0], "rate without start": beside[1], "median": beside[2]}
        table.add_row("intercode-bench 0.1.22, start included", f"{beside[0]:.2f}", f"{beside[2]:.3f}")
        table.add_row("intercode-bench 0.1.22, start left out", f"{beside[1]:.2f}", f"{beside[2]:.3f}")
    console.print(table)
    flat = Table("tasks", "seconds an episode", title="cost of an episode, 2 at a time")
    for count in (1, 10, 100):
        many = (instances * (count // len(instances) + 1))[:count]
        rate, _ = asyncio.run(ours(many, 2))
        told[f"{count} tasks"] = 1 / rate
        flat.add_row(str(count), f"{1 / rate:.3f}")
    console.print(flat)
    if arguments.all_golds:
        told["golds"] = golds(arguments.source)
        console.print_json(data=told["golds"])
    if arguments.replay:
        told["agreement"] = agreement(arguments.source)
        console.print_json(data=told["agreement"])
    if arguments.output:
        arguments.output.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
