"""Servers outside of the sandbox that send too much, or what cannot be read."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from loopwright.errors import ToolServerFailed
from loopwright.mcp_tools import _http
from loopwright.mcp_tools._incoming import Intake, read_message
from loopwright.mcp_tools._program import Program
from loopwright.task import McpServerOptions
from tests.mcp_tools.test_mcp_tools import bare, hand_made

ONCE = "if 'n' in globals():\n    answer(asked, RESULT)\nelse:\n    n = 1\n    "
HALF = '{"jsonrpc": "2.0", "id": %s, "result": {"content": [{"type": "text", "text": "a\\\\ud800b"}]}}'


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("answer(asked, {'content': [{'type': 'text', 'text': 'x' * 9_000_000}]})", "its message has more than"),
        ("sys.stdout.write('x' * 9_000_000); sys.stdout.flush()\n    print()", "its message has more than"),
        (f"print('{HALF}' % json.dumps(asked['id']), flush=True)", "a\\ud800b"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe\\n'); sys.stdout.buffer.flush(); answer(asked, RESULT)", "done"),
        ("answer(asked, {'content': [{'type': 'text', 'text': 'x'}] * 5000})", "[4000 more parts were left out]"),
    ],
)
async def test_a_message_of_a_program_fails_no_more_than_its_call(called: str, told: str) -> None:
    box = bare({"s": {"command": hand_made(called=ONCE + called), "outside": True, "timeout": 20}})
    await box.tools()
    assert told in (await box.call("s__t", {})).text
    assert (await box.call("s__t", {})).text == "done"
    await box.close()


def test_bad_lines_of_a_program_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """In a process without logging of its own, as `loopwright run` is."""
    garbage = r"print('\x1b]0;owned\x07 no message', flush=True)" + "\nanswer(asked, RESULT)"
    program = f"""
import asyncio
from tests.mcp_tools.test_mcp_tools import bare
async def main():
    box = bare({{"s": {{"command": {hand_made(called=garbage)!r}, "outside": True}}}})
    await box.tools()
    print((await box.call("s__t", {{}})).text)
    await box.close()
