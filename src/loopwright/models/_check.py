"""A probe of a few calls that tells what an endpoint does with a model."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

from loopwright.errors import ModelError, ModelRejected, UserError
from loopwright.models._bounds import Values
from loopwright.models._endpoints import builtin_endpoint, openai_endpoint
from loopwright.models._open import open_model, split_name
from loopwright.models._options import ModelOptions
from loopwright.models._prices import Prices
from loopwright.models._resilient import Resilient, RetryPolicy
from loopwright.models.chat._capabilities import (
    LOGPROBS,
    Capabilities,
    Exchange,
    Finding,
    ServedModel,
    agreements,
    save_capabilities,
    saved_capabilities,
)
from loopwright.models.chat._types import Model, Reply, Request
from loopwright.replies import extract_json
from loopwright.types import Message, Sampling, Tool, Usage

CHECK_TOKENS = 300
"""Tokens of each reply, at most: room for a little reasoning."""

_CUT_AT = 16
"""Tokens at which one reply is to be cut; the Responses API takes no fewer."""
_IMAGE_TOKENS = 1000
"""More than a model reads for a small picture."""
_SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "legs": {"type": "integer"}},
    "required": ["colour", "legs"],
    "additionalProperties": False,
}
_WEATHER = Tool(
    name="weather",
    description="Tells the weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len", "max_input_tokens", "n_ctx")
"""Fields of a server's list of models that hold the tokens of prompt and reply together."""

_Answer = Literal["yes", "no", "unknown"]


@runtime_checkable
class Served(Model, Protocol):
    """A model behind a server, which can be asked for what no reply holds."""

    @property
    def served(self) -> ServedModel:
        """The server and what it calls the model."""
        ...

    async def exchange(self, request: Request, **fields: Any) -> Exchange:
        """Sends a request with more fields, and returns what the server sends as it is."""
        ...

    async def description(self) -> Mapping[str, Any]:
        """What the server's list of models says of the model."""
        ...


async def _red_square(reference: str) -> bytes:
    """A small picture, as the bytes of a PNG: what a check shows to a model."""
    side = 64
    rows = (b"\0" + b"\xe0\x10\x10" * side) * side
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def saved_check(name: str, options: ModelOptions) -> Capabilities | None:
    """What an earlier check of a model found, without its key and without any call; None where there was none.

    Raises:
        UserError: The name has no provider, or the endpoint's variable holds no base URL.
    """
    provider, model = split_name(name)
    endpoint = options.endpoints.get(provider) or openai_endpoint(provider) or builtin_endpoint(provider)
    return saved_capabilities(ServedModel(endpoint.base_url, endpoint.api, model)) if endpoint else None


@dataclass(frozen=True, slots=True)
class CheckCost:
    """What a check takes, at most."""

    calls: int
    usage: Usage
    usd: Decimal | None
    """None without a price for the model."""


