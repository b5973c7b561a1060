"""A stateful test: whatever is done to a run and however often it crashes, the record stays true."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loopwright.budget import Caps, Ledger, Spend
from loopwright.errors import CallInDoubt, ModelUnavailable
from loopwright.store import CallFinished, RunStore, read_run
from tests.store.support import key, new_run, note

PRICE = Decimal("0.25")
MEMORY = Path("/dev/shm")
"""Where syncs cost nothing; a crash of a process is the same there."""

slots = st.integers(0, 5)


class ResumeMachine(RuleBasedStateMachine):
    """A crash is a copy of the folder as it is, perhaps with a part of a line behind it; the copy goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.loop = asyncio.Runner()
        self.generation = 0
        self.store = new_run(self.root / "0")
        self.ledger = Ledger(Caps())
        self.calls: dict[int, int] = {}
        self.recorded: dict[int, dict[str, Any]] = {}
        self.in_flight = asyncio.Event()
        self.doubtful: set[int] = set()
        self.events: list[str] = []

    def teardown(self) -> None:
        self.store.close()
        self.loop.close()
        shutil.rmtree(self.root)

    async def ask(self, slot: int, answer: Exception | None = None) -> dict[str, Any]:
        # Odd slots stand for a provider that is not safe to ask again.
        async def call() -> dict[str, Any]:
            self.calls[slot] = self.calls.get(slot, 0) + 1
            self.in_flight.set()
            await asyncio.sleep(0)
            if answer:
                raise answer
            with self.ledger.reserve(Spend(usd=PRICE)) as reservation:
                reservation.settle(Spend(usd=PRICE))
            return {"slot": slot, "call": self.calls[slot], "text": "x" * (slot * 20_000)}

        return dict(await self.store.once(key(slot), call, kind="model", repeatable=slot % 2 == 0))

    @rule(slot=slots)
    def call(self, slot: int) -> None:
        made = self.calls.get(slot, 0)
        if slot in self.doubtful and slot % 2:
            with pytest.raises(CallInDoubt):
                self.loop.run(self.ask(slot))
            assert self.calls.get(slot, 0) == made
            return
        result = self.loop.run(self.ask(slot))
        if slot in self.recorded:
            assert result == self.recorded[slot]
            assert self.calls[slot] == made
        else:
            assert self.calls[slot] == made + 1
            self.recorded[slot] = result
            self.doubtful.discard(slot)
            self.events += ["call_intended", "call_finished"]

    def free(self) -> list[int]:
        return [slot for slot in range(6) if slot not in self.recorded and slot not in self.doubtful]

    @precondition(lambda self: self.free())
    @rule(data=st.data())
    def failing_call(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.free()))
        with pytest.raises(ModelUnavailable):
            self.loop.run(self.ask(slot, ModelUnavailable("away")))
        self.events += ["call_intended", "call_finished"]

    @rule(text=st.text(max_size=5))
    def append(self, text: str) -> None:
        self.store.append(note(text))
        self.events.append("failed")

    @rule(data=st.data(), torn=st.integers(0, 60))
    def crash(self, data: st.DataObject, torn: int) -> None:
        """Perhaps with a call in flight."""
        slot = data.draw(st.sampled_from([None, *self.free()]))
        if slot is not None:
            self.loop.run(self._begin(slot))
            self.events.append("call_intended")
            self.doubtful.add(slot)
        else:
            self._copy()
            self.old.close()
        journal = self.folder / "events.jsonl"
        with journal.open("ab") as file:
            file.write(b'{"v":1,"seq":999,"time":"2026-01-01T00:00:00.000000+00:00","data":{}}'[:torn])
        self.store = RunStore.open(self.folder)
        assert (self.store.repaired is not None) == (torn > 0)
        self.ledger = Ledger(Caps())
        for event in self.store.events():
            if isinstance(event.data, CallFinished) and event.data.failure is None:
                self.ledger.charge(Spend(usd=PRICE))

    async def _begin(self, slot: int) -> None:
        """Crashes while a call is in flight: the old process then dies, whatever it still writes."""
        self.in_flight.clear()
        task = asyncio.create_task(self.ask(slot))
        await self.in_flight.wait()
        self._copy()
        await task
        self.old.close()

    def _copy(self) -> None:
        self.generation += 1
        shutil.copytree(self.store.folder, self.folder)
        self.old = self.store

    @property
    def folder(self) -> Path:
        return self.root / str(self.generation)

    @invariant()
    def nothing_is_lost_or_paid_twice(self) -> None:
        record = read_run(self.folder)
        events = list(record.events)
        assert [event.data.type for event in events] == self.events
        results = [event.data for event in events if isinstance(event.data, CallFinished) and not event.data.failure]
        assert len(results) == len(self.recorded)
        assert {data.key: record.result(data) for data in results} == {
            str(key(slot)): result for slot, result in self.recorded.items()
        }
        assert self.ledger.spent == Spend(usd=PRICE * len(self.recorded))


TestResume = ResumeMachine.TestCase
TestResume.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
