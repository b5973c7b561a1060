"""An OpenAI-compatible server on 127.0.0.1 that answers, and fails, as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from types import TracebackType
from typing import Any, Self

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as the server got it."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Provider:
    """Answers request number n with answer number n; the last answer stays."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[Received] = []
        self._answers = answers
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        serving = dict(self._connections)
        for writer in serving:
            writer.transport.abort()
        await asyncio.gather(*(task for task in serving.values() if task))
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = asyncio.current_task()
        try:
            while not writer.transport.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, *fields = head.splitlines()
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (field.partition(":") for field in fields if field)
                }
                content = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Received(line.split()[1], headers, _read(headers, content)))
                await self._answers[min(len(self.requests), len(self._answers)) - 1](writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.pop(writer)
            writer.close()


@contextmanager
def on_a_thread(provider: Provider) -> Iterator[Provider]:
    """A server that answers while the test itself waits for a run."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result()
    try:
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _read(headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    """The fields of a request: JSON, or a form whose files are lists of bytes."""
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        read: dict[str, Any] = json.loads(content or b"{}")
        return read
    fields: dict[str, Any] = {}
    for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content).get_payload():
        assert isinstance(part, Message)
        name, data = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename():
            fields.setdefault(name, []).append(data)
        else:
            fields[name] = data.decode()
    return fields


def raw(data: bytes, *, then: str = "keep") -> Answer:
    """Sends bytes as they are; then keeps the connection, closes it, or resets it."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then == "close":
            writer.close()
        elif then == "reset":
            # Let the client begin to read, then drop what it waits for.
            await asyncio.sleep(0.05)
            writer.transport.abort()

    return answer


def body(status: int, content: bytes, *, kind: str = "application/json", **headers: str) -> Answer:
    """An answer with a status and a body."""
    fields = {
        "Content-Type": kind,
        "Content-Length": str(len(content)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + content)


def fault(
    status: int, message: str = "no", *, code: str | None = None, param: str | None = None, **headers: str
) -> Answer:
    """An error as OpenAI writes it."""
    error = {"message": message, "type": "error_type", "param": param, "code": code}
    return body(status, json.dumps({"error": error}).encode(), **headers)


def completion(text: str = "hello", *, finish: str = "stop", **fields: Any) -> dict[str, Any]:
    """A chat completion as a JSON object."""
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "the-model",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
        **fields,
    }


def reply(text: str = "hello", *, finish: str = "stop", **fields: Any) -> Answer:
    """A good answer."""
    return body(200, json.dumps(completion(text, finish=finish, **fields)).encode())


def events(*pieces: object, then: str = "keep", done: bool = True) -> Answer:
    """An answer in pieces; text goes as it is, all else as the data of an event."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        lines = [piece if isinstance(piece, str) else f"data: {json.dumps(piece)}\n\n" for piece in pieces]
        for line in [*lines, *(["data: [DONE]\n\n"] if done else [])]:
            writer.write(f"{len(line.encode()):x}\r\n{line}\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0)
        if then == "hang":
            await writer.wait_closed()
        elif then == "reset":
            await asyncio.sleep(0.05)
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")

    return answer


def piece(content: object = None, *, finish: str | None = None, **delta: object) -> dict[str, Any]:
    """One piece of a streamed completion."""
    delta |= {} if content is None else {"content": content}
    return {"model": "the-model", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def hang(writer: asyncio.StreamWriter) -> None:
    """Says nothing for as long as the connection lives."""
    await writer.wait_closed()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, so that no read ever times out."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


EMPTY = body(200, b"")
GARBAGE = body(200, b'{"id": "1", "choices": [{"mess')
HTML = body(200, b"<html>Welcome to the proxy</html>", kind="text/html")
NO_CHOICES = body(200, b'{"id": "1", "object": "chat.completion", "choices": []}')
HALF_STREAM = raw(
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'14\r\n{"id": "1", "choices\r\n',
    then="close",
)
RESET_MID_BODY = raw(
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"id": "1", "cho', then="reset"
)