asyncio.run(main())
"""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, sys.path)])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": path})
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_requests_of_a_server_are_bounded() -> None:
    message = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')
    assert message is not None
    intake = Intake()
    assert sum(intake.takes(message) for _ in range(5000)) == 1000


def test_requests_of_a_server_are_counted_anew_after_each_of_ours() -> None:
    ping = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')
    answer = read_message(b'{"jsonrpc": "2.0", "id": 1, "result": {}}')
    assert ping is not None
    assert answer is not None
    intake = Intake()
    taken = 0
    for sent in (ping, answer, ping):
        intake.sends(sent)
        taken += sum(intake.takes(ping) for _ in range(600))
    assert taken == 600 + 400 + 600


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_program_that_ignores_its_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    listed = f"""import atexit, os, signal, subprocess
atexit.register(time.sleep, 600)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
open({str(tmp_path / "pids")!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
answer(asked, {{"tools": TOOLS}})"""
    box = bare({"s": {"command": hand_made(listed=listed), "outside": True, "timeout": 20}})
    await box.tools()
    await box.close()
    for pid in (tmp_path / "pids").read_text().split():
        assert await _is_gone(int(pid))


@pytest.mark.anyio
async def test_a_program_whose_end_nobody_waits_for_any_more_is_killed() -> None:
    ignores = """import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(600)"""
    program = await Program.start(McpServerOptions(command=[sys.executable, "-c", ignores], outside=True))
    pid = int(await program.read())
    ending = asyncio.create_task(program.kill())
    await asyncio.sleep(0.1)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert await _is_gone(pid)


@pytest.mark.anyio
async def test_a_program_has_time_to_end_while_it_writes(tmp_path: Path) -> None:
    ends = tmp_path / "ended"
    writes = f"""import sys
print(flush=True)
sys.stdin.read()
for _ in range(300):
    sys.stdout.write("x" * 65536)
    sys.stdout.flush()
open({str(ends)!r}, "w").close()"""
    program = await Program.start(McpServerOptions(command=[sys.executable, "-c", writes], outside=True))
    assert await program.read() == b"\n"
    await program.kill()
    assert ends.exists()


async def _is_gone(pid: int) -> bool:
    for _ in range(100):
        if _is_dead(pid):
            return True
        await asyncio.sleep(0.1)
    return False


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class _Server(BaseHTTPRequestHandler):
    """Speaks streamable HTTP, as the specification of 2025-06-18 says, and answers calls as `way` does."""

    protocol_version = "HTTP/1.1"
    way: Callable[[_Server, Any], None]
    session: str = ""

    def do_GET(self) -> None:
        self.say(b"", status=405)

    do_DELETE = do_GET

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "s", "version": "1"},
        }
        match asked.get("method"):
            case "initialize":
                self.say(_answer(asked, known))
            case "tools/list":
                self.say(_answer(asked, {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}))
            case "tools/call":
                try:
                    type(self).way(self, asked)
                except OSError:
                    self.close_connection = True
            case _ if "id" in asked:
                error = {"code": -32601, "message": "no such method"}
                self.say(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}).encode())
            case _:
                self.say(b"", status=202)

    def say(self, body: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _answer(asked: Any, result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()


def _text(asked: Any, text: str) -> bytes:
    return _answer(asked, {"content": [{"type": "text", "text": text}]})


def _event(data: bytes) -> bytes:
    return b"event: message\ndata: " + data + b"\n\n"


def _nested(server: _Server, asked: Any) -> None:
    nested: dict[str, Any] = {}
    for _ in range(300):
        nested = {"a": nested}
    server.say(_answer(asked, {"content": [], "structuredContent": nested}))


def _in_chunks(server: _Server, chunks: Iterable[bytes]) -> None:
    """Sends events in pieces, each of which is read by itself."""
    server.send_response(200)
    server.send_header("content-type", "text/event-stream")
    server.send_header("transfer-encoding", "chunked")
    server.end_headers()
    for chunk in chunks:
        server.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    server.wfile.write(b"0\r\n\r\n")


def _many_events(end: bytes) -> Callable[[_Server, Any], None]:
    """Ten megabytes of events before the answer, the empty line of each in a chunk of its own."""
    params = {"level": "info", "data": "x" * 100_000}
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": params}).encode()

    def way(server: _Server, asked: Any) -> None:
        said = [note] * 100 + [_text(asked, "done")]
        _in_chunks(server, itertools.chain.from_iterable((b"data: " + data + end, end) for data in said))

    return way


def _event_in_pieces(server: _Server, asked: Any) -> None:
    event = _event(_text(asked, "y" * 2_000_000))
    _in_chunks(server, (event[start : start + 300_000] for start in range(0, len(event), 300_000)))


def _long_event_in_pieces(server: _Server, asked: Any) -> None:
    _in_chunks(server, [b"data: ", *[b"y" * 300_000] * 30, b"\n", b"\n"])


def _endless(server: _Server, asked: Any) -> None:
    server.send_response(200)
    server.send_header("content-type", "application/json")
    server.end_headers()
    server.close_connection = True
    while True:
        server.wfile.write(b" " * 100_000)


def _bad_gateway(status: int) -> Callable[[_Server, Any], None]:
    return lambda server, asked: server.say(b"bad gateway", "text/html", status=status)


def _stream(events: bytes, declared: int = 0) -> Callable[[_Server, Any], None]:
    """A stream of events that ends, or breaks off, without an answer."""

    def way(server: _Server, asked: Any) -> None:
        server.close_connection = True
        server.say(events, "text/event-stream", content_length=str(declared or len(events)))

    return way


def _cut(server: _Server, asked: Any) -> None:
    body = _text(asked, "x" * 1000)
    server.close_connection = True
    server.say(body[:500], content_length=str(len(body)))


def _hangs_up(server: _Server, asked: Any) -> None:
    server.close_connection = True


def _endless_headers(server: _Server, asked: Any) -> None:
    server.close_connection = True
    server.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x-header: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20_000)


def _bad_chunks(server: _Server, asked: Any) -> None:
    server.close_connection = True
    server.send_response(200)
    server.send_header("content-type", "text/event-stream")
    server.send_header("transfer-encoding", "chunked")
    server.end_headers()
    server.wfile.write(b"zz\r\nnothing")


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    """Starts a server that answers calls in a way, and gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(way: Callable[[_Server, Any], None], **methods: Any) -> str:
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Server", (_Server,), {"way": staticmethod(way), **methods})
        )
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/mcp"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("way", "told"),
    [
        (lambda server, asked: server.say(_text(asked, "done")), "done"),
        (_endless, "its message has more than"),
        (lambda server, asked: server.say(_text(asked, "x" * 9_000_000)), "its message has more than"),
        (
            lambda server, asked: server.say(gzip.compress(_text(asked, "x")), content_encoding="gzip"),
            "compressed, which was not asked for",
        ),
        (lambda server, asked: server.say(_text(asked, "a\ud800b")), "a\\ud800b"),
        (lambda server, asked: server.say(_text(asked, "aZb").replace(b"Z", b"\xff")), "a\ufffdb"),
        (
            lambda server, asked: server.say(_answer(asked, {"content": [{"type": "text", "text": "x"}] * 5000})),
            "[4000 more parts were left out]",
        ),
        (lambda server, asked: server.say(_event(_text(asked, "y" * 2_000_000)), "text/event-stream"), "yyy"),
        (
            lambda server, asked: server.say(_event(_text(asked, "y" * 9_000_000)), "text/event-stream"),
            "gave no result",
        ),
        (_nested, "s__t gave no result"),
        (_many_events(b"\n"), "done"),
        (_many_events(b"\r\n"), "done"),
        (_event_in_pieces, "yyy"),
        (_long_event_in_pieces, "gave no result"),
    ],
)
async def test_an_answer_over_http_fails_no_more_than_its_call(
    served: Callable[..., str], way: Callable[[_Server, Any], None], told: str
) -> None:
    box = bare({"s": {"url": served(way), "outside": True, "timeout": 20}})
    await box.tools()
    assert told in (await box.call("s__t", {})).text
    assert told in (await box.call("s__t", {})).text
    await box.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "way",
    [
        _stream(b""),
        _stream(b": nothing yet\n\n"),
        _stream(_event(b"{}")),
        _stream(b"id: 1\nretry: 0\ndata: \n\n"),
        _stream(b"data: {", declared=1000),
        _stream(b"data: {}\n\n", declared=1000),
        _cut,
        _hangs_up,
        _endless_headers,
        _bad_chunks,
        lambda server, asked: server.say(b"", status=500),
        lambda server, asked: server.say(b"<html>busy</html>", "text/html", status=503),
        lambda server, asked: server.say(b"", status=202),
        lambda server, asked: server.say(b"", status=204),
        lambda server, asked: server.say(b"<html></html>", "text/html"),
        lambda server, asked: server.say(b"", status=404),
        lambda server, asked: server.say(b"[]"),
        lambda server, asked: server.say(b"\xff\xfe"),
    ],
)
async def test_an_answer_that_breaks_off_fails_no_more_than_its_call(
    served: Callable[..., str], way: Callable[[_Server, Any], None]
) -> None:
    ways: list[Callable[[_Server, Any], None]] = [way, way, lambda server, asked: server.say(_text(asked, "done"))]
    box = bare({"s": {"url": served(lambda server, asked: ways.pop(0)(server, asked)), "outside": True, "timeout": 20}})
    await box.tools()
    assert "gave no result" in (await box.call("s__t", {})).text
    assert "gave no result" in (await box.call("s__t", {})).text
    assert (await box.call("s__t", {})).text == "done"
    await box.close()


