"""Bounds on connections: how many there are, and how long each may keep the server waiting.

Who has not shown the token yet cannot keep out who has: of connections without it only the latest stay.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from loopwright.view._limits import KNOWN, MOST_KNOWN, MOST_STRANGERS, PATIENCE


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 over a connection that ends if it is one too many, or if its client is too slow."""

    _head: asyncio.TimerHandle | None = None
    """Runs while the head of a request is waited for."""
    _taking: asyncio.TimerHandle | None = None
    """Runs while the client takes nothing."""
    _known = False
    begun: float = 0.0
    """When the connection was made, by the clock of the loop."""

    @property
    def known(self) -> bool:
        """Whether the token was shown here."""
        return self._known or bool(self.scope and self.scope.get(KNOWN))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """Takes the connection, and ends the longest one without the token where there are too many."""
        super().connection_made(transport)
        self.begun, self._head = self.loop.time(), self._patience()
        others = [
            one
            for one in self.connections
            if isinstance(one, BoundedProtocol) and one is not self and not one.transport.is_closing()
        ]
        strangers = [one for one in others if not one.known]
        if len(others) - len(strangers) >= MOST_KNOWN:
            transport.abort()
        elif len(strangers) >= MOST_STRANGERS:
            min(strangers, key=lambda one: one.begun).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        for timer in (self._head, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on."""
        before = self.cycle
        super().data_received(data)
        self._look_for_head(before)

    def on_response_complete(self) -> None:
        """The head of the next request has its time, too, also where it comes byte by byte."""
        # The scope of the next request says nothing before its token was looked at.
        before, self._known = self.cycle, self.known
        if self._head is None:
            self._head = self._patience()
        super().on_response_complete()
        self._look_for_head(before)

    def _look_for_head(self, before: object) -> None:
        if self.cycle is not before and self._head is not None:
            self._head.cancel()
            self._head = None

    def pause_writing(self) -> None:
        """The client takes nothing."""
        self._taking = self._patience()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes what it is sent."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    def _patience(self) -> asyncio.TimerHandle:
        return self.loop.call_later(PATIENCE, self.transport.abort)
