from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Served:
    """A server of runs in a process of its own."""

    address: str
    """With the token, as it was printed."""
    runs: Path

    @property
    def root(self) -> str:
        return re.sub(r"\?.*", "", self.address)

    @property
    def port(self) -> str:
        return self.root.rstrip("/").rpartition(":")[2]

    @property
    def token(self) -> str:
        return self.address.partition("token=")[2]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "runs").mkdir()
    command = [sys.executable, "-m", "loopwright.cli", "view"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Served(server.stdout.readline().strip(), folder / "runs")
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