@pytest.mark.anyio
async def test_the_rest_of_a_stream_is_asked_for_where_a_server_offers_it(
    served: Callable[..., str],
) -> None:
    """Resumability, as the specification of 2025-06-18 has it: a stream that broke is no call that failed."""
    calls: list[Any] = []

    def begins(server: _Server, asked: Any) -> None:
        calls.append(asked)
        _stream(b"id: 7\nretry: 10\ndata: \n\n")(server, asked)

    def goes_on(server: _Server) -> None:
        if server.headers["last-event-id"] == "7":
            server.say(b"id: 8\n" + _event(_text(calls[-1], "the rest")), "text/event-stream")
        else:
            server.say(b"", status=405)

    box = bare({"s": {"url": served(begins, do_GET=goes_on), "outside": True, "timeout": 20}})
    await box.tools()
    assert (await box.call("s__t", {})).text == "the rest"
    assert len(calls) == 1
    await box.close()


@pytest.mark.anyio
async def test_a_stream_that_never_goes_on_is_not_asked_for_without_end(
    served: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "_PAUSE", 0.001)
    met: list[str] = []

    def goes_on(server: _Server) -> None:
        met.append(server.headers["last-event-id"])
        _stream(b"id: 1\nretry: 0\ndata: \n\n")(server, None)

    box = bare({"s": {"url": served(_stream(b"id: 1\nretry: 0\ndata: \n\n"), do_GET=goes_on), "outside": True}})
    await box.tools()
    assert "gave no result" in (await box.call("s__t", {})).text
    assert 10 < len(met) <= 100
    await box.close()


