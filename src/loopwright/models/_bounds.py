"""What is read of a server's answer at most, before any library reads it: bytes, values of its JSON, and seconds."""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

UNPACKED = {"accept-encoding": "identity"}
"""Asks for an answer as it is: a few kilobytes could unpack to gigabytes. Some servers pack all they send."""

_PACKED = ("gzip", "x-gzip", "deflate")
_EITHER = zlib.MAX_WBITS | 32
"""Of zlib: the form that gzip has, or its own."""
_LARGEST = 256 * 1024 * 1024
"""Bytes of an answer: ten large pictures and more."""
_LARGEST_ERROR = 64 * 1024
"""Bytes of an answer with an error status; the rest is not read."""
_MOST_VALUES = 8_000_000
"""Values in the JSON of an answer, counted by the signs between them; an empty list of three bytes counts twice."""
_SMALL = 1024 * 1024
"""Bytes of JSON whose values are not counted."""


async def bound(response: httpx2.Response) -> None:
    """Bounds what is read of an answer, before anything of it is."""
    import httpx2

    source = response.stream
    if not isinstance(source, httpx2.AsyncByteStream):  # the client's own are
        raise httpx2.StreamError("it cannot be read")
    body, measure = source, _Measure(response)

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for part in body:
                yield measure.kept(part)
                if measure.full:
                    return
            measure.end()

        async def aclose(self) -> None:
            await body.aclose()

    response.stream = Bounded()


def bound_blocking(response: httpx2.Response, seconds: float) -> None:
    """As `bound`, for clients that block: these have no other end than `seconds` for an answer that comes slowly."""
    import httpx2

    source = response.stream
    if not isinstance(source, httpx2.SyncByteStream):  # the client's own are
        raise httpx2.StreamError("it cannot be read")
    body, measure, until = source, _Measure(response), time.monotonic() + seconds

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for part in body:
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout(f"the answer took more than {seconds:g} s")
                yield measure.kept(part)
                if measure.full:
                    return
            measure.end()

        def close(self) -> None:
            body.close()

    response.stream = Bounded()


class _Measure:
    """Counts the bytes of one answer.

    Attributes:
        full: Whether no more is read.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._failed = not response.is_success
        encoding = response.headers.pop("content-encoding", "").strip().lower()
        self._unknown = "" if encoding in ("", "identity", *_PACKED) else encoding
        self._unpacker = _Unpacker() if encoding in _PACKED else None
        self._read = self._received = 0
        self.full = False

    def kept(self, part: bytes) -> bytes:
        """What is handed on of a part.

        Raises:
            DecodingError: Of the HTTP library: the answer is larger than any is, or cannot be unpacked.
        """
        import httpx2

        if self._unknown:
            if self._failed:  # its status tells enough
                self.full = True
                return b""
            raise httpx2.DecodingError(f"the answer is compressed by {self._unknown[:40]!r}, which was not asked for")
        self._received += len(part)
        if self._unpacker:
            try:
                part = self._unpacker.read(part, (_LARGEST_ERROR if self._failed else _LARGEST) - self._read + 1)
            except zlib.error as error:
                raise httpx2.DecodingError(f"the compressed answer is damaged: {error}") from None
        self._read += len(part)
        if self._failed:
            self.full = max(self._read, self._received) >= _LARGEST_ERROR
            return part[: len(part) - max(0, self._read - _LARGEST_ERROR)]
        if max(self._read, self._received) > _LARGEST:
            raise httpx2.DecodingError(f"the answer has more than {_LARGEST:,} bytes")
        return part

    def end(self) -> None:
        """Looks whether the answer is whole, once all of it was read.

        Raises:
            RemoteProtocolError: Of the HTTP library: a compressed answer was cut.
        """
        import httpx2

        if self._unpacker and not self._failed and not self._unpacker.whole:
            raise httpx2.RemoteProtocolError("the compressed answer was cut")


class _Unpacker:
    """Unpacks gzip in any number of pieces, and deflate with or without its head, as servers send both.

    Attributes:
        whole: Whether nothing is missing.
    """

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_EITHER)
        self._first = True
        self.whole = True

    def read(self, data: bytes, most: int) -> bytes:
        """What comes of further bytes; so many bytes at most.

        Raises:
            zlib.error: They are no such data.
        """
        found = b""
        while data and len(found) < most:
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(_EITHER)
            found += self._unpacked(data, most - len(found))
            self._first = False
            data = self._zlib.unused_data
            self.whole = self._zlib.eof
        return found

    def _unpacked(self, data: bytes, most: int) -> bytes:
        try:
            return self._zlib.decompress(data, most)
        except zlib.error:
            if not self._first:
                raise
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._zlib.decompress(data, most)


class Values:
    """The values in the JSON of one answer, in one piece or in many."""

    def __init__(self) -> None:
        self._found = 0

    def read(self, content: str | bytes) -> Any:
        """A text as what its JSON is, of which nothing need be kept; numbers that are not finite are null.

        Raises:
            ValueError: It is no JSON, is nested too deep, or has more values than any answer has.
        """
        if len(content) > _SMALL and _values(content) > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES:,} values")
        try:
            return json.loads(content, parse_constant=lambda name: None, parse_float=_finite)
        except RecursionError:
            raise ValueError("it is nested too deep") from None

    def keep(self, content: str | bytes) -> None:
        """Counts the values of a text whose JSON is kept.

        Raises:
            ValueError: All of these have more values than any answer has.
        """
        self._found += _values(content)
        if self._found > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES:,} values")


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _values(content: str | bytes) -> int:
    """As many values as there can be in a text, by the signs between them; those within texts count, too."""
    if isinstance(content, bytes):
        return content.count(b",") + content.count(b"[") + content.count(b"{")
    return content.count(",") + content.count("[") + content.count("{")
