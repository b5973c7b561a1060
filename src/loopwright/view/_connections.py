"""Bounds on connections: how many there are, and how long each may keep the server waiting.

Who has not shown the token yet cannot keep out who has: of connections without it only the latest stay.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from loopwright.view._limits import KNOWN, MOST_KNOWN, MOST_STRANGERS, PATIENCE


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 over a connection that ends if it is one too many, or if its client is too slow."""

    _timer: asyncio.TimerHandle | None = None
    begun: float = 0.0
    """When the connection was made, by the clock of the loop."""

    @property
    def known(self) -> bool:
        """Whether the token was shown here."""
        return bool(self.scope and self.scope.get(KNOWN))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """Takes the connection, and ends the longest one without the token where there are too many."""
        super().connection_made(transport)
        self.begun = self.loop.time()
        self._wait()
        others = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self]
        strangers = [one for one in others if not one.known]
        if len(others) - len(strangers) >= MOST_KNOWN:
            transport.abort()
        elif len(strangers) >= MOST_STRANGERS:
            min(strangers, key=lambda one: one.begun).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; a request whose head is there is not waited for any longer."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._rest()

    def on_response_complete(self) -> None:
        """The head of the next request has its time, too, also where it comes byte by byte."""
        before = self.cycle
        self._wait()
        super().on_response_complete()
        if self.cycle is not before:
            self._rest()

    def pause_writing(self) -> None:
        """The client takes nothing."""
        self._wait()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes what it is sent."""
        self._rest()
        super().resume_writing()

    def _wait(self) -> None:
        self._rest()
        self._timer = self.loop.call_later(PATIENCE, self.transport.abort)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
