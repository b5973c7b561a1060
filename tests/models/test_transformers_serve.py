"""`transformers serve`, for real, over HTTP: another server than llama.cpp's, with code of its own.

It is too heavy for a development install (torch). With `LOOPWRIGHT_TRANSFORMERS`, the path of the program
`transformers` of another environment, and `LOOPWRIGHT_TRANSFORMERS_MODEL`, a folder with a small chat model, it runs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopwright.models import Endpoint, ModelOptions, Reply, Request, open_model
from tests.models.support import ask

PROGRAM, MODEL = (os.environ.get(name, "") for name in ("LOOPWRIGHT_TRANSFORMERS", "LOOPWRIGHT_TRANSFORMERS_MODEL"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.local_model,
    pytest.mark.skipif(not (PROGRAM and MODEL), reason="LOOPWRIGHT_TRANSFORMERS and its model are not set"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [PROGRAM, "serve", MODEL, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environ) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.5)


def asked(server: str, request: Request) -> Reply:
    async def go() -> Reply:
        endpoint = Endpoint(base_url=f"{server}/v1")
        model = open_model(f"served/{MODEL}", options=ModelOptions(endpoints={"served": endpoint}))
        try:
            return await model.complete(request)
        finally:
            await model.close()

    return asyncio.run(go())


def test_replies_are_counted(server: str) -> None:
    reply = asked(server, ask("Say hello.", temperature=0, max_tokens=12))
    assert reply.text
    assert reply.usage_reported
    assert reply.usage.input > 0
    assert 0 < reply.usage.output <= 12


def test_a_reply_that_is_cut_says_so(server: str) -> None:
    reply = asked(server, ask("Count from one to a hundred.", temperature=0, max_tokens=5))
    assert (reply.finish, reply.usage.output) == ("length", 5)
