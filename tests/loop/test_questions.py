"""Questions to a person in a loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopwright.budget import Caps, Ledger, PausableClock
from loopwright.loop._questions import REFINING, ask_person
from loopwright.types import PersonAnswer, Question
from tests.loop.game import Table


def test_the_time_of_a_pause_within_a_wait_is_taken_off_once(tmp_path: Path) -> None:
    now = [0.0]
    clock = PausableClock(lambda: now[0])

    class Person:
        async def ask(self, question: Question, gate: Any) -> PersonAnswer:
            now[0] += 10
            clock.pause()
            now[0] += 60
            clock.proceed()
            now[0] += 10
            return PersonAnswer(choice="agree", by="python")

    context = replace(Table(tmp_path / "run", []).context, ledger=Ledger(Caps(), clock=clock), person=Person())
    now[0] += 100
    asyncio.run(ask_person(context, 0, "decision", "Go on?", REFINING))
    assert context.ledger.seconds == 100