@pytest.mark.anyio
async def test_a_server_that_began_anew_is_given_a_new_session(
    served: Callable[..., str],
) -> None:
    known: set[str] = set()
    calls: list[str] = []

    def do_post(server: _Server) -> None:
        server.session = str(server.headers["mcp-session-id"])
        _Server.do_POST(server)

    def say_with_session(server: _Server, asked: Any) -> None:
        calls.append(server.session)
        if server.session in known:
            server.say(_text(asked, f"in {server.session}"))
        else:
            server.say(b"", status=404)

    def begins(server: _Server, body: bytes, *args: Any, **headers: Any) -> None:
        if b"serverInfo" in body:
            known.clear()
            known.add(f"session-{len(calls)}")
            headers["mcp_session_id"] = f"session-{len(calls)}"
        _Server.say(server, body, *args, **headers)

    box = bare({"s": {"url": served(say_with_session, do_POST=do_post, say=begins), "outside": True, "timeout": 20}})
    await box.tools()
    assert (await box.call("s__t", {})).text == "in session-0"
    known.clear()
    assert "a new one was begun; call it again" in (await box.call("s__t", {})).text
    assert (await box.call("s__t", {})).text == "in session-2"
    assert calls == ["session-0", "session-0", "session-2"]
    await box.close()


@pytest.mark.anyio
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_gateway_whose_server_is_gone_is_a_failure_of_infrastructure(
    served: Callable[..., str], status: int
) -> None:
    gone: list[Any] = []

    def goes(server: _Server, asked: Any) -> None:
        gone.append(asked)
        _bad_gateway(status)(server, asked)

    def do_post(server: _Server) -> None:
        if gone:
            server.rfile.read(int(server.headers["content-length"]))
            _bad_gateway(status)(server, None)
        else:
            _Server.do_POST(server)

    address = served(goes, do_POST=do_post)
    box = bare({"s": {"url": address, "outside": True, "timeout": 20}})
    await box.tools()
    with pytest.raises(ToolServerFailed):
        await box.call("s__t", {})
    await box.close()


@pytest.mark.anyio
@pytest.mark.parametrize("called", ["sys.exit(3)", "sys.stdout.close(); os._exit(0)", "os.kill(os.getpid(), 9)"])
async def test_a_program_that_a_call_ends_is_started_again(tmp_path: Path, called: str) -> None:
    """Otherwise an agent could take its episode out of the count by arguments that a server does not survive."""
    once = f"if not os.path.exists({str(tmp_path / 'met')!r}):\n    open({str(tmp_path / 'met')!r}, 'w')\n    "
    command = hand_made(called=f"import os\n{once}{called}\nanswer(asked, RESULT)")
    box = bare({"s": {"command": command, "outside": True, "timeout": 20}})
    await box.tools()
    assert "its server ended, and was started again" in (await box.call("s__t", {})).text
    assert (await box.call("s__t", {})).text == "done"
    await box.close()


@pytest.mark.anyio
async def test_a_program_that_does_not_start_again_is_a_failure_of_infrastructure(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    code = hand_made(called=f"import os; open({gone!r}, 'w'); os._exit(0)")
    command = ["sh", "-c", f'test -e {gone} && exit 1; exec "$@"', "sh", *code]
    box = bare({"s": {"command": command, "outside": True, "timeout": 20}})
    await box.tools()
    with pytest.raises(ToolServerFailed):
        await box.call("s__t", {})
    await box.close()


@pytest.mark.anyio
async def test_no_redirect_leads_to_another_server(served: Callable[..., str]) -> None:
    met: list[Any] = []
    other = served(lambda server, asked: met.append(asked))
    address = served(lambda server, asked: server.say(b"", status=307, location=other))
    box = bare({"s": {"url": address, "outside": True, "timeout": 20}})
    await box.tools()
    assert "not followed" in (await box.call("s__t", {})).text
    assert met == []
    await box.close()


@pytest.mark.anyio
async def test_no_more_pages_are_asked_of_a_server_that_lists_too_many(served: Callable[..., str]) -> None:
    pages: list[Any] = []

    def say(server: _Server, body: bytes, *args: Any, **headers: Any) -> None:
        told = json.loads(body or b"{}")
        if "tools" in told.get("result", {}):
            pages.append(told)
            told["result"] = {"tools": told["result"]["tools"] * 129, "nextCursor": "more"}
            body = json.dumps(told).encode()
        _Server.say(server, body, *args, **headers)

    box = bare({"s": {"url": served(lambda server, asked: None, say=say), "outside": True, "timeout": 20}})
    with pytest.raises(ToolServerFailed, match="more than 128 tools"):
        await box.tools()
    assert len(pages) == 1
    await box.close()
