"""`replay/...`: answers from a recording, and what makes one.

A recording is a file of JSON lines, one model call each, in the order in which the calls ended:

```
{"key": "<sha256>", "request": {...}, "reply": {...}}
```

`request` and `reply` are `Request` and `Reply` as JSON. `key` is `replay_key(request)`: the request's hash
without the model's name, so that a recording answers whichever model it was made with; where it is there, it
must fit the request. Calls without a key also answer, in their order, requests that the recording does not hold:
so replies can be written by hand, and go on fitting where the words of a prompt or of a traceback differ.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict, deque
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import MissingContent, UserError
from loopwright.files import open_descriptor, read_regular
from loopwright.models.chat._types import Model, Reply, Request, calls_tools, canonical, gives_logprobs, request_hash
from loopwright.secrets import scrub


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str | None = None
    request: Request
    reply: Reply


def replay_key(request: Request) -> str:
    """The hash under which a recording holds a request: that of the request without the model's name."""
    return request_hash(request.model_copy(update={"model": ""}))


class Replay:
    """Answers requests that a recording holds.

    Where the same request was recorded several times, the replies come in their order and the last one stays.

    Attributes:
        name: `replay/path`.
    """

    repeatable = True

    def __init__(self, path: Path, *, name: str = "", in_order: bool = False) -> None:
        """Reads a recording.

        Args:
            path: The recording.
            name: `provider/model` that it goes by; made from the path where left out.
            in_order: Whether a request that the recording does not hold gets its next unused reply, also one with
                a key. Use one model per episode then: the order is that of this object's calls.

        Raises:
            MissingContent: There is no such file.
            UserError: The file is not a recording.
        """
        self.name = name or f"replay/{path}"
        self._calls = _read(path)
        self._unused = deque(index for index, call in enumerate(self._calls) if in_order or call.key is None)
        self._by_key: dict[str, deque[int]] = defaultdict(deque)
        for index, call in enumerate(self._calls):
            self._by_key[replay_key(call.request)].append(index)

    @property
    def calls_tools(self) -> bool:
        """Whether the recorded model was offered tools."""
        return any(call.request.tools for call in self._calls)

    @property
    def gives_logprobs(self) -> bool:
        """Whether the recorded model was asked for log-probabilities."""
        return any(call.request.top_logprobs for call in self._calls)

    async def complete(self, request: Request) -> Reply:
        """Answers with the recorded reply.

        Raises:
            UserError: The recording does not hold the request; the message names the first difference.
        """
        request = _scrubbed(request)
        indices = self._by_key.get(replay_key(request))
        if indices:
            index = indices.popleft() if len(indices) > 1 else indices[0]
            if index in self._unused:
                self._unused.remove(index)
        elif self._unused:
            index = self._unused.popleft()
        else:
            raise UserError(
                f"{self.name} does not hold this request: {_difference(self._calls, request)}",
                remedy="Record again with the present prompts, or replay in order if the replies still fit.",
            )
        return self._calls[index].reply

    async def close(self) -> None:
        """Does nothing: the recording was read whole."""


class Recorder:
    """A model that writes down every call that succeeds, for `Replay`.

    Attributes:
        name: The recorded model's name.
        repeatable: As the recorded model's.
    """

    def __init__(self, model: Model, path: Path) -> None:
        """Records to a file, after what it already holds.

        Args:
            model: The model to record.
            path: The recording; made where it is not there.
        """
        self.name = model.name
        self.repeatable = model.repeatable
        self._model = model
        self._path = path

    @property
    def calls_tools(self) -> bool:
        """As the recorded model's."""
        return calls_tools(self._model)

    @property
    def gives_logprobs(self) -> bool:
        """As the recorded model's."""
        return gives_logprobs(self._model)

    async def complete(self, request: Request) -> Reply:
        """Answers as the model does, and writes the call down before it returns."""
        reply = await self._model.complete(request)
        request = _scrubbed(request)
        line = scrub(_Call(key=replay_key(request), request=request, reply=reply).model_dump_json())
        await asyncio.shield(asyncio.to_thread(_append, self._path, line + "\n"))
        return reply

    async def close(self) -> None:
        """Closes the model."""
        await self._model.close()


def _scrubbed(request: Request) -> Request:
    """A request without secrets, so that one that held some is still found."""
    return Request.model_validate_json(scrub(request.model_dump_json()))


def _append(path: Path, line: str) -> None:
    """Appends a line by one write, so that lines of parallel calls do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with os.fdopen(open_descriptor(path, flags, path.parent), "ab", buffering=0) as file:
        file.write(line.encode())


def _read(path: Path) -> list[_Call]:
    try:
        lines = read_regular(path).decode().split("\n")  # JSON may hold other ends of lines
    except FileNotFoundError:
        raise MissingContent(f"there is no recording {path}") from None
    except OSError as error:
        raise UserError(f"the recording {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a recording: it is not text") from None
    calls = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            call = _Call.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{path}:{number}: not a recorded call: {where} {first['msg']}".rstrip()) from None
        if call.key not in {None, replay_key(call.request)}:
            raise UserError(
                f"{path}:{number}: the key does not fit the request",
                remedy="If the request was changed on purpose, take the key out of the line.",
            )
        calls.append(call)
    return calls


def _difference(calls: list[_Call], request: Request) -> str:
    """Where the request first differs from the recorded one that it has most in common with."""
    if not calls:
        return "the recording is empty"
    asked = _parts(request)
    nearest = max((_parts(call.request) for call in calls), key=lambda parts: _in_common(parts, asked))
    at, _ = _in_common(nearest, asked)
    if len(nearest) != len(asked) and at >= min(len(nearest), len(asked)) - 1:
        return f"it has {len(asked) - 1} messages, the nearest recorded one {len(nearest) - 1}"
    place = f"message {at + 1}" if at < len(asked) - 1 else "sampling or schema"
    return f"{place} differs: {_excerpts(nearest[at], asked[at])}"


def _parts(request: Request) -> list[str]:
    """The messages, then all that decides the reply beside them."""
    messages = [
        json.dumps([message.role, message.content, *message.images, *(call.arguments for call in message.tool_calls)])
        for message in request.messages
    ]
    return [*messages, canonical(request.model_copy(update={"model": "", "messages": ()}))]


def _in_common(recorded: list[str], asked: list[str]) -> tuple[int, int]:
    """How many parts are equal from the start, and how many characters of the next one."""
    for index, (one, other) in enumerate(zip(recorded, asked, strict=False)):
        if one != other:
            return index, _common_prefix(one, other)
    return min(len(recorded), len(asked)), 0


def _common_prefix(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _excerpts(recorded: str, wanted: str) -> str:
    at = _common_prefix(recorded, wanted)
    start = max(0, at - 20)
    return f"recorded {recorded[start : at + 40]!r}, asked {wanted[start : at + 40]!r}"
