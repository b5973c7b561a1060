"""What keeps a provider from being asked too much: an adaptive limit and a circuit breaker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

CallOutcome = Literal["answered", "limited", "other"]

_PROBE_WAIT = 0.5
"""Seconds after which a caller looks again while another one's probe is on its way."""


class Limiter:
    """How many calls are made at once: one more per round of answers, half after a rate limit (AIMD).

    The limit grows only while it is what holds calls back, and shrinks once for all the calls that were
    on their way when the provider complained.

    Attributes:
        limit: Calls that may be made at once; the whole part counts.
        active: Calls being made.
    """

    def __init__(self, *, initial: int, most: int) -> None:
        """Starts at `initial` calls and stays within 1 and `most`."""
        self.limit = float(min(initial, most))
        self.active = 0
        self._most = most
        self._round = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> int:
        """Waits for its turn, first come first served, and returns the round, for `release`."""
        if self.active < int(self.limit) and not self._waiting:
            self.active += 1
            return self._round
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:
                # The turn came together with the cancellation: pass it on.
                self.active -= 1
                self._wake()
            raise
        return self._round

    def release(self, begun_in: int, outcome: CallOutcome) -> None:
        """Ends a call and adapts the limit to how it went."""
        if outcome == "answered" and self.active >= int(self.limit):
            self.limit = min(float(self._most), self.limit + 1 / self.limit)
        elif outcome == "limited" and begun_in == self._round:
            self.limit = max(1.0, self.limit / 2)
            self._round += 1
        self.active -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self.active < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.active += 1
                turn.set_result(None)


class Breaker:
    """Stops calls to an endpoint that failed again and again, and lets one through to see if it is back.

    Attributes:
        why: The last failure.
    """

    def __init__(self, *, failures: int, cooldown: float, clock: Callable[[], float]) -> None:
        """Opens after `failures` in a row, for `cooldown` seconds."""
        self._failures = failures
        self._cooldown = cooldown
        self._clock = clock
        self.why = ""
        self._in_a_row = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._open_until is not None

    def enter(self) -> float:
        """Asks to make a call: 0 for yes, else the seconds after which to ask again."""
        if self._open_until is None:
            return 0.0
        if self._probing:
            return _PROBE_WAIT
        wait = self._open_until - self._clock()
        self._probing = wait <= 0
        return max(0.0, wait)

    def answered(self) -> None:
        """Tells that the endpoint answered, whatever it said."""
        self._in_a_row = 0
        self._open_until = None
        self._probing = False

    def failed(self, why: str) -> None:
        """Tells that the endpoint did not answer."""
        self.why = why
        self._in_a_row += 1
        if self._in_a_row >= self._failures:
            self._open_until = self._clock() + self._cooldown
        self._probing = False

    def left(self) -> None:
        """Tells that a call ended without showing anything, e.g. because it was cancelled."""
        self._probing = False
