"""What the record costs, beside a plain LangGraph loop with its SQLite saver in the same run.

An iteration is four graph nodes around one model reply with a candidate of 2 kB and one sandbox call, both of which
take no time: what is measured is the record alone. Plain LangGraph keeps the candidates. Loopwright keeps every prompt
(1.5 kB of system prompt, and the candidate before), reply, candidate, observation, verdict and decision.

`python -m bench.record [--quick] [--output FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import operator
import platform
import random
import shutil
import statistics
import string
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from rich.console import Console
from rich.table import Table

from loopwright import Candidate, ComponentOverrides, Instance, Run, RunConfig, Task
from loopwright.environments import EnvironmentSetup, Observation
from loopwright.models import Reply, Request
from loopwright.store import CallKey, Decided, Judged, Manifest, Observed, Proposed, RunStore, read_run
from loopwright.verify import Check, Verdict

SIZE = 2000
"""Characters of a candidate."""
SIZE_BEFORE = len("Here it is:\n```python\n")
SYSTEM = "".join(random.Random(0).choices(string.ascii_lowercase + " ", k=1500))

Node = Callable[[Any], Coroutine[Any, Any, dict[str, Any]]]
Way = Callable[[Path, int, int], Coroutine[Any, Any, float]]
"""Runs episodes of so many iterations in a folder; returns the seconds they took, without opening and closing."""


class Small(TypedDict):
    """Loopwright's way: the record holds what was said, the state a counter."""

    iteration: int


class Growing(TypedDict):
    """LangGraph's way: the state holds what was said."""

    iteration: int
    messages: Annotated[list[str], operator.add]


def graph(state: type, nodes: Mapping[str, Node], iterations: int, saver: Any) -> Any:
    builder: Any = StateGraph(state)
    for name, node in nodes.items():
        builder.add_node(name, node)
    first, last = next(iter(nodes)), list(nodes)[-1]
    builder.add_edge(START, first)
    for one, two in itertools.pairwise(nodes):
        builder.add_edge(one, two)
    builder.add_conditional_edges(last, lambda state: END if state["iteration"] >= iterations else first)
    return builder.compile(checkpointer=saver)


