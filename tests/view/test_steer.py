"""Commands from the page of a run: who may give them, and that they reach the run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from loopwright.control import LARGEST_REQUEST
from loopwright.store import PersonAnswered, RunSteered, read_run
from tests.cli.conftest import with_path, write_project
from tests.report import browser
from tests.view.conftest import Served

pytestmark = pytest.mark.slow
TASK = """\
version: 1
name: say
goal: Say yes.
environment: {name: "echo_environment:Echo", want: "yes"}
agents: {proposer: sayer}
loop: {max_iterations: 3, ask_person: [decision]}
"""


@pytest.fixture
def working(served: Served, tmp_path: Path) -> Iterator[Path]:
    """The folder of a run that works, and waits for a person."""
    write_project(tmp_path)
    (tmp_path / "say.yaml").write_text(TASK)
    folder = served.runs / tmp_path.name
    command = [sys.executable, "-m", "loopwright.cli", "run", "say.yaml", "--out", str(folder)]
    with subprocess.Popen(
        [*command, "--model", "scripted/right.yaml"],
        cwd=tmp_path,
        env=with_path(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while (
                not (folder / "events.jsonl").exists() or b"person_asked" not in (folder / "events.jsonl").read_bytes()
            ):
                assert (process.poll(), time.monotonic() < deadline) == (None, True)
                time.sleep(0.1)
            yield folder
        finally:
            process.kill()


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.root, follow_redirects=True, timeout=60) as client:
        client.get(served.address)
        yield client


def _post(client: httpx.Client, served: Served, run: str, order: Any, **headers: str) -> httpx.Response:
    own = {"origin": served.root.rstrip("/"), "content-type": "application/json"}
    body = order if isinstance(order, bytes) else json.dumps(order).encode()
    return client.post(f"/runs/{run}/command", content=body, headers={**own, **headers})


def test_commands_of_the_page_reach_the_run(served: Served, client: httpx.Client, working: Path) -> None:
    assert _post(client, served, working.name, {"command": "pause"}).json()["done"] is True
    status = _post(client, served, working.name, {"command": "status"}).json()["status"]
    assert (status["state"], len(status["questions"])) == ("paused", 1)
    refused = _post(client, served, working.name, {"command": "skip", "episode": "nobody"}).json()
    assert (refused["done"], "no episode" in refused["told"]) == (False, True)
    done = [event.data for event in read_run(working).events if isinstance(event.data, RunSteered)]
    assert [(one.action, one.by) for one in done] == [("pause", "view")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"content-type": "text/plain"}, 403),
        ({"content-type": "application/x-www-form-urlencoded"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 400),
        ({"cookie": "x=y"}, 401),
    ],
)
def test_no_other_page_can_steer(
    served: Served, client: httpx.Client, working: Path, headers: dict[str, str], status: int
) -> None:
    if "cookie" in headers:
        client.cookies.clear()
    assert _post(client, served, working.name, {"command": "stop"}, **headers).status_code == status
    assert not [event for event in read_run(working).events if isinstance(event.data, RunSteered)]


@pytest.mark.parametrize(
    ("order", "status"),
    [(b"", 400), (b"{", 400), ({"command": "erase"}, 400), (b" " * (LARGEST_REQUEST + 1), 413)],
)
def test_what_is_no_command_is_refused(
    served: Served, client: httpx.Client, working: Path, order: Any, status: int
) -> None:
    assert _post(client, served, working.name, order).status_code == status
    assert _post(client, served, "no-such-run", {"command": "pause"}).status_code == 404
    assert client.get(f"/runs/{working.name}/command").status_code == 405


@pytest.mark.skipif(browser.find() is None, reason=f"none of {', '.join(browser.PROGRAMS)} is installed")
def test_a_person_answers_on_the_page(served: Served, working: Path, tmp_path: Path) -> None:
    with browser.Page(tmp_path / "profile") as page:
        page.screen(1280, 900)
        page.open(served.address)
        page.open(f"{served.root}runs/{working.name}/")
        page.settle("document.querySelector('#questions section button')")
        assert "The strategy would" in str(page.run("document.querySelector('#questions pre').innerText"))
        page.run("document.querySelector('#questions textarea').value = 'enough of it'")
        page.run("[...document.querySelectorAll('#questions button')].find((one) => one.innerText === 'Stop').click()")
        page.settle("document.querySelector('#live').innerText.includes('completed')")
        assert page.run("document.getElementById('steer').hidden") is True
        assert page.complaints == []
    [answered] = [event.data for event in read_run(working).events if isinstance(event.data, PersonAnswered)]
    assert (answered.answer.choice, answered.answer.text, answered.answer.by) == ("stop", "enough of it", "view")
