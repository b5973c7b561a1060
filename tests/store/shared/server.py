"""A real Postgres server for tests, started from the machine's own packages; it can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest


class PostgresServer:
    """Listens on a socket file and on a port of the loopback address."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self.folder = programs, folder
        self._user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")

    def url(self, database: str = "postgres", *, port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        options = f"-c unix_socket_directories='' -c listen_addresses=127.0.0.1 -c port={self.port}"
        self._run("pg_ctl", *self._data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", *self._data, "-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kills the server with all its processes, as a power failure would."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        # It starts no more processes while they are counted.
        os.kill(main, signal.SIGSTOP)
        processes = [main, *_children(main)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        while not all(map(_is_dead, processes)):
            time.sleep(0.001)
        # A dead process that nobody has waited for yet would be taken for a server that runs.
        (self.folder / "data" / "postmaster.pid").unlink()

    def new_database(self) -> str:
        """The URL of an empty database."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            [number] = connection.execute("SELECT count(*) FROM pg_database").fetchone() or (0,)
            connection.execute(f"CREATE DATABASE d{number}".encode())
        return self.url(f"d{number}")

    @property
    def _data(self) -> tuple[str, str]:
        return "-D", str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._user, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A fresh server, which is gone afterwards."""
    [*_, programs] = [None, *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    if programs is None:
        pytest.skip("Postgres is not installed")
    folder = Path(tempfile.mkdtemp(prefix="loopwright-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgresServer(programs.parent, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _children(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(one) for one in children.read_text().split()]


def _is_dead(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
