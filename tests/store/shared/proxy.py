"""A way to a server that can be cut: what goes through it stops, as if a cable had been pulled."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Proxy:
    """Forwards connections of a port of the loopback address, unless it is told not to."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        self._ends: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stall(self) -> None:
        """Takes bytes and forwards none: neither side hears of it."""
        self._open.clear()

    def drop_at_server(self) -> None:
        """Ends the connections for the server, as it does itself once nobody answers; drivers hear nothing."""
        for _, there in self._ends:
            with contextlib.suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Ends the connections for both sides."""
        self.drop_at_server()
        for here, _ in self._ends:
            with contextlib.suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self) -> None:
        """Forwards new connections. Old ones are gone: what was underway is lost."""
        self.drop()
        self._open.set()

    def refuse(self) -> None:
        """Ends all connections and refuses new ones, as a machine does whose server is down."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def listen(self) -> None:
        """Takes connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        self._open.set()
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to))
                self._ends.append((here, there))
                threading.Thread(target=self._serve, args=(here, there), daemon=True).start()

    def _serve(self, here: socket.socket, there: socket.socket) -> None:
        with here, there:
            back = threading.Thread(target=self._pump, args=(there, here), daemon=True)
            back.start()
            self._pump(here, there)
            back.join()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                # What is lost is lost: after this the connection cannot go on.
                if self._open.is_set():
                    other.sendall(data)
            if self._open.is_set():
                other.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