def thread(number: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": str(number)}, "recursion_limit": 10**9}


CODES = ["".join(random.Random(n).choices(string.ascii_letters + " \n", k=SIZE)) for n in range(1, 98)]


def code(iteration: int) -> str:
    """A candidate that repeats nothing of the ones before, as far back as a record looks for what repeats."""
    return CODES[iteration % len(CODES)]


async def propose(state: Growing) -> dict[str, Any]:
    return {"messages": [code(state["iteration"])]}


async def nothing(state: Growing) -> dict[str, Any]:
    return {}


async def count(state: Growing) -> dict[str, Any]:
    return {"iteration": state["iteration"] + 1}


async def step(state: Growing) -> dict[str, Any]:
    return {"messages": [code(state["iteration"])], "iteration": state["iteration"] + 1}


PLAIN_LOOP: Mapping[str, Node] = {"propose": propose, "act": nothing, "verify": nothing, "decide": count}
PLAIN_STEP: Mapping[str, Node] = {"step": step}


async def reply(text: str) -> dict[str, Any]:
    return {"text": text, "model": "m", "usage": {"input": 500, "output": 500}}


async def ran() -> dict[str, Any]:
    return {"exit_code": 0, "stdout": "ok"}


def call_key(episode: str, iteration: int, node: str) -> CallKey:
    return CallKey(episode, iteration, node, 0, hashlib.sha256(f"{episode}{iteration}{node}".encode()).hexdigest())


def recorded_loop(store: RunStore, episode: str) -> Mapping[str, Node]:
    """Records what a refining loop records."""

    async def propose(state: Small) -> dict[str, Any]:
        iteration = state["iteration"]
        before = f"You wrote:\n{code(iteration - 1)}\nIt fails: {iteration}.\n" if iteration else "Begin."
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": before}]
        answer = await store.once(
            call_key(episode, iteration, "propose"),
            lambda: reply(f"Here it is:\n```python\n{code(iteration)}```\n"),
            kind="model",
            repeatable=True,
            request={"model": "m", "messages": messages},
        )
        files = {"solution.py": answer["text"][SIZE_BEFORE : SIZE_BEFORE + SIZE]}
        proposed = Proposed(candidate=Candidate(files=files), digest="0" * 64)
        store.append(proposed, episode=episode, iteration=iteration, node="propose")
        return {}

    async def act(state: Small) -> dict[str, Any]:
        iteration = state["iteration"]
        await store.once(call_key(episode, iteration, "act"), ran, kind="sandbox", repeatable=True)
        store.append(Observed(observation=Observation(text="ok")), episode=episode, iteration=iteration, node="act")
        return {}

    async def verify(state: Small) -> dict[str, Any]:
        judged = Judged(verdict=Verdict(), score=0.5, passed=False, best=True)
        store.append(judged, episode=episode, iteration=state["iteration"], node="verify")
        return {}

    async def decide(state: Small) -> dict[str, Any]:
        decided = Decided(decision="continue", rule="continue", why="not all checks pass")
        store.append(decided, episode=episode, iteration=state["iteration"], node="decide")
        return {"iteration": state["iteration"] + 1}

    return {"propose": propose, "act": act, "verify": verify, "decide": decide}


def recorded_step(store: RunStore, episode: str) -> Mapping[str, Node]:
    """Records one reply."""

    async def step(state: Small) -> dict[str, Any]:
        iteration = state["iteration"]
        key = call_key(episode, iteration, "step")
        await store.once(key, lambda: reply(code(iteration)), kind="model", repeatable=True)
        return {"iteration": iteration + 1}

    return {"step": step}


def bare(nodes: Mapping[str, Node] = PLAIN_LOOP) -> Way:
    """No durability at all: what the graph itself takes."""

    async def run(folder: Path, episodes: int, iterations: int) -> float:
        loop = graph(Growing, nodes, iterations, None)
        begun = time.perf_counter()
        await asyncio.gather(*(loop.ainvoke({"iteration": 0, "messages": []}, thread(n)) for n in range(episodes)))
        return time.perf_counter() - begun

    return run


def plain(
    durability: Literal["sync", "async"], nodes: Mapping[str, Node] = PLAIN_LOOP, *, wait_for_disk: bool = True
) -> Way:
    async def run(folder: Path, episodes: int, iterations: int) -> float:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.sqlite")) as saver:
            if not wait_for_disk:
                await saver.conn.execute("PRAGMA synchronous=NORMAL")
            loop = graph(Growing, nodes, iterations, saver)
            empty: dict[str, Any] = {"iteration": 0, "messages": []}
            begun = time.perf_counter()
            await asyncio.gather(*(loop.ainvoke(empty, thread(n), durability=durability) for n in range(episodes)))
            return time.perf_counter() - begun

    return run


def recorded(nodes: Callable[[RunStore, str], Mapping[str, Node]] = recorded_loop) -> Way:
    async def run(folder: Path, episodes: int, iterations: int) -> float:
        store = RunStore.create(folder / "run", Manifest(id="bench", created="", loopwright="", config={}))
        async with store.checkpointer() as saver:
            loops = [graph(Small, nodes(store, str(n)), iterations, saver) for n in range(episodes)]
            begun = time.perf_counter()
            await asyncio.gather(
                *(loop.ainvoke({"iteration": 0}, thread(n), durability="exit") for n, loop in enumerate(loops))
            )
            await store.sync()
            taken = time.perf_counter() - begun
        store.close()
        return taken

    return run


class Answering:
    """A model that takes no time."""

    name = "bench/model"
    repeatable = True

    def __init__(self) -> None:
        self._asked = 0

    async def complete(self, request: Request) -> Reply:
        self._asked += 1
        return Reply(text=f"Here it is:\n```python\n{code(self._asked)}```\n", model=self.name)

    async def close(self) -> None:
        pass


class Refusing:
    """An environment that takes no time, and that no candidate satisfies."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        pass

    async def reset(self, instance: Instance) -> Observation:
        return Observation()

    async def step(self, action: Candidate) -> Observation:
        failed = Check(name="works", score=0, evidence=f"{action.digest} does not work")
        return Observation(text="It does not work.", verdict=Verdict(checks=(failed,)))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="works", score=0),))

    async def close(self) -> None:
        pass


async def whole_run(folder: Path, episodes: int, iterations: int) -> float:
    """A run as users start it: prompts are rendered, replies read, rules asked, answers graded."""
    task = Task.model_validate(
        {
            "name": "bench",
            "goal": "Write a program.",
            "environment": {"name": "refusing", "entry": "solution.py"},
            "model": Answering.name,
            "repeats": episodes,
            "loop": {"max_iterations": iterations, "repetition": None},
        }
    )
    given = ComponentOverrides(models={Answering.name: Answering()}, environments={"refusing": Refusing})
    run = Run.create(RunConfig(tasks=(task,), concurrency=episodes), folder / "run", given=given)
    begun = time.perf_counter()
    result = await run.execute()
    taken = time.perf_counter() - begun
    assert [len(episode.attempts) for episode in result] == [iterations] * episodes
    return taken


LOOPS = {
    "no durability": bare(),
    "plain LangGraph, async": plain("async"),
    "plain LangGraph, sync": plain("sync"),
    # Survives a kill -9 and not always a power failure, as Loopwright's repeatable calls do.
    "plain LangGraph, sync, not waiting for the disk": plain("sync", wait_for_disk=False),
    "loopwright": recorded(),
    "loopwright, a whole run": whole_run,
}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk that is measured: that of the working directory."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def seconds(episodes: int, iterations: int, rounds: int) -> dict[str, list[float]]:
    """Times of every way by round. The ways take turns, so that a busy moment of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in LOOPS}
    for _ in range(rounds):
        for name, way in LOOPS.items():
            with scratch() as folder:
                times[name].append(asyncio.run(way(folder, episodes, iterations)))
    return times


