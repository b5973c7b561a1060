"""A web server on the sandbox's own loopback: each request goes to the host in a frame, and so does its answer.

A frame's body is a line of JSON and the bytes of the request or the answer after it. The first frame says the port.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from loopwright.agents._guest.limits import END, MAX_BODY, MOST
from loopwright.sandbox._guest.frames import Ended, read_frame, write_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DIGITS = len(str(MAX_BODY))
"""Of a length that is read; Python refuses to read thousands of them."""
_SECONDS = 60.0
"""For a client to say what it wants."""
_LAST = 5.0
"""Seconds for the last answers to go out."""


class _Exchange:
    """Requests that wait for their answers."""

    def __init__(self, outgoing: int) -> None:
        self._outgoing = outgoing
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: dict[int, tuple[threading.Event, list[bytes]]] = {}
        self._unsent = 0
        self._sent = threading.Condition(self._lock)

    def ask(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Sends a request and waits for its answer."""
        came, box = threading.Event(), []  # type: tuple[threading.Event, list[bytes]]
        with self._lock:
            self._number += 1
            number = self._number
            self._waiting[number] = came, box
            write_frame(self._outgoing, json.dumps({**head, "number": number}).encode() + b"\n", body)
        came.wait()
        line, _, content = box[0].partition(b"\n")
        return json.loads(line), content

    def take(self, body: bytes) -> None:
        """Gives an answer to whoever waits for it."""
        number = json.loads(body.partition(b"\n")[0])["number"]
        with self._lock:
            came, box = self._waiting.pop(number)
            self._unsent += 1
        box.append(body)
        came.set()

    def sent(self) -> None:
        """Notes that an answer has gone out, or cannot."""
        with self._lock:
            self._unsent -= 1
            self._sent.notify()

    def finish(self) -> None:
        """Waits until the answers that came have gone out."""
        with self._lock:
            self._sent.wait_for(lambda: not self._unsent, _LAST)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, exchange: _Exchange) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchange = exchange
        self._places = threading.BoundedSemaphore(MOST)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody reads what would be printed: the client has gone, or there is no room for a thread."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """The record tells of requests."""

    def _relay(self) -> None:
        length = ",".join(self.headers.get_all("Content-Length", ["0"])).lstrip("0") or "0"
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._send(411, "application/json", _error("send one Content-Length, and no chunks"))
            return
        if len(length) > _DIGITS or int(length) > MAX_BODY:
            self._send(413, "application/json", _error(f"a request has at most {MAX_BODY} bytes"))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # it broke off, and whoever sent it waits for no answer that is paid for
            self._send(400, "application/json", _error("the request has fewer bytes than its Content-Length says"))
            return
        self.connection.settimeout(None)
        head = {"method": self.command, "path": self.path[:200], "key": self.headers.get("Authorization", "")[:200]}
        told, content = self.server.exchange.ask(head, body)
        try:
            self._send(told["status"], told["type"], content)
        finally:
            self.server.exchange.sent()

    do_GET = do_POST = _relay

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        if status >= 400:
            self.send_header("x-should-retry", "false")
        self.end_headers()
        self.wfile.write(content)


def _error(message: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return json.dumps({"error": error}).encode()


def main() -> None:
    """Serves until the pipe is closed."""
    exchange = _Exchange(1)
    server = _Server(exchange)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write_frame(1, json.dumps({"port": server.server_address[1]}).encode())
    try:
        while (body := read_frame(0)) != END:
            exchange.take(body)
        exchange.finish()
    except Ended:
        pass
    os._exit(0)  # threads may wait for answers that will not come
