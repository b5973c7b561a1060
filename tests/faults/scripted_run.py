"""A run without the loop: concurrent episodes whose every result depends on the one before, on a counting provider.

As a program it is a zygote: it forks one process per line of JSON it reads, lets that process run, kills it when
asked, and answers how it ended. Forking spares the imports, so that hundreds of crashes take seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from loopwright.budget import Caps, Ledger, Spend
from loopwright.store import CallFinished, CallKey, EpisodeFinished, Event, Manifest, RunFinished, RunStore

EPISODES = 3
ITERATIONS = 4
PRICE = Decimal("0.01")
CAPS = Caps(usd=PRICE * EPISODES * ITERATIONS)
"""Just enough for every model call once."""


def provider_log(folder: Path) -> list[str]:
    """The keys of all calls the provider carried out, however often."""
    path = folder.with_suffix(".provider")
    return path.read_text().splitlines() if path.exists() else []


def acknowledged(folder: Path) -> int:
    """How many events the run was told to be recorded."""
    path = folder.with_suffix(".acks")
    return path.stat().st_size if path.exists() else 0


async def run(folder: Path, die_at: int | None = None) -> dict[str, Any]:
    """Starts the run in `folder`, or goes on with it; kills itself when event `die_at` is recorded."""
    if (folder / "run.json").exists():
        store = RunStore.open(folder)
    else:
        store = RunStore.create(folder, Manifest(id="r", created="", loopwright="0", config={}))
    acks = os.open(folder.with_suffix(".acks"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    provider = os.open(folder.with_suffix(".provider"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ledger = Ledger(CAPS)
    finished: dict[str, str] = {}
    for event in store.events():
        if isinstance(event.data, CallFinished) and event.data.kind == "model" and not event.data.failure:
            ledger.charge(Spend(model_calls=1, usd=PRICE))
        if isinstance(event.data, EpisodeFinished) and event.episode:
            finished[event.episode] = event.data.rule

    def told(event: Event) -> None:
        os.write(acks, b".")
        if event.seq == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def call(key: CallKey, state: str, size: int) -> Mapping[str, Any]:
        with ledger.reserve(Spend(model_calls=1, usd=PRICE) if key.node == "model" else Spend()) as reservation:
            os.write(provider, f"{key}\n".encode())
            await asyncio.sleep(0.001)
            reservation.settle(reservation.spend)
        return {"state": hashlib.sha256(f"{key}{state}".encode()).hexdigest(), "text": "x" * size}

    async def episode(name: str) -> None:
        state = name
        for iteration in range(ITERATIONS):
            for node in ("model", "sandbox"):
                key = CallKey(name, iteration, node, 0, hashlib.sha256(state.encode()).hexdigest())
                # Every fourth result is too large for a line.
                size = 70_000 if node == "model" and iteration == 1 else 300
                result = await store.once(
                    key,
                    lambda key=key, state=state, size=size: call(key, state, size),  # type: ignore[misc]  # bound now
                    kind="model" if node == "model" else "sandbox",
                    repeatable=True,
                )
                state = result["state"]
        store.append(EpisodeFinished(status="scored", score=1.0, rule=state), episode=name)
        finished[name] = state

    store.subscribe(told)
    try:
        await asyncio.gather(*(episode(f"e{n}") for n in range(EPISODES) if f"e{n}" not in finished))
        store.append(RunFinished(reason="completed"))
    finally:
        store.close()
    return {"finished": dict(sorted(finished.items())), "spent": str(ledger.spent.usd)}


def _zygote() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        folder = Path(order["folder"])
        child = os.fork()
        if child == 0:
            result = asyncio.run(run(folder, order.get("die_at")))
            folder.with_suffix(".result").write_text(json.dumps(result))
            os._exit(0)
        if (seconds := order.get("kill_after")) is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _zygote()