def size(way: Way, iterations: int) -> int:
    with scratch() as folder:
        asyncio.run(way(folder, 1, iterations))
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def call_latency(repeats: int) -> dict[str, float]:
    """Median microseconds of one recorded call that itself takes no time."""

    async def measured(store: RunStore, kind: Literal["model", "sandbox"], repeatable: bool) -> float:
        times = []
        for n in range(repeats):
            begun = time.perf_counter()
            key = call_key(f"{kind}{repeatable}", n, "call")
            await store.once(key, lambda: reply(CODES[0]), kind=kind, repeatable=repeatable)
            times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1e6

    async def run(folder: Path) -> dict[str, float]:
        store = RunStore.create(folder / "run", Manifest(id="bench", created="", loopwright="", config={}))
        result = {
            "sandbox: in the kernel before use": await measured(store, "sandbox", True),
            "model: in the kernel before use, on its way to the disk": await measured(store, "model", True),
            "not repeatable: intent and result on the disk": await measured(store, "model", False),
        }
        store.close()
        return result

    with scratch() as folder:
        return asyncio.run(run(folder))


def resume(events: int) -> dict[str, float]:
    """Seconds until a run of that many events is open again, and until all of it is read."""
    with scratch() as folder:
        asyncio.run(recorded()(folder, 1, events // 8))
        begun = time.perf_counter()
        RunStore.open(folder / "run").close()
        opened = time.perf_counter()
        count = sum(1 for _ in read_run(folder / "run").events)
        return {"events": count, "open": opened - begun, "read": time.perf_counter() - opened}


def plain_resume(steps: int) -> dict[str, float]:
    """Seconds until plain LangGraph has the state again after so many steps of one message each."""

    async def state(folder: Path) -> float:
        begun = time.perf_counter()
        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.sqlite")) as saver:
            found = await graph(Growing, PLAIN_STEP, steps, saver).aget_state(thread(0))
            assert len(found.values["messages"]) == steps
            return time.perf_counter() - begun

    with scratch() as folder:
        asyncio.run(plain("async", PLAIN_STEP)(folder, 1, steps))
        return {"steps": steps, "open": asyncio.run(state(folder))}


def measure(*, quick: bool) -> dict[str, Any]:
    rounds, iterations, short, long = (1, 20, 50, 100) if quick else (7, 50, 400, 4000)
    seconds(1, 1, 1)  # What is imported and compiled on first use is not measured.
    alone = seconds(1, iterations, rounds)
    each = {name: [time / iterations * 1000 for time in times] for name, times in alone.items()}
    nothing = each["no durability"]
    many = {(n, per): seconds(n, per, rounds) for n, per in ((1, iterations), (8, 12), (64, 4))}
    return {
        "python": platform.python_version(),
        "candidate_bytes": SIZE,
        # The least of the rounds: other work on the machine only adds.
        "ms_per_iteration": {name: min(times) for name, times in each.items()},
        "overhead_ms_per_iteration": {name: min(each[name]) - min(nothing) for name in list(LOOPS)[1:]},
        "iterations_per_second": {
            name: {n: n * per / min(times[name]) for (n, per), times in many.items()} for name in LOOPS
        },
        "store_bytes": {
            # The plain loop rewrites its history every step: the long one would take gigabytes.
            "plain LangGraph, one message a step": {short: size(plain("async", PLAIN_STEP), short)},
            "loopwright, one message a step": {n: size(recorded(recorded_step), n) for n in (short, long)},
            "loopwright, the whole loop": {n: size(recorded(), n) for n in (short, long)},
            "loopwright, a whole run": {n: size(whole_run, n) for n in (short,)},
        },
        "call_us": call_latency(50 if quick else 200),
        "resume_seconds": resume(1_000 if quick else 10_000),
        "plain_resume_seconds": plain_resume(short),
    }


def table(title: str, columns: Iterable[object], rows: Mapping[str, Iterable[str]]) -> Table:
    shown = Table("", *map(str, columns), title=title, title_justify="left", min_width=len(title))
    for name, cells in rows.items():
        shown.add_row(name, *cells)
    return shown


def show(result: Mapping[str, Any], console: Console) -> None:
    over = result["overhead_ms_per_iteration"]
    rows = {
        name: [f"{ms:.2f}", f"{result['ms_per_iteration'][name]:.2f}", times(ms, over["loopwright"])]
        for name, ms in over.items()
    }
    columns = ["over no durability", "in all", "of loopwright's"]
    console.print(table("durable overhead of an iteration, ms", columns, rows))
    rates = result["iterations_per_second"]
    rows = {
        name: [f"{rate:,.0f} ({times(rate, rates['loopwright'][n])})" for n, rate in by.items()]
        for name, by in rates.items()
    }
    title = "iterations per second by episodes in flight (and of loopwright's)"
    console.print(table(title, rates["loopwright"], rows))
    sizes = result["store_bytes"]
    ours = sizes["loopwright, the whole loop"]
    rows = {
        name: [f"{size / 1e6:,.2f} ({times(size, ours[n])})" for n, size in by.items()] for name, by in sizes.items()
    }
    console.print(table("store by iterations of 2 kB, MB (and of the whole loop's)", ours, rows))
    rows = {name: [f"{us:,.0f}"] for name, us in result["call_us"].items()}
    console.print(table("one recorded call, p50", ["us"], rows))
    again, plainly = result["resume_seconds"], result["plain_resume_seconds"]
    console.print(
        f"loopwright, a run of {again['events']:,} events: open {again['open']:.2f} s, read {again['read']:.2f} s; "
        f"plain LangGraph, the state after {plainly['steps']:,} steps: {plainly['open']:.3f} s"
    )


def times(amount: float, other: float) -> str:
    # A busy machine can make a way look faster than no durability: then there is nothing to compare.
    return f"{amount / other:.2g}x" if amount > 0 and other > 0 else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for a first look")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    arguments = parser.parse_args()
    result = measure(quick=arguments.quick)
    show(result, Console(width=100))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
