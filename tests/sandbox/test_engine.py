"""What a Docker Engine says now and then, by a server that speaks its API on the loopback address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loopwright.sandbox import gc

pytestmark = pytest.mark.anyio

# What Docker 20.10 answered on a busy machine, when a container ended while the engine killed it.
ENDED_MEANWHILE = (500, "Could not kill running container f791, cannot remove - Container f791 is not running")
REMOVED = (204, "")
REMOVAL_UNDER_WAY = (409, "removal of container f791 is already in progress")
GONE = (404, "No such container: f791")
FAILS = (500, "driver failed to remove the root file system: device or resource busy")


@contextmanager
def engine(answers: list[tuple[int, str]], owner: str) -> Iterator[str]:
    """An engine with one container, which takes one of `answers` for each removal."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            container = {"Id": "f791", "Names": ["/loopwright-1-2-3"], "Labels": {"loopwright.owner": owner}}
            self._answer(200, {"ApiVersion": "1.41"} if self.path.endswith("/version") else [container])

        def do_DELETE(self) -> None:
            status, message = answers.pop(0)
            self._answer(status, {"message": message})

        def _answer(self, status: int, content: object) -> None:
            body = b"" if status == 204 else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def dead_owner() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    return f"{boot}/{namespace}/4194304/1"  # a number that no process has


@pytest.mark.parametrize(
    "answers",
    [[REMOVED], [ENDED_MEANWHILE, REMOVED], [ENDED_MEANWHILE, FAILS, GONE], [FAILS, REMOVAL_UNDER_WAY]],
    ids=["at once", "ended meanwhile", "gone meanwhile", "by somebody else"],
)
async def test_a_container_is_removed_though_the_engine_failed_at_first(
    answers: list[tuple[int, str]], dead_owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine(answers, dead_owner) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        found = [one for one in await gc() if one.provider == "docker"]
    assert [(one.name, one.removed) for one in found] == [("loopwright-1-2-3", True)]
    assert answers == []
