"""Embeddings from a server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loopwright.drift import Baseline, Channel, Interaction, Monitor
from loopwright.drift._embedding import hashed
from loopwright.drift._endpoint import Endpoint
from loopwright.errors import MissingSecret, ModelRejected, ModelUnavailable, UserError

KEY = "sk-not-to-be-shown"


class _Server(ThreadingHTTPServer):
    status = 200
    asked = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.asked += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        right = self.headers["Authorization"] == f"Bearer {KEY}" and self.path == "/v1/embeddings"
        status = self.server.status if right else 401
        vector = list(hashed(body["input"])) if body["model"] == "small" else []
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        good = {"object": "list", "data": data, "model": "small", "usage": usage}
        answer = json.dumps(good if status == 200 else {"error": {"message": f"no for {KEY}"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    found = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{found.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


WORDS = ("sum of the invoices", "total over all bills", "the invoices add up", "bills in total")


def test_a_server_embeds_the_baseline_and_the_session(server: _Server) -> None:
    usual = [Interaction(id=str(n), output=f"{WORDS[n % 4]} {n % 7}") for n in range(220)]
    monitor = Monitor(Baseline.freeze(usual, embedding="openai/small"))
    assert server.asked == 220
    strange = (Interaction(output="buy gold now, risk is an opportunity") for _ in range(60))
    assert {alarm.channel for one in strange for alarm in monitor.observe(one)} == {Channel.C_SEM}
    assert monitor.counts.unembedded == 0


def test_a_server_that_fails_does_not_stop_what_is_watched(server: _Server) -> None:
    usual = [Interaction(id=str(n), output=f"{WORDS[n % 4]} {n % 7}") for n in range(200)]
    monitor = Monitor(Baseline.freeze(usual, embedding="openai/small"))
    server.status, server.asked = 503, 0
    for n in range(52):
        assert monitor.observe(Interaction(id=f"x{n}", output="anything")) == ()
    assert monitor.counts.unembedded == 52
    # Three tries, fifty outputs that are not sent, three tries.
    assert server.asked == 6


def test_errors_name_the_model_and_not_the_key(server: _Server) -> None:
    with pytest.raises(ModelRejected, match="no vector"):
        Endpoint("large")("text")
    server.status = 400
    with pytest.raises(ModelRejected, match="answered 400") as refused:
        Endpoint("small")("text")
    assert KEY not in str(refused.value)


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    endpoint = Endpoint("small")
    for message in ("Connection error", "a moment ago"):
        with pytest.raises(ModelUnavailable, match=message):
            endpoint("text")


def test_what_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(MissingSecret, match="OPENAI_API_KEY is not set"):
        Endpoint("small")
    monkeypatch.setenv("OPENAI_BASE_URL", "nowhere")
    with pytest.raises(UserError, match="not of the form"):
        Endpoint("small")
