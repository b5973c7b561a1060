"""Real servers of the protocol, and a folder with the protocol's package for sandboxes that have none."""

from __future__ import annotations

import importlib.metadata
import re
import tarfile
from pathlib import Path

import pytest

SERVER = '''\
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp_types import ImageContent

server = MCPServer("shelf")


@server.tool()
def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


@server.tool()
def note(path: str, text: str) -> str:
    """Writes a note into a file."""
    with open(path, "a") as file:
        file.write(text)
    return f"noted in {path}"


@server.tool()
def fail(why: str) -> str:
    """Fails."""
    raise ValueError(why)


@server.tool()
def picture() -> ImageContent:
    """Gives a picture."""
    return ImageContent(data="aGVsbG8=", mime_type="image/png")


@server.tool(name="submit")
def odd() -> str:
    """Is called like an action."""
    return "not submitted"


@server.tool()
def leave() -> str:
    """Ends the server."""
    import os
    os._exit(3)


@server.tool()
def sleep(seconds: float) -> str:
    """Takes long."""
    import time
    time.sleep(seconds)
    return "awake"


if __name__ == "__main__":
    server.run(*sys.argv[1:])
'''


def _needed(name: str, found: dict[str, importlib.metadata.Distribution]) -> None:
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in found:
        return
    try:
        found[name] = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # for another system
    for requirement in found[name].requires or ():
        if "extra ==" not in requirement:
            _needed(re.split(r"[^\w.-]", requirement, maxsplit=1)[0], found)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tar archive of the protocol's package and what it needs, below `opt/packages`."""
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    found: dict[str, importlib.metadata.Distribution] = {}
    for name in ("mcp", "cryptography"):  # the latter is of the extra `crypto` of PyJWT, which `mcp` asks for
        _needed(name, found)
    archive = tmp_path_factory.mktemp("packages") / "packages.tar"
    with tarfile.open(archive, "w") as tar:
        for one in found.values():
            for file in one.files or ():
                place = Path(str(file.locate()))
                if not str(file).startswith("..") and "__pycache__" not in str(file) and place.is_file():
                    tar.add(place, f"opt/packages/{file}")
    return archive
