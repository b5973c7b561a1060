"""Where the socket of a run is, and whose it is."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET = "control.sock"
"""Name of the socket in a run's folder."""
_CREDENTIALS = struct.Struct("3i")


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """A descriptor of a folder: what is done by it is done in that folder, whatever its path leads to meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def socket_path(folder: int) -> str:
    """A path of the socket in an opened folder, however long that folder's is: addresses have room for 107 bytes."""
    return f"/proc/self/fd/{folder}/{SOCKET}"


def peer(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(credentials)[1]
    return user
