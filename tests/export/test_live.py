"""Spans of a run while it works: the same as those of its record, and no harm where the collector fails."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loopwright.cli._app import app
from loopwright.errors import UserError
from loopwright.export import Collector, export, sent_live
from loopwright.secrets import scrub
from tests.export.test_otel import collector, sent
from tests.report.builder import RunBuilder, Turn

TASK = "examples/replay/task.yaml"


def told(spans: Any) -> list[bytes]:
    return sorted(span.SerializeToString(deterministic=True) for span in spans)


@pytest.mark.slow
def test_a_real_run_sends_the_spans_of_its_record(tmp_path: Path) -> None:
    with collector() as (url, taken):
        result = CliRunner().invoke(app, ["run", TASK, "--out", str(tmp_path / "run"), f"--otel={url}"])
    assert result.exit_code in (0, 1), result.output
    live = [span for one in taken for span in one.resource_spans[0].scope_spans[0].spans]
    (path,) = export(tmp_path / "run", "otel", tmp_path / "out").files
    assert len(taken) > 1
    assert told(live) == told(span for spans in sent(path) for span in spans)


def acting(folder: Path, url: str, notes: list[str]) -> Path:
    """Two episodes of an agent that acts, sent while they are recorded."""
    run = RunBuilder(folder, variants=("react",), episodes=2)
    turns = [Turn(0.5, text="ls", reply="ls", output="a.txt"), Turn(1, text="submit", reply="submit", hidden=1.0)]
    with sent_live(run.store, Collector(url), notes.append):
        run.episode(turns, variant="react")
        failed = {"cause": "model", "error": "ModelUnavailable", "message": "m"}
        run.episode(turns[:1], instance="2", variant="react", failed=failed)
    return run.close()


def test_actions_and_failed_episodes_are_sent_likewise(tmp_path: Path) -> None:
    notes: list[str] = []
    with collector() as (url, taken):
        run = acting(tmp_path / "run", url, notes)
    live = [span for one in taken for span in one.resource_spans[0].scope_spans[0].spans]
    (path,) = export(run, "otel", tmp_path / "out").files
    assert told(live) == told(span for spans in sent(path) for span in spans)
    assert not notes


def test_a_collector_that_is_away_is_told_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    notes: list[str] = []
    run = acting(tmp_path / "run", f"http://127.0.0.1:{port}/v1/traces", notes)
    assert export(run, "otel", tmp_path / "out").entries == 2
    (note,) = notes
    assert "cannot be reached (ConnectError)" in note
    assert str(port) not in note


@pytest.mark.parametrize("status", [302, 400, 503])
def test_a_collector_that_refuses_is_told_once(tmp_path: Path, status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    notes: list[str] = []
    try:
        acting(tmp_path / "run", f"http://127.0.0.1:{server.server_port}/v1/traces", notes)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [f"it answered {status}" in note for note in notes] == [True]


@pytest.mark.slow
def test_a_collector_that_never_answers_ends_with_the_run(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        notes: list[str] = []
        acting(tmp_path / "run", f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces", notes)
    assert len(notes) == 1


def test_headers_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20k7f3q9x2m5,x-team=a")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test:4318/")
    found = Collector.named("")
    assert found.url == "http://collector.test:4318/v1/traces"
    assert found.headers == (("authorization", "Bearer k7f3q9x2m5"), ("x-team", "a"))
    assert "k7f3q9x2m5" not in repr(found)
    assert "k7f3q9x2m5" not in scrub("the key is k7f3q9x2m5")


@pytest.mark.parametrize("headers", ["k7f3q9x2m5", "a=k7f3q9x2m5%0d%0ax: y", "=k7f3q9x2m5"])
def test_what_is_no_header_is_refused_without_telling_it(monkeypatch: pytest.MonkeyPatch, headers: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    with pytest.raises(UserError, match="no header") as caught:
        Collector.named("http://localhost:4318")
    assert "k7f3" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["task.yaml", "http://localhost:99999", "http://[::1"])
def test_what_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(UserError, match="no address"):
        Collector.named(endpoint)