@dataclass(slots=True)
class ModelCheck:
    """The calls of one check.

    Args:
        model: The model, opened with a way to read the picture.
        tokens: Of each reply, at most.
    """

    model: Served
    tokens: int = CHECK_TOKENS
    _client: Resilient = field(init=False)
    _calls: int = field(default=0, init=False)
    _usage: Usage = field(default=Usage(), init=False)
    _reported: bool = field(default=True, init=False)
    """Whether the server said what each call used."""

    @classmethod
    def open(cls, name: str, options: ModelOptions, *, tokens: int = CHECK_TOKENS) -> ModelCheck:
        """Opens a model to check it.

        Raises:
            UserError: The model is behind no server, or cannot be opened.
        """
        model = open_model(name, options=replace(options, artifact=_red_square))
        if not isinstance(model, Served):
            raise UserError(
                f"{name} is behind no server: there is nothing to check",
                remedy="Name a model of an endpoint, such as openai/MODEL or ollama/MODEL.",
            )
        return cls(model, tokens)

    def __post_init__(self) -> None:
        self._client = Resilient(self.model, RetryPolicy(max_attempts=3, max_elapsed=60))

    def cost(self, prices: Prices | None) -> CheckCost:
        """What the check takes at most: refused calls and calls that are made again come for nothing."""
        asked = [*self._all(), self._plain()]  # the stream is asked for a second time where it was refused
        prompt = sum(len(message.content.encode()) + 16 for request in asked for message in request.messages)
        prompt += len(json.dumps(_SCHEMA)) + len(_WEATHER.model_dump_json()) + _IMAGE_TOKENS
        usage = Usage(input=prompt, output=sum(request.sampling.max_tokens or 0 for request in asked))
        return CheckCost(len(asked), usage, prices.at_most(self.model.name, usage) if prices else None)

    @property
    def saved(self) -> Capabilities | None:
        """What an earlier check found."""
        return saved_capabilities(self.model.served)

    async def run(self, prices: Prices | None) -> Capabilities:
        """Makes the calls, and keeps what they tell for later runs.

        Args:
            prices: The user's.

        Raises:
            ModelError: The first call failed: nothing can be told of the endpoint.
            OSError: What was found cannot be saved.
        """
        served = self.model
        agreements.begin(served.served)
        measured = datetime.now(UTC).replace(microsecond=0)
        first = await self._ask(self._plain())
        findings = [_reached(first), _taken("temperature", first), _reasoning(first)]
        for name, look in (
            ("seed", self._seed),
            ("stop", self._stop),
            ("JSON schema", self._schema),
            ("tools", self._tools),
            ("images", self._image),
            ("token limit", self._limit),
        ):
            findings.append(await self._tried(name, look))
        findings += await self._stream(served)
        findings.append(await self._tried("context", lambda: _context(served)))
        found = Capabilities(
            name=self.model.name,
            served=served.served,
            measured=measured,
            findings=tuple(findings),
            agreement=agreements.of(served.served),
            calls=self._calls,
            usage=self._usage,
            cost_usd=prices.cost(self.model.name, self._usage) if prices and self._reported else None,
        )
        save_capabilities(found)
        return found

    def _all(self) -> Sequence[Request]:
        """Every request that is made where nothing is refused."""
        draws = [self._draw(7), self._draw(7), self._draw(8)]
        looks = (self._stopped(), self._shaped(), self._offered(), self._shown(), self._cut())
        return (self._plain(), *draws, *looks, self._plain())

    def _request(self, text: str, *, images: tuple[str, ...] = (), **sampling: Any) -> Request:
        return Request(
            model=self.model.name,
            messages=(Message(role="user", content=text, images=images),),
            sampling=Sampling(**{"max_tokens": self.tokens, **sampling}),
        )

    def _plain(self) -> Request:
        return self._request("What is 17 + 25? Reply with the number alone.", temperature=0)

    def _draw(self, seed: int) -> Request:
        text = "Make up a name for a boat, a town and a river. Reply with the three names alone."
        return self._request(text, temperature=1, seed=seed)

    def _stopped(self) -> Request:
        return self._request("Write the numbers from one to six as words, in one line.", stop=("four",))

    def _shaped(self) -> Request:
        request = self._request("Describe a crow: its colour, and how many legs it has.", temperature=0)
        return request.model_copy(update={"json_schema": _SCHEMA})

    def _offered(self) -> Request:
        request = self._request("What is the weather in Oslo? Call the tool.", temperature=0)
        return request.model_copy(update={"tools": (_WEATHER,)})

    def _shown(self) -> Request:
        return self._request("Which colour is this square? Reply with one word.", images=("red",), temperature=0)

    def _cut(self) -> Request:
        return self._request("Write the numbers from one to two hundred as words.", max_tokens=_CUT_AT)

    async def _ask(self, request: Request) -> Reply:
        self._calls += 1
        reply = await self._client.complete(request)
        self._usage += reply.usage
        self._reported &= reply.usage_reported
        return reply

    async def _tried(self, name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
        """What a probe finds; a refusal is an answer too."""
        try:
            return await look()
        except ModelRejected as error:
            return _found(name, "no", str(error.args[0]))
        except ModelError as error:
            return _found(name, "unknown", str(error.args[0]))

    async def _seed(self) -> Finding:
        first = await self._ask(self._draw(7))
        if "seed" in first.left_out:
            return _taken("seed", first)
        again, other = await self._ask(self._draw(7)), await self._ask(self._draw(8))
        if not (first.text and again.text):
            return _cut_short("seed")
        if first.text != again.text:
            return _found("seed", "no", "two draws with the same seed differ")
        if first.text == other.text:
            return _found("seed", "unknown", "draws are equal with other seeds too")
        return _found("seed", "yes", "draws are equal with the same seed, and only then")

    async def _stop(self) -> Finding:
        reply = await self._ask(self._stopped())
        if "stop" in reply.left_out:
            return _taken("stop", reply)
        text = reply.text.lower()
        if "five" in text:
            return _found("stop", "no", "it is taken, but the reply goes on")
        return _found("stop", "yes") if "three" in text else _cut_short("stop")

    async def _schema(self) -> Finding:
        reply = await self._ask(self._shaped())
        name = "JSON schema"
        try:
            value = Values().read(extract_json(reply.text, _SCHEMA))
            fits = isinstance(value, dict) and isinstance(value["colour"], str) and isinstance(value["legs"], int)
        except (ValueError, KeyError):
            fits = False
        if "response_format" in reply.left_out:
            how = "fits" if fits else "does not fit"
            return _found(name, "no", f"refused: it goes into the prompt, and the reply {how}")
        if reply.finish == "length":
            return _cut_short(name)
        return _found(name, "yes") if fits else _found(name, "no", "it is not followed")

    async def _tools(self) -> Finding:
        reply = await self._ask(self._offered())
        if not reply.tool_calls:
            return _found("tools", "no", "they are taken, but none is called")
        try:
            fits = "oslo" in str(reply.tool_calls[0].parsed.get("city", "")).lower()
        except ValueError as error:
            return _found("tools", "no", str(error))
        return _found("tools", "yes" if fits else "no", "" if fits else "the call's arguments do not fit")

    async def _image(self) -> Finding:
        reply = await self._ask(self._shown())
        if not reply.text:
            return _cut_short("images")
        seen = "red" in reply.text.lower()
        return _found("images", "yes" if seen else "no", f"a red square was called {_quoted(reply)}")

    async def _limit(self) -> Finding:
        reply = await self._ask(self._cut())
        told = f"{reply.usage.output} tokens" if reply.usage_reported else "an unknown number of tokens"
        used = f"{told} where {_CUT_AT} were allowed"
        if reply.finish == "length":
            return _found("token limit", "yes", used)
        return _found("token limit", "no", f"the reply is not told as cut; {used}")

    async def _stream(self, model: Served) -> list[Finding]:
        """One call whose events are read as they come, once more without what is refused."""
        refused = False
        try:
            try:
                told = await self._exchange(model, logprobs=True)
            except ModelRejected:
                refused = True
                told = await self._exchange(model)
        except (ModelError, ValueError) as error:
            return [_found("streaming", "unknown", str(error))]
        has: _Answer = "yes" if _holds(told.events, "logprobs") else "no"
        return [
            _found(LOGPROBS, has, "refused" if refused else ""),
            _found("streaming", "yes" if len(told.events) > 1 else "no"),
            _usage(told),
        ]

    async def _exchange(self, model: Served, **fields: Any) -> Exchange:
        self._calls += 1
        told = await model.exchange(self._plain(), **fields)
        self._usage += told.usage or Usage()
        self._reported &= told.usage is not None
        return told


def _found(name: str, answer: _Answer, detail: str = "") -> Finding:
    return Finding(name=name, answer=answer, detail=detail)


def _reached(reply: Reply) -> Finding:
    return _found("reachable", "yes", f"{reply.model} in {reply.seconds:.1f} s")


def _taken(name: str, reply: Reply) -> Finding:
    refused = name in reply.left_out
    return _found(name, "no" if refused else "yes", "refused" if refused else "")


def _reasoning(reply: Reply) -> Finding:
    return _found("reasoning shown", "yes" if reply.reasoning else "no")


def _cut_short(name: str) -> Finding:
    return _found(name, "unknown", "the reply does not tell: try with more --max-tokens")


def _quoted(reply: Reply) -> str:
    return repr(" ".join(reply.text.split())[:40])


def _usage(told: Exchange) -> Finding:
    """Which classes of tokens the server tells."""
    if told.usage is None:
        return _found("usage", "no", "calls count at what is reserved for them")
    text = json.dumps(told.answer.get("usageMetadata") or told.answer.get("usage")).lower()
    classes = [
        name
        for name, sign in (("cache", "cache"), ("reasoning", "reasoning"), ("reasoning", "thoughts"))
        if sign in text
    ]
    return _found("usage", "yes", ", ".join(["input", "output", *classes]))


def _holds(value: Any, name: str) -> bool:
    """Whether a field of that name, with something in it, stands anywhere in a decoded answer."""
    if isinstance(value, Mapping):
        return bool(value.get(name)) or any(_holds(part, name) for part in value.values())
    return isinstance(value, list) and any(_holds(part, name) for part in value)


async def _context(model: Served) -> Finding:
    """The tokens of prompt and reply together, where the server's list of models says so."""
    described = await model.description()
    meta = described.get("meta")
    places = [described, meta if isinstance(meta, Mapping) else {}]
    known = next((place[name] for place in places for name in _CONTEXT if isinstance(place.get(name), int)), None)
    if known is None:
        return _found("context", "unknown", "the server's list of models does not say")
    return _found("context", "yes", f"{known} tokens")
