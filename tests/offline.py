"""Keeps a Python process off the network: connections and look-ups that leave this machine raise `WentOnline`.

`python tests/offline.py SCRIPT [ARGUMENT...]` runs a script that way.
"""

from __future__ import annotations

import ipaddress
import runpy
import socket
import sys
from typing import Any


class WentOnline(BaseException):
    """Code under test tried to reach another machine. Not an `Exception`, so that no retry swallows it."""


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or host in {"", "localhost", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        sock, address = arguments
        if sock.family in {socket.AF_INET, socket.AF_INET6} and address and not _is_local(address[0]):
            raise WentOnline(f"a test tried to reach {address[0]}:{address[1]}")
    elif event == "socket.getaddrinfo" and not _is_local(arguments[0]):
        raise WentOnline(f"a test tried to look up {arguments[0]}")


def block() -> None:
    """Stays in force until the process ends: an audit hook cannot be removed."""
    sys.addaudithook(_hook)


if __name__ == "__main__":
    block()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
