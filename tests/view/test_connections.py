"""Clients that are too many or too slow: they do not keep the reader of a run from its page."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from loopwright.view._limits import LARGEST_HEAD, MOST_STRANGERS, MOST_STREAMS, PATIENCE
from tests.report import samples
from tests.report.builder import RunBuilder, Turn
from tests.view.conftest import Served
from tests.view.test_server import news


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """A browser that has shown the token."""
    with httpx.Client(base_url=served.root, follow_redirects=True, timeout=60) as client:
        assert client.get(served.address).status_code == 200
        yield client


def _connected(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(served.port)), timeout=3 * PATIENCE)


def _head(served: Served, line: str, *more: str) -> bytes:
    cookie = f"cookie: loopwright-view-{served.port}={served.token}"
    return "\r\n".join([line, f"host: 127.0.0.1:{served.port}", cookie, *more, "", ""]).encode()


def _ended(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_a_flood_of_strangers_does_not_keep_the_reader_out(served: Served, client: httpx.Client) -> None:
    with ExitStack() as stack:
        flood = [stack.enter_context(_connected(served)) for _ in range(3 * MOST_STRANGERS)]
        assert client.get("/").status_code == 200
        assert httpx.get(served.address, timeout=60).status_code == 303
        open_still = 0
        for one in flood:
            one.settimeout(0.01)
            open_still += not _ended(one)
        assert open_still <= MOST_STRANGERS


def test_pages_that_follow_are_bounded(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "followed-by-many")
    with ExitStack() as stack:
        for _ in range(MOST_STREAMS):
            next(stack.enter_context(news(served, "followed-by-many")))
        answer = client.get("/runs/followed-by-many/events")
        assert (answer.status_code, answer.text) == (503, "Too many pages are open.")
        assert client.get("/events").status_code == 503
        assert client.get("/runs/followed-by-many/").status_code == 200
    deadline = time.monotonic() + 30
    while True:
        with client.stream("GET", "/events") as again:
            if again.status_code == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    run.close()


def test_a_huge_head_is_refused(served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(_head(served, "GET / HTTP/1.1", "x: " + "a" * (2 * LARGEST_HEAD))[:-4])
        assert connection.recv(12) == b"HTTP/1.1 400"
        assert _ended(connection)


def test_there_are_no_web_sockets(served: Served) -> None:
    with _connected(served) as connection:
        connection.sendall(_head(served, "GET / HTTP/1.1", "connection: upgrade", "upgrade: websocket"))
        assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.slow
def test_slow_clients_are_let_go(served: Served, client: httpx.Client) -> None:
    samples.large(served.runs / "slowly-read")
    with ExitStack() as stack:
        silent, halting, hoarding, dawdling = (stack.enter_context(_connected(served)) for _ in range(4))
        halting.sendall(b"GET / HTTP/1.1\r\nx: ")
        # Answers that nobody takes.
        hoarding.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        hoarding.sendall(_head(served, "GET /runs/slowly-read/ HTTP/1.1") * 200)
        own = (f"origin: {served.root.rstrip('/')}", "content-type: application/json", "content-length: 100")
        dawdling.sendall(_head(served, "POST /runs/slowly-read/command HTTP/1.1", *own))
        for connection in (halting, hoarding):
            assert _refused_at_last(connection)
        assert _ended(silent)
        assert dawdling.recv(12) == b"HTTP/1.1 408"
        assert client.get("/").status_code == 200


def _refused_at_last(connection: socket.socket) -> bool:
    """Sends byte by byte, and takes nothing, until the other end is gone."""
    deadline = time.monotonic() + 8 * PATIENCE
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"a")
        except OSError:
            return True
        time.sleep(0.5)
    return False


def test_a_command_to_a_socket_that_was_left_behind_says_so(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "left-behind")
    run.episode([Turn(1.0)])
    run.close()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(served.runs / "left-behind" / "control.sock"))
    own = {"origin": served.root.rstrip("/"), "content-type": "application/json"}
    reply = client.post("/runs/left-behind/command", json={"command": "pause"}, headers=own).json()
    assert (reply["done"], "left behind" in reply["told"], "resume" in reply["remedy"]) == (False, True, True)
