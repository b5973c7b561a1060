"""How long a driver waits for a database, or a place for artifacts, that does not take what is sent."""

from __future__ import annotations

import time
from collections.abc import Callable

from loopwright.errors import StoreError

_PAUSES = (0.05, 5.0)
"""Seconds between two tries, at first and at most."""


class Patience:
    """Counts from the first failure since something arrived: a server that can be reached and takes nothing is away."""

    def __init__(self, seconds: float, tell: Callable[[str], None]) -> None:
        """Waits for nothing yet.

        Args:
            seconds: How long failures may last.
            tell: Called with what the user should know.
        """
        self._seconds, self._tell = seconds, tell
        self._begun: float | None = None
        self._what, self._pause = "", _PAUSES[0]

    def pause(self, what: str, why: str, remedy: str) -> float:
        """Takes notice of a failure; gives the seconds until the next try.

        Args:
            what: What is away.
            why: What it said.
            remedy: What to do once it was away for too long.

        Raises:
            StoreError: It was.
        """
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._what, self._pause = now, what, _PAUSES[0]
            self._tell(f"{what} is away: {why}; the run waits, its folder holds it all")
        if now - self._begun > self._seconds:
            raise StoreError(f"{what} was away for {self._seconds:.0f} s: {why}", remedy=remedy)
        pause, self._pause = self._pause, min(2 * self._pause, _PAUSES[1])
        return pause

    def arrived(self) -> None:
        """Takes notice that something arrived."""
        if self._begun is not None:
            self._begun = None
            self._tell(f"{self._what} is back")
