"""What goes over the wire: answers that were not read yet, forms, and the lines of event streams."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import httpx2

Files = Sequence[tuple[str, tuple[str, bytes, str]]]
"""Field, file name, bytes and media type of each file of a form."""


class RawResponse(Protocol):
    """An answer whose body was not read as anything yet."""

    @property
    def content(self) -> bytes:
        """The body."""
        ...


class RawStream(Protocol):
    """An answer whose body is not here yet."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers."""
        ...

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        ...


class HttpAnswer:
    """An answer of the HTTP library, with the names that the library of OpenAI gives to the same."""

    def __init__(self, response: httpx2.Response) -> None:
        self.headers = response.headers
        self.iter_bytes = response.aiter_bytes


def transport_error() -> type[Exception]:
    """What the HTTP library under the client raises where a connection breaks."""
    import openai

    library = openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
    broken: type[Exception] = importlib.import_module(library).HTTPError
    return broken


async def event_lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The lines of an event stream. Other ends of lines that Unicode knows are part of the text, so they stay."""
    held: list[bytes] = []
    first = True
    async for piece in pieces:
        # A carriage return may be half of the end of a line.
        *lines, rest = re.split(rb"\r\n|\n|\r(?!\Z)", held.pop() + piece if held and held[-1:] == [b"\r"] else piece)
        for line in lines:
            whole = b"".join((*held, line))
            held.clear()
            yield whole.decode("utf-8-sig" if first else "utf-8", "replace")
            first = False
        text = rest.removesuffix(b"\r")
        held += [part for part in (text, rest[len(text) :]) if part]
    yield b"".join(held).decode("utf-8-sig" if first else "utf-8", "replace").removesuffix("\r")


async def events(pieces: AsyncIterator[bytes], heard: Callable[[], None]) -> AsyncIterator[str]:
    """The data of each event of a stream; `heard` is called at each line, also of a comment."""
    data: list[str] = []
    name = ""
    async for line in event_lines(pieces):
        heard()
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            if data:
                yield event_data(name, data)
            name, data = "", []
    if data:
        yield event_data(name, data)


def event_data(name: str, lines: Sequence[str]) -> str:
    """The data of an event. Some servers name an event an error, and say nothing of it in its data."""
    data = "\n".join(lines)
    if name != "error":
        return data
    told = decoded(data.encode())
    named = isinstance(told, Mapping) and (told.get("error") or told.get("type") == "error")
    return data if named else json.dumps({"error": told or "an error without words"})


def decoded(content: bytes) -> object:
    """A body as what its JSON is, or as text."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def form_field(value: Any) -> bytes:
    """A value as a field of a form: text as it is, all else as JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()
