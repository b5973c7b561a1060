"""Notices: who gets them, what they say, and that a run goes on whatever becomes of them."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import UserError
from loopwright.notify import Notice, Notifier, Target, _notifier, _targets, parse_target
from loopwright.secrets import register

NOTICE = Notice(kind="cap", text="r: the cap", run="r", folder="/runs/r", time="2026-01-01T00:00:00+00:00", cap="usd")


class Hook:
    """A webhook at this machine, which keeps what it is sent."""

    def __init__(self, status: int = 200, wait: float = 0.0) -> None:
        self.got: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                time.sleep(wait)
                hook.got.append(json.loads(body))
                self.send_response(status)
                self.send_header("location", f"http://127.0.0.1:{hook.port}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/secret-path"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


def _send(*targets: Target, notices: int = 1) -> list[str]:
    """What is told while notices are sent."""
    told: list[str] = []

    async def send() -> None:
        async with Notifier(targets, told.append) as notifier:
            for _ in range(notices):
                notifier.send(NOTICE)

    asyncio.run(send())
    return told


def _program(tmp_path: Path, code: str) -> str:
    (tmp_path / "note.py").write_text(code)
    return f"{sys.executable} {shlex.quote(str(tmp_path / 'note.py'))}"


def test_commands_and_webhooks_get_the_notice_as_json(tmp_path: Path, hook: Hook) -> None:
    out = tmp_path / "with a blank.json"
    command = _program(tmp_path, "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())")
    assert _send(parse_target(f"{command} {shlex.quote(str(out))}"), parse_target(hook.url)) == []
    assert [json.loads(out.read_bytes())] == hook.got
    assert Notice.model_validate(hook.got[0]) == NOTICE


@pytest.mark.usefixtures("secret_registry")
def test_secrets_and_control_characters_are_not_sent(hook: Hook) -> None:
    register("sk-0123456789abcdef")
    hostile = NOTICE.model_copy(update={"text": "sk-0123456789abcdef \x1b[2J\nx" * 100, "run": "sk-0123456789abcdef"})
    body = hostile.body()
    assert (b"0123456789" in body, b"u001b" in body, len(body) < 2000) == (False, False, True)
    assert Notice.model_validate_json(body).run == "***"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_told_once_and_not_by_its_path(status: int) -> None:
    refusing = Hook(status)
    [told] = _send(parse_target(refusing.url), notices=3)
    assert (f"answered {status}" in told, "secret-path" in told) == (True, False)
    assert len(refusing.got) == 3
    refusing.close()


def test_a_webhook_that_is_away_is_told(hook: Hook) -> None:
    hook.close()
    [told] = _send(parse_target(hook.url))
    assert ("cannot be reached" in told, "secret-path" in told) == (True, False)


def test_a_webhook_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_targets, "_PATIENCE", 0.2)
    hanging = Hook(wait=2.0)
    [told] = _send(parse_target(hanging.url))
    assert "no answer" in told
    hanging.close()


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    [told] = _send(parse_target(_program(tmp_path, "raise SystemExit(3)")), notices=2)
    assert "ended with code 3" in told


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_targets, "_PATIENCE", 2.0)
    code = f"""
import subprocess, time
child = subprocess.Popen(["sleep", "600"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(600)
"""
    [told] = _send(parse_target(_program(tmp_path, code)))
    assert "took longer" in told
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_command_that_reads_nothing_is_fine() -> None:
    assert _send(parse_target("true")) == []


@pytest.mark.parametrize(
    "text", ["", "there-is-no-such-program-x", "'open", "https://", "http:///x", "http://[x", "http://x:99999"]
)
def test_what_is_neither_is_refused_before_a_run(text: str) -> None:
    with pytest.raises(UserError, match="--notify"):
        parse_target(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://hooks.example.org/services/secret-path",
        "https:///services/secret-path",
        "hooks.example.org/services/secret-path",
        "'https://hooks.example.org/services/secret-path'",
        "there-is-no-such-program-x --key secret-path",
        "true 'secret-path",
    ],
)
def test_what_is_refused_is_not_told_with_its_secrets(text: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_target(text)
    assert "secret-path" not in str(refused.value)


@pytest.mark.parametrize("text", ["HTTPS://hooks.example.org/x", " https://hooks.example.org/x"])
def test_an_address_is_one_however_it_is_written(text: str) -> None:
    assert parse_target(text).name == "the webhook at hooks.example.org"


def test_the_log_has_no_address_of_a_webhook(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    """The HTTP library writes the address of each request into it."""
    caplog.set_level("DEBUG")
    assert _send(parse_target(hook.url)) == []
    assert len(hook.got) == 1
    assert "secret-path" not in caplog.text
    asyncio.run(_asked(hook.url.replace("secret-path", "another-path")))
    assert "another-path" in caplog.text


async def _asked(address: str) -> None:
    import httpx2

    async with httpx2.AsyncClient() as client:
        await client.get(address)


def test_a_cancelled_run_waits_for_no_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_targets, "_PATIENCE", 600.0)
    monkeypatch.setattr(_notifier, "_AT_THE_END", 600.0)
    target = parse_target(_program(tmp_path, "import time; time.sleep(600)"))

    async def cancelled() -> None:
        async with Notifier([target], lambda text: None) as notifier:
            notifier.send(NOTICE)
            await asyncio.sleep(0.1)
            raise asyncio.CancelledError

    began = os.times().elapsed
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert os.times().elapsed - began < 300
