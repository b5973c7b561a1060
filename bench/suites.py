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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loopwright.bench import find_suite, replay, run_canaries
from loopwright.candidate import Candidate
from loopwright.environments import BashEnvironment, EnvironmentSetup
from loopwright.sandbox import SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance

SLOW = ("fs1-6", "fs1-21", "fs1-30", "fs1-55", "fs1-45")
"""Golds that search the whole root, whose time is the search's, and one whose archive holds the time."""
ROUNDS = 3
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
    assert scores.rules["intercode"] == 1.0, (instance.id, scores)
    return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Way:
    """One way to work through the episodes."""

    concurrency: int
    known: bool = False
    """Whether gold commands were run twice before, as the canaries of `bench run` do: then they are not run again."""

    @property
    def name(self) -> str:
        """As in the table."""
        return f"loopwright, {self.concurrency} at a time{', golds known' if self.known else ''}"


WAYS = (Way(1), Way(2), Way(4), Way(1, known=True), Way(4, known=True))


@dataclass(slots=True)
class Measured:
    """Seconds of whole rounds and of single episodes."""

    episodes: int
    rounds: list[float]
    seconds: list[float]

    @property
    def rate(self) -> float:
        """Episodes per second, over all rounds."""
        return self.episodes * len(self.rounds) / sum(self.rounds)

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        each = [self.episodes / seconds for seconds in self.rounds]
        return {"rate": self.rate, "rate of each round": each, "median": statistics.median(self.seconds)}


async def ours(instances: Sequence[Instance], way: Way, provider: SandboxProvider) -> tuple[float, list[float]]:
    """Seconds of the whole, and of each episode."""
    if not way.known:
        BashEnvironment.forget_golds()
    places = asyncio.Semaphore(way.concurrency)

    async def one(instance: Instance) -> float:
        async with places:
            return await episode(instance, provider)

    begun = time.perf_counter()
    seconds = await asyncio.gather(*map(one, instances))
    whole = time.perf_counter() - begun
    return whole, seconds


class Peer:
    """The published package, which does one episode at a time in two containers that it keeps."""

    def __init__(self, instances: Sequence[Instance], fixture: Path) -> None:
        """Starts it.

        Raises:
            ImportError: It or the Docker SDK is not installed.
        """
        import docker
        from intercode.envs import BashEnv  # type: ignore[import-not-found, unused-ignore]  # measured where installed

        self.instances = instances
        self._client = docker.from_env()
        _build(self._client, fixture)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as data:
            json.dump([{"query": i.goal, "gold": i.hidden["gold"]} for i in instances], data)
            data.flush()
            begun = time.perf_counter()
            self._environment: Any = BashEnv(IMAGE, data_path=data.name, verbose=False)
            self.start = time.perf_counter() - begun

    def episodes(self) -> tuple[float, list[float]]:
        """Seconds of the whole without the start, and of each episode."""
        seconds = []
        for number, instance in enumerate(self.instances):
            before = time.perf_counter()
            self._environment.reset(number)
            self._environment.step(instance.hidden["gold"])
            self._environment.step("submit")
            seconds.append(time.perf_counter() - before)
        return sum(seconds), seconds

    def close(self) -> None:
        """Removes its containers."""
        for name in (f"{IMAGE}_ic_ctr", f"{IMAGE}_ic_ctr_eval"):
            self._client.containers.get(name).remove(force=True)


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
            "gold passes (intercode)": sum(c.gold.rules["intercode"] >= 1 for c in canaries),
            "gold passes (exact)": sum(c.gold.exact >= 1 for c in canaries),
            "idle passes (intercode)": sum(c.idle.rules["intercode"] >= 1 for c in canaries),
            "idle passes (exact)": sum(c.idle.exact >= 1 for c in canaries),
            "spoilt passes (exact)": sum(bool(c.spoilt and c.spoilt.exact >= 1) for c in canaries),
            "gold fails (intercode)": [c.instance for c in canaries if c.gold.rules["intercode"] < 1],
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


def in_turns(instances: Sequence[Instance], peer: Peer | None, rounds: int) -> dict[str, Measured]:
    """All ways and the peer one after the other, again and again, so that other work on the machine meets all alike."""
    found = {way.name: Measured(len(instances), [], []) for way in WAYS}
    if peer:
        found["intercode-bench"] = Measured(len(peer.instances), [], [])

    async def whole() -> None:
        provider = await open_provider("bubblewrap")
        for _ in range(rounds):
            for way in WAYS:
                if way.known:
                    for _ in range(2):
                        await ours(instances, Way(4, known=True), provider)
                _note(found[way.name], await ours(instances, way, provider))
            if peer:
                _note(found["intercode-bench"], await asyncio.to_thread(peer.episodes))
        await provider.close()

    asyncio.run(whole())
    return found


def _note(measured: Measured, times: tuple[float, list[float]]) -> None:
    measured.rounds.append(times[0])
    measured.seconds += times[1]


def flat(instances: Sequence[Instance]) -> dict[str, float]:
    """Seconds an episode takes among 1, 10 and 100 tasks, gold commands run every time."""

    async def measured(count: int) -> float:
        provider = await open_provider("bubblewrap")
        many = (list(instances) * (count // len(instances) + 1))[:count]
        seconds, _ = await ours(many, Way(2), provider)
        await provider.close()
        return seconds / count

    return {f"{count} tasks": asyncio.run(measured(count)) for count in (1, 10, 100)}


def throughput(console: Console, instances: Sequence[Instance], source: Path, *, quick: bool) -> dict[str, Any]:
    """Measures and prints; returns it as plain data."""
    peer, missing = None, ""
    try:
        peer = Peer(instances[: 10 if quick else 20], source / "fs_1.tar.gz")
    except ImportError as error:
        missing = f"not installed: {error.name}"
    found = in_turns(instances, peer, 1 if quick else ROUNDS)
    base = found["intercode-bench"].rate if peer else None
    title = f"{len(instances)} gold episodes, {1 if quick else ROUNDS} rounds in turns, {os.cpu_count()} cores"
    table = Table("way", "episodes/s", "median s", "times the peer", title=title)
    for name, measured in found.items():
        ratio = f"{measured.rate / base:.1f}" if base else ""
        table.add_row(name, f"{measured.rate:.2f}", f"{statistics.median(measured.seconds):.3f}", ratio)
    if peer:
        peer.close()
    else:
        table.add_row("intercode-bench", missing, "", "")
    console.print(table)
    costs = flat(instances)
    console.print("seconds an episode, 2 at a time: " + ", ".join(f"{n} {s:.3f}" for n, s in costs.items()))
    plain: dict[str, Any] = {name: measured.as_dict() for name, measured in found.items()}
    return plain | {
        "seconds an episode": costs,
        "peer": missing or f"start {peer.start if peer else 0:.1f} s, left out",
    }


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
    instances = [i for i in everything if i.id not in SLOW][: 10 if arguments.quick else arguments.tasks]
    told: dict[str, Any] = {"cores": os.cpu_count(), "machine": platform.machine(), "tasks": len(instances)}
    told |= throughput(console, instances, arguments.source, quick=arguments.quick)
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
