from __future__ import annotations

import socket
import sys

import pytest

from tests.offline import WentOnline


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("10.0.0.1", 80)])
def test_connections_to_other_machines_are_refused(address: tuple[str, int]) -> None:
    # Only the audit event is raised: were the hook missing, nothing would be sent either.
    with socket.socket() as sock, pytest.raises(WentOnline, match=address[0]):
        sys.audit("socket.connect", sock, address)


def test_look_ups_of_other_machines_are_refused() -> None:
    with pytest.raises(WentOnline, match=r"api\.example"):
        sys.audit("socket.getaddrinfo", "api.example", 443, 0, 0, 0)


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_unix_sockets_work() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b"x")
        assert there.recv(1) == b"x"
