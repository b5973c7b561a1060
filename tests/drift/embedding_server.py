"""A server on the loopback address that embeds texts as OpenAI's API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loopwright.drift._embedding import hashed

KEY = "sk-not-to-be-shown"


class Server(ThreadingHTTPServer):
    status = 200
    asked = 0
    texts: list[str]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.texts = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.asked += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.texts.append(body["input"])
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


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{found.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield found
    found.shutdown()
    thread.join()
    found.server_close()
