"""Pages of runs over HTTP: who gets them, and what they say while a run goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from loopwright.store import EpisodeStarted, Judged, Proposed, RunResumed, RunSteered
from loopwright.store._codec import encode
from loopwright.types import Candidate, Check
from loopwright.verify import Verdict
from loopwright.view import FollowedRun, _server, _streams
from loopwright.view._limits import MOST_STREAMS
from loopwright.view._list import RunList
from tests.report import samples
from tests.report.builder import RunBuilder, Turn
from tests.view.conftest import Served

pytestmark = pytest.mark.anyio


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """A browser that has shown the token."""
    with httpx.Client(base_url=served.root, follow_redirects=True, timeout=60) as client:
        assert client.get(served.address).status_code == 200
        yield client


def test_runs_are_listed_with_how_far_they_are(served: Served, client: httpx.Client) -> None:
    samples.study(served.runs / "listed-study")
    (served.runs / "listed-broken").mkdir()
    (served.runs / "listed-broken" / "run.json").write_text("{}")
    found = {run["name"]: run for run in listed(client)}
    study = found["listed-study"]
    assert (study["done"], study["planned"], study["state"]) == (41, 42, "interrupted")
    assert "cannot be read" in found["listed-broken"]["state"]


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    """The runs as the page of the list has them."""
    index = re.search(r'<script type="application/json" id="index">(.*?)</script>', client.get("/").text, re.DOTALL)
    assert index is not None
    return list(json.loads(index[1])["runs"])


def test_a_record_that_somebody_made_up_is_told_in_the_list(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "made-up")
    run.close()
    events = served.runs / "made-up" / "events.jsonl"
    first = json.loads(events.read_bytes().splitlines()[0])
    del first["crc"]
    first["data"]["episodes"] = "many"
    events.write_bytes(encode(first, "made-up"))
    for _ in range(2):
        assert any("not built as events are" in run["state"] for run in listed(client))


def test_ctrl_c_ends_the_server_while_a_page_is_open(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "runs" / "open")
    command = [sys.executable, "-m", "loopwright.cli", "view"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        with news(Served(server.stdout.readline().strip(), tmp_path / "runs"), "open") as states:
            next(states)
            server.send_signal(signal.SIGINT)
            assert server.wait(120) == 0
    run.close()


@pytest.mark.parametrize(
    "path", ["/", "/runs/x/", "/runs/x/events", "/runs/x/episode?id=y", "/nothing", "/?token=wrong"]
)
def test_nothing_is_told_without_the_token(served: Served, path: str) -> None:
    cookie = f"loopwright-view-{served.port}"
    for cookies in ({}, {cookie: "wrong"}, {cookie: ""}):
        answer = httpx.get(served.root.rstrip("/") + path, cookies=cookies, timeout=60)
        assert (answer.status_code, "token" in answer.text) == (401, True)
        assert served.token not in answer.text


def test_an_address_with_the_token_leads_to_no_other_host(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", int(served.port)), timeout=30) as connection:
        head = f"GET //elsewhere.example/?token={served.token} HTTP/1.1\r\nhost: 127.0.0.1:{served.port}\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.recv(65536).decode()
    assert "\r\nlocation: /elsewhere.example/\r\n" in answer


def test_the_token_leaves_the_address(served: Served) -> None:
    answer = httpx.get(served.address, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert {"httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().split("; "))


def test_another_host_is_refused(served: Served, client: httpx.Client) -> None:
    # A page of another site can make its own name lead to this machine.
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"host": "evil.example:80"}).status_code == 400


@pytest.mark.parametrize("name", ["../..", "none", "%2e%2e", "a/b"])
def test_only_runs_of_the_folder_are_shown(served: Served, client: httpx.Client, name: str) -> None:
    (served.runs.parent / "run.json").write_text("{}")
    assert client.get(f"/runs/{quote(name, safe='')}/").status_code == 404


def test_a_page_may_load_nothing_from_elsewhere(served: Served, client: httpx.Client) -> None:
    samples.study(served.runs / "strict")
    answer = client.get("/runs/strict/")
    assert "default-src 'none'" in answer.text
    assert "connect-src 'self'" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    part = client.get("/runs/strict/numbers")
    assert "default-src 'none'" in part.headers["content-security-policy"]
    assert "<script" not in part.text


def test_runs_are_compared_from_the_list(served: Served, client: httpx.Client) -> None:
    for name in ("compared-a", "compared-b"):
        samples.study(served.runs / name)
    both = client.get("/compare", params={"run": ["compared-a", "compared-b"]})
    assert (both.status_code, "compared-b single" in both.text) == (200, True)
    assert "best_of_n" in client.get("/compare", params={"run": "compared-a"}).text
    for wrong in ([], ["none"], ["compared-a", "none"], ["compared-a", "compared-b", "compared-a"]):
        assert client.get("/compare", params={"run": wrong}).status_code == 404
    RunBuilder(served.runs / "compared-empty").close()
    refused = client.get("/compare", params={"run": ["compared-a", "compared-empty"]})
    assert (refused.status_code, "Compare runs" in refused.text or "scored" in refused.text) == (409, True)


def test_the_list_follows(served: Served, client: httpx.Client) -> None:
    with client.stream("GET", "/events") as stream:
        lists = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
        assert "appears" not in {run["name"] for run in next(lists)}
        run = RunBuilder(served.runs / "appears", episodes=2)
        assert any(one["state"] == "running" for found in lists for one in found if one["name"] == "appears")
        run.episode([Turn(1.0)])
        assert any(one["done"] == 1 for found in lists for one in found if one["name"] == "appears")
        run.close()
        assert any(one["state"] == "completed" for found in lists for one in found if one["name"] == "appears")


def test_an_episode_is_fetched_by_its_name(served: Served, client: httpx.Client) -> None:
    samples.study(served.runs / "fetched")
    answer = client.get("/runs/fetched/episode", params={"id": "sums.nested-13:refine:0"})
    assert [turn["judged"]["score"] for turn in answer.json()["details"]["iterations"]][-1] == 0.9
    assert answer.json()["row"]["id"] == "sums.nested-13:refine:0"
    assert client.get("/runs/fetched/episode?id=none").status_code == 404


def test_what_a_run_does_comes_as_events(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "growing", episodes=2)
    run.episode([Turn(0.5), Turn(1.0, decision="stop", rule="all_passed")])
    with news(served, "growing") as states:
        first = next(states)
        assert (first["done"], first["planned"], first["writer"], first["finished"]) == (1, 2, True, "")
        started = {"task": "sums", "instance": "2", "variant": "refine", "repeat": 0}
        run.append(EpisodeStarted(**started, goal="", strategy="refine", models={}, seed=1), episode="sums.2:refine:0")
        underway = next(state["underway"] for state in states if state["underway"])
        assert [(one["id"], one["doing"]) for one in underway] == [("sums.2:refine:0", "goes on")]
        verdict = Verdict(checks=(Check(name="a", score=0.25),))
        run.append(Proposed(candidate=Candidate(text="a")), episode="sums.2:refine:0", iteration=0, node="propose")
        run.append(
            Judged(verdict=verdict, score=0.25, passed=False, best=True),
            episode="sums.2:refine:0",
            iteration=0,
            node="verify",
        )
        told = "sums.2:refine:0 iteration 0: score 0.25"
        assert any(state["news"][0]["told"] == told for state in states)
        run.close()
        assert any(state["finished"] == "completed" for state in states)


@contextmanager
def news(served: Served, run: str) -> Iterator[Iterator[Mapping[str, Any]]]:
    """The states of a run as its page gets them."""
    connection = HTTPConnection(served.root.removeprefix("http://").rstrip("/"), timeout=60)
    with closing(connection):
        connection.request(
            "GET", f"/runs/{run}/events", headers={"cookie": f"loopwright-view-{served.port}={served.token}"}
        )
        with connection.getresponse() as stream:
            yield (json.loads(line[6:]) for line in iter(stream.readline, b"") if line.startswith(b"data: "))


def test_episodes_that_are_tried_again_are_not_done(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "again", episodes=3)
    run.episode([Turn(1.0, decision="stop", rule="all_passed")], instance="first")
    run.episode(
        [Turn(0.0)], instance="second", failed={"cause": "budget", "error": "BudgetExceeded", "message": "full"}
    )
    run.episode(
        [Turn(0.0)], instance="third", failed={"cause": "user", "error": "EpisodeSkipped", "message": "by hand"}
    )

    def shown() -> tuple[int, int, dict[str, int], list[float]]:
        state = FollowedRun(served.runs / "again")
        while state.look():
            pass
        told = state.state()
        (row,) = [one for one in listed(client) if one["name"] == "again"]
        return told["done"], row["done"], told["failures"], [cap["amount"] for cap in told["caps"]]

    assert shown()[:3] == (3, 3, {"budget": 1, "user": 1})
    run.append(RunResumed(loopwright="0.1.0", budget={"usd": 3}))
    assert shown() == (2, 2, {"user": 1}, [3])
    run.append(RunSteered(action="retry", by="ctl"), episode="sums.third:refine:0")
    assert shown()[0] == 1


def test_what_came_since_is_asked_for_by_its_version(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "later", episodes=3)
    run.episode([Turn(1.0)], instance="early")
    run.episode([Turn(1.0)], instance="earlier")
    with news(served, "later") as states:
        assert next(state["done"] for state in states if state["read"] == 1) == 2
    first = client.get("/runs/later/episodes").json()
    assert {one["id"] for one in first["episodes"]} == {"sums.early:refine:0", "sums.earlier:refine:0"}
    assert "2 of 3 episodes" in client.get("/runs/later/numbers").text
    run.episode([Turn(1.0)], instance="late")
    with news(served, "later") as states:
        assert any(state["done"] == 3 and state["episodes"] > first["version"] for state in states)
    asked = {"reader": first["reader"], "since": first["version"]}
    found = client.get("/runs/later/episodes", params=asked).json()["episodes"]
    assert [one["id"] for one in found] == ["sums.late:refine:0"]
    # Another reader of the server counts anew; a version of nonsense is none.
    for other in ({**asked, "reader": "x"}, {**asked, "since": "-1"}, {**asked, "since": "x"}):
        assert len(client.get("/runs/later/episodes", params=other).json()["episodes"]) == 3
    assert client.get("/runs/later/episodes", params={**asked, "since": "9" * 5000}).status_code == 200
    run.close()


def test_an_episode_is_shown_before_the_record_is_read(tmp_path: Path) -> None:
    folder = samples.large(tmp_path / "unread")
    run = FollowedRun(folder)
    found = json.loads(run.episode("sums.i0100:refine:0") or "null")
    assert len(found["details"]["iterations"]) == found["row"]["iterations"]
    assert run.state()["episodes"] == 0
    while run.look():
        pass
    assert json.loads(run.episode("sums.i0100:refine:0") or "null") == found
    assert run.episode("none") is None
    assert FollowedRun(folder).episode("none") is None


def test_an_episode_under_way_is_shown_where_nothing_else_was_asked_for(tmp_path: Path) -> None:
    building = RunBuilder(tmp_path / "under-way")
    name = building.episode([Turn(0.5)], finish=False)
    building.close("interrupted")
    run = FollowedRun(tmp_path / "under-way")
    while run.look():
        pass
    assert json.loads(run.episode(name) or "null")["row"]["status"] == "unfinished"


def test_a_record_that_is_damaged_meanwhile_is_told(served: Served, client: httpx.Client) -> None:
    run = RunBuilder(served.runs / "damaged")
    run.episode([Turn(1.0)])
    run.close()
    with (served.runs / "damaged" / "events.jsonl").open("ab") as file:
        file.write(b'{"v":1}\n{"v":1}\n')
    # A request reads for a tenth of a second; on a busy machine the damage is met by a later one.
    for _ in range(100):
        if (answer := client.get("/runs/damaged/")).status_code != 200:
            break
    assert answer.status_code == 500
    assert "is damaged" in answer.text


def test_a_run_that_was_made_anew_is_another_one(served: Served, client: httpx.Client) -> None:
    old = RunBuilder(served.runs / "anew", episodes=5)
    old.episode([Turn(1.0)], instance="old")
    with news(served, "anew") as states:
        assert any(state["done"] == 1 for state in states)
        first = client.get("/runs/anew/episodes").json()
        old.close()
        shutil.rmtree(served.runs / "anew")
        new = RunBuilder(served.runs / "anew", episodes=5)
        new.episode([Turn(1.0)], instance="new")
        # The stream of the old one ends.
        list(states)
    asked = {"reader": first["reader"], "since": first["version"]}
    found = client.get("/runs/anew/episodes", params=asked).json()
    assert [one["id"] for one in found["episodes"]] == ["sums.new:refine:0"]
    new.close()


async def test_a_run_that_is_let_go_while_it_is_opened_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunBuilder(tmp_path / "anew").close()
    pages = _server._Pages(RunList(tmp_path))
    await pages._follow(tmp_path / "anew")
    shutil.rmtree(tmp_path / "anew")
    RunBuilder(tmp_path / "anew").close()

    def opened(folder: Path) -> FollowedRun:
        pages._followed.clear()
        return FollowedRun(folder)

    monkeypatch.setattr(_server, "FollowedRun", opened)
    run = await pages._follow(tmp_path / "anew")
    assert (run.replaced, pages._followed) == (False, {tmp_path / "anew": run})


async def test_a_record_that_grows_all_the_time_is_not_looked_at_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunBuilder(tmp_path / "fast").close()
    run, slept = FollowedRun(tmp_path / "fast"), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await _streams._changed(run, run.size - 1)
    assert slept == [_streams._EVERY]


def test_a_run_with_a_damaged_mark_is_in_the_list(tmp_path: Path) -> None:
    run, runs = RunBuilder(tmp_path / "marked"), RunList(tmp_path)
    run.episode([Turn(1.0)])
    run.close()
    (tmp_path / "marked" / "shared.json").write_text("{")
    [row] = runs.look()
    assert (row["done"], row["shared"]) == (1, True)
    known = runs._known[tmp_path / "marked"]
    assert runs.look() == [row]
    assert runs._known[tmp_path / "marked"] is known


async def test_pages_that_ask_together_count_before_they_are_answered(tmp_path: Path) -> None:
    pages = _server._Pages(RunList(tmp_path))
    asked = [pages._stream(_streams.lists(pages._runs)) for _ in range(MOST_STREAMS + 1)]
    assert [answer.status_code for answer in asked] == [200] * MOST_STREAMS + [503]

    async def gone(*_: object) -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def refuse(_: object) -> None:
        raise RuntimeError("the client is gone")

    for answer in asked[:-1]:
        with contextlib.suppress(RuntimeError):
            await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, gone, refuse)
    assert pages._stream(_streams.lists(pages._runs)).status_code == 200


def test_a_port_that_is_taken_is_an_error(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loopwright.cli", "view", "--port", served.port]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"port {served.port} cannot be used" in done.stderr
