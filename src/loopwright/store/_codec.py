"""Lines of `events.jsonl`: one JSON object each, closed by a checksum.

A line is `{"v":2,"seq":0,"time":...,"data":{...},"crc":"1a2b3c4d"}`. The checksum is the CRC-32 of the run's id
followed by the line's bytes up to `,"crc"`, so a changed bit and a line of another run are both found.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python
from pydantic_core import to_json as fast_json

from loopwright.files import refuse_many_values
from loopwright.secrets import scrub
from loopwright.text import encodable

_CRC = b',"crc":"'
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_TAIL = len(_CRC) + 8 + len(b'"}')


class BadLine(ValueError):
    """A line that is not what was written."""


class UnreadLine(BadLine):
    """A whole line, by its checksum, that holds more than is read."""


def plain(value: object) -> Any:
    """Returns `value` as JSON types with every string scrubbed and fit for UTF-8, as programs that read it expect.

    Decimals, dates and models become what pydantic makes of them; infinite and undefined numbers become strings,
    which pydantic reads back as numbers.
    """
    return _with_texts(_json_types(value), lambda text: scrub(text if text.isascii() else encodable(text)))


def unmasked(value: object) -> Any:
    """The same with the secrets in it: for what is executed, and never for what is written down."""
    return _with_texts(_json_types(value), encodable)


def _json_types(value: object) -> Any:
    try:
        return to_jsonable_python(value)
    except (UnicodeEncodeError, PydanticSerializationError):  # keys that UTF-8 cannot hold
        return to_jsonable_python(_with_encodable_keys(value))


def holds_halves(encoded: bytes) -> bool:
    """Whether JSON may hold half a character, which `plain` makes readable; only old or made-up records do."""
    return _HALF.search(encoded) is not None


def _with_encodable_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {encodable(str(key)): _with_encodable_keys(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_encodable_keys(item) for item in value]
    return value


def _with_texts(value: Any, made: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return made(value)
    if isinstance(value, dict):
        return {made(key): _with_texts(item, made) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [_with_texts(item, made) for item in value]
    return value


def to_json(value: Mapping[str, Any]) -> bytes:
    """Returns compact JSON in UTF-8; strings that UTF-8 cannot hold are escaped."""
    try:
        return fast_json(value)
    except PydanticSerializationError:  # strings that UTF-8 cannot hold, or a value that is very deep
        return json.dumps(value, separators=(",", ":")).encode()


def encode(body: Mapping[str, Any], run: str) -> bytes:
    """Returns the line for `body`, with its checksum and its newline."""
    head = to_json(body)[:-1]
    return b'%s%s%08x"}\n' % (head, _CRC, _checksum(head, run))


def _checksum(head: bytes, run: str) -> int:
    # A run that somebody made up may have an id that is not UTF-8.
    return zlib.crc32(head, zlib.crc32(run.encode("utf-8", "surrogatepass")))


def decode(line: bytes, run: str) -> dict[str, Any]:
    """Returns the body of a line (without its newline).

    Raises:
        BadLine: It is not such a line, or its checksum does not match.
        UnreadLine: It is whole, and no JSON or more than is read.
    """
    head, tail = line[:-_TAIL], line[-_TAIL:]
    if not (head.startswith(b"{") and tail.startswith(_CRC) and tail.endswith(b'"}')):
        raise BadLine("it does not end in a checksum")
    if b"%08x" % _checksum(head, run) != tail[len(_CRC) : -2]:
        raise BadLine("its checksum does not match")
    try:
        refuse_many_values(head)
        body = json.loads(head + b"}")
    except (ValueError, RecursionError) as error:
        raise UnreadLine(f"it is not JSON that is read: {error}") from None
    if not isinstance(body.get("v"), int) or not isinstance(body.get("seq"), int):
        raise BadLine("it has no version and sequence number")
    return dict(body)
