"""LangGraph's own development server, for real, over HTTP: it serves the graph of the example, on another event loop.

Its packages are no part of a development install. With `LOOPWRIGHT_LANGGRAPH`, the path of the program `langgraph` of
another environment (`pip install 'langgraph-cli[inmem]' loopwright`), it runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import loopwright

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "person"
SOURCE = Path(loopwright.__file__).resolve().parents[1]
PROGRAM = os.environ.get("LOOPWRIGHT_LANGGRAPH", "")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAM, reason="LOOPWRIGHT_LANGGRAPH is not set")]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = shutil.copytree(EXAMPLE, tmp_path / "person")
    command = [PROGRAM, "dev", "--no-browser", "--no-reload", "--allow-blocking", "--port", str(port)]
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "LANGSMITH_TRACING": "false"}
    with (tmp_path / "log").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environ, start_new_session=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            _wait(client, process, tmp_path / "log")
            yield client
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            if client.get("/ok").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)


def test_a_person_is_asked_by_the_server_and_answers(client: httpx.Client) -> None:
    thread = client.post("/threads", json={}).json()["thread_id"]

    def go_on(**what: Any) -> dict[str, Any]:
        answer = client.post(f"/threads/{thread}/runs/wait", json={"assistant_id": "initials", **what})
        result: dict[str, Any] = answer.json()
        return result

    asked = go_on(input={})["__interrupt__"][0]["value"]
    assert "test_hyphen" in asked["questions"][0]["text"]
    again = go_on(command={"resume": "perhaps"})["__interrupt__"][0]["value"]
    assert again["problem"] == "'perhaps' is no answer"
    done = go_on(command={"resume": "continue names may have hyphens"})
    assert (done["pass_rate"], done["episodes"][0]["failure"]) == (1.0, None)
