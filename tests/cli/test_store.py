"""`--store` and `loopwright store`, with a real server."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from loopwright.store.shared import SharedStore
from tests.cli.conftest import Invoke, WriteTask
from tests.report.builder import RunBuilder, Turn
from tests.store.shared.server import PostgresServer, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def url(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which the environment names."""
    url = server.new_database()
    monkeypatch.setenv("LOOPWRIGHT_STORE", url)
    return url


def run(invoke: Invoke, task: Path) -> None:
    result = invoke("run", task, "--model", "scripted/right.yaml", "--out", "here/demo")
    assert result.exit_code == 0, result.stderr


def test_a_run_is_listed_read_and_copied_anywhere(
    invoke: Invoke, write_task: WriteTask, project: Path, url: str
) -> None:
    assert invoke("store", "init").exit_code == 0
    run(invoke, write_task())
    [listed] = json.loads(invoke("store", "list", "--json").stdout)
    assert (listed["id"], listed["done"], listed["planned"], listed["finished"]) == ("demo", 1, 1, "completed")
    assert "demo" in invoke("store", "list").stdout
    for words in (["report"], ["show", "demo"], ["show", "de"], ["compare", "demo", "demo"], ["bench", "show", "demo"]):
        result = invoke(*words, "--runs", "there")
        assert result.exit_code == 0, result.stderr
    assert (project / "there" / "demo" / "report.html").is_file()
    events = (project / "here" / "demo" / "events.jsonl").read_bytes()
    assert (project / "there" / "demo" / "events.jsonl").read_bytes() == events
    assert invoke("store", "copy", "demo", "--out", "own").exit_code == 0
    assert (project / "own" / "events.jsonl").read_bytes() == events
    assert invoke("store", "copy", "own").exit_code == 0
    shutil.rmtree(project / "here")
    resumed = invoke("resume", "demo", "--runs", "there")
    assert resumed.exit_code == 0, resumed.stderr


def test_a_shared_folder_is_not_resumed_without_its_database(
    invoke: Invoke, write_task: WriteTask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(invoke, write_task())
    monkeypatch.delenv("LOOPWRIGHT_STORE")
    result = invoke("resume", "here/demo")
    assert result.exit_code == 3
    assert "loopwright resume demo --store URL" in result.stderr
    assert invoke("resume", "here/demo", "--store", url).exit_code == 0


def test_a_folder_of_its_own_stays_so_beside_a_database(
    invoke: Invoke, write_task: WriteTask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOPWRIGHT_STORE")
    run(invoke, write_task())
    monkeypatch.setenv("LOOPWRIGHT_STORE", url)
    assert invoke("show", "here/demo").exit_code == 0
    assert invoke("show", "demo", "--runs", "here").exit_code == 0
    assert invoke("resume", "here/demo").exit_code == 0
    invoke("store", "init")
    assert json.loads(invoke("store", "list", "--json").stdout) == []


def test_what_is_wrong_is_told_without_the_password(invoke: Invoke, write_task: WriteTask, project: Path) -> None:
    for wrong in ("postgresql://me:canary-1a2b3c@127.0.0.1:1/db", "mysql://me:canary-1a2b3c@host/db", "canary-1a2b3c"):
        for words in (["run", write_task(), "--model", "scripted/right.yaml"], ["store", "list"], ["report", "demo"]):
            result = invoke(*words, "--store", wrong)
            assert result.exit_code in (2, 3)
            assert "canary-1a2b3c" not in result.stderr + result.stdout
            assert "Traceback" not in result.stderr
    assert not (project / "runs").exists() or not list((project / "runs").glob("*/run.json"))
    result = invoke("store", "list")
    assert result.exit_code == 2
    assert "LOOPWRIGHT_STORE" in result.stderr


def test_a_run_that_the_database_does_not_have(invoke: Invoke, url: str) -> None:
    invoke("store", "init")
    for words in (["show", "nowhere"], ["resume", "nowhere"], ["store", "copy", "nowhere"]):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "nowhere" in result.stderr


def test_what_follows_from_a_run_is_shared_too(
    invoke: Invoke, write_task: WriteTask, project: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(invoke, write_task())
    monkeypatch.setenv("LOOPWRIGHT_RUNS", "here")
    forked = invoke("fork", "demo", "--at", "say:refine:0:0", "--out", "here/forked")
    assert forked.exit_code == 0, forked.stderr
    for _ in range(2):
        regraded = invoke("regrade", "demo", "--out", "here/regraded")
        assert regraded.exit_code == 0, regraded.stderr
    listed = {one["id"]: one["finished"] for one in json.loads(invoke("store", "list", "--json").stdout)}
    assert listed == {"demo": "completed", "forked": "completed", "regraded": "completed"}
    for name in ("forked", "regraded"):
        assert invoke("show", name, "--runs", "there").exit_code == 0
        events = (project / "here" / name / "events.jsonl").read_bytes()
        assert (project / "there" / name / "events.jsonl").read_bytes() == events


def test_a_copy_is_read_while_the_database_is_away(
    invoke: Invoke, write_task: WriteTask, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(invoke, write_task())
    monkeypatch.setenv("LOOPWRIGHT_STORE", "postgresql://postgres@127.0.0.1:1/nowhere")
    for words in (["show", "here/demo"], ["show", "demo", "--runs", "here"], ["report", "--runs", "here"]):
        result = invoke(*words)
        assert result.exit_code == 0, result.stderr
        assert "here/demo is read as it is on this machine" in result.stderr
    result = invoke("show", "other", "--runs", "here")
    assert result.exit_code == 3
    assert "the database of the store" in result.stderr
    assert invoke("resume", "here/demo").exit_code == 3
    steered = invoke("ctl", "here/demo", "status")
    assert "database" not in steered.stderr


def test_a_run_that_works_elsewhere_is_told_so(invoke: Invoke, project: Path, url: str) -> None:
    run = RunBuilder(project / "here" / "far", episodes=2, share=SharedStore(url))
    run.episode([Turn(1.0)])
    host = socket.gethostname()
    assert f"Run far, running on {host}, 1 of 2 episodes" in invoke("show", "far", "--runs", "there").stdout
    shown = json.loads(invoke("show", "far", "--runs", "there", "--json").stdout)
    assert shown["running"] == f"process {os.getpid()} on {host}"
    assert invoke("report", "far", "--runs", "there").exit_code == 0
    assert f"running on {host}." in (project / "there" / "far" / "report.html").read_text()
    assert "Run far, running, 1 of 2" in invoke("show", "here/far").stdout
    run.close()
    assert "Run far, completed" in invoke("show", "far", "--runs", "there").stdout
    assert json.loads(invoke("show", "far", "--runs", "there", "--json").stdout)["running"] is None
