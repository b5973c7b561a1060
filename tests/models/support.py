"""Requests, and time that does not pass by itself."""

from __future__ import annotations

import asyncio
import random

from loopwright.models import Clock, Message, Request, Sampling


def ask(text: str = "Say hello.", **sampling: object) -> Request:
    """A request with one message."""
    return Request(
        model="openai/the-model",
        messages=(Message(role="user", content=text),),
        sampling=Sampling.model_validate(sampling),
    )


class FakeTime:
    """Time that sleeping moves on at once; `waits` holds each sleep, in seconds."""

    def __init__(self, *, seed: int = 0) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.clock = Clock(now=lambda: self.now, sleep=self._sleep, rng=random.Random(seed))

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
