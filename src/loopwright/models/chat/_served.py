"""`openai/...` and endpoints: any server that speaks OpenAI's chat completions or one of the other APIs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

from loopwright.errors import ModelError, ModelRejected, ModelUnavailable, ToolsRefused
from loopwright.models._bounds import Values
from loopwright.models._faults import fault_inside, holds_reply, may_be_reply, unreadable
from loopwright.models._options import ModelOptions
from loopwright.models._server import ModelServer
from loopwright.models.chat._agreed import AgreedCalls
from loopwright.models.chat._agreement import Agreement
from loopwright.models.chat._anthropic import AnthropicMessages
from loopwright.models.chat._capabilities import Exchange, ServedModel, agreements
from loopwright.models.chat._format import Artifact, ChatCompletions, Completion, sampling_fields
from loopwright.models.chat._gemini import Gemini
from loopwright.models.chat._responses import Responses
from loopwright.models.chat._types import Reply, Request
from loopwright.types import Endpoint, Sampling, Usage

if TYPE_CHECKING:
    from loopwright.models._wire import RawStream

_NO_TOOLS = "Ask for the same in text; `tools: never` for the endpoint spares the call that is refused."


class _Streamed(Protocol):
    """The pieces of a reply that have arrived so far."""

    @property
    def ended(self) -> bool: ...

    @property
    def text(self) -> str: ...

    def add(self, data: str) -> bool: ...

    def whole(self) -> dict[str, Any]: ...


class _Api(Protocol):
    """One way to ask a server and to read its answer."""

    kind: str

    @property
    def names(self) -> Mapping[str, str]: ...

    async def body(self, request: Request, artifact: Artifact | None) -> dict[str, Any]: ...

    def sampling(self, sampling: Sampling) -> dict[str, Any]: ...

    async def call(self, server: ModelServer, body: dict[str, Any]) -> AbstractAsyncContextManager[RawStream]: ...

    def stream(self) -> _Streamed: ...

    def read(self, answer: object) -> Completion: ...


_APIS: Mapping[str, _Api] = {
    "chat": ChatCompletions(),
    "responses": Responses(),
    "anthropic": AnthropicMessages(),
    "gemini": Gemini(),
}


class ServedChat:
    """A model behind a server that speaks OpenAI's chat completions or one of the other APIs.

    Attributes:
        name: `provider/model`.
        repeatable: Whether a lost call may be made, and paid, again.
        endpoint: The server, for the circuit breaker.
        slots: Requests that the server takes at once, as the user set it; None to find out.
        served: The server and what it calls the model.
    """

    def __init__(self, endpoint: str, model: str, server: ModelServer, options: ModelOptions) -> None:
        """Makes a model; nothing is sent yet."""
        self.name = f"{endpoint}/{model}"
        self.slots = server.settings.concurrency
        self.repeatable = options.repeatable
        self.endpoint = server.endpoint
        self._model = model
        self._server = server
        self._options = options
        self._api = _APIS[server.settings.api]
        self.served = ServedModel(server.endpoint, server.settings.api, model)
        self._calls = AgreedCalls(self.served)

    @classmethod
    def open(cls, model: str, options: ModelOptions, *, api: Literal["chat", "responses"] = "chat") -> ServedChat:
        """Makes a model from options and environment.

        Raises:
            MissingSecret: There is no key, or it cannot be one.
            UserError: The base URL is none.
        """
        name = "openai" if api == "chat" else "openai-responses"
        return cls(name, model, ModelServer.open(f"{name}/{model}", options, api=api), options)

    @classmethod
    def at(cls, endpoint: str, settings: Endpoint, model: str, options: ModelOptions) -> ServedChat:
        """Makes a model of a named endpoint.

        Raises:
            MissingSecret: A variable that the endpoint needs is not set.
        """
        return cls(endpoint, model, ModelServer.at(f"{endpoint}/{model}", endpoint, settings), options)

    @property
    def fingerprint(self) -> str:
        """Of the endpoint's settings."""
        return self._server.settings.fingerprint

    @property
    def reply_limit(self) -> int | None:
        """Tokens of a reply, as the endpoint's settings say for requests that do not."""
        settings = self._server.settings
        fields = (settings.body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"))
        found = (settings.sampling.max_tokens, *fields)
        return next((limit for limit in found if isinstance(limit, int)), None)

    @property
    def calls_tools(self) -> bool:
        """Whether tools may be offered: the user does not forbid it, and nothing that is known speaks against it."""
        return self._server.settings.tools == "auto" and agreements.calls_tools(self.served)

    @property
    def gives_logprobs(self) -> bool:
        """Whether replies have log-probabilities where they are wanted, as `models check` measured."""
        return self.served.api == "chat" and agreements.gives_logprobs(self.served)

    async def complete(self, request: Request) -> Reply:
        """Answers one request with one HTTP call, or with one more where the server lacks a feature.

        Raises:
            ToolsRefused: The request offers tools, and the server refuses them or the user forbids them.
            ModelError: The server failed or refused; the class tells whether to retry.
            UserError: A message shows images that cannot be read.
        """
        request = request.for_model()
        body = await self._body(request)

        async def call(agreement: Agreement, told: str) -> Reply:
            if request.tools and ("tools" in agreement.left_out or not self.calls_tools):
                words = f"{self.name} at {self.endpoint} takes no tools"
                raise ToolsRefused(f"{words}; it said: {told}" if told else words, remedy=_NO_TOOLS)
            return await self._call(agreement, body, request)

        known = agreements if request.teaches else agreements.passing(self.served)
        return await self._calls.make(body, self._needed(request), call, known)

    def _needed(self, request: Request) -> frozenset[str]:
        """Fields that the user does not want to do without."""
        unknown = [name for name in request.sampling.required if name not in self._api.names]
        if unknown:
            raise ModelRejected(
                f"{self.name}: the API of this endpoint knows no {unknown[0]}, and the request requires it",
                remedy="Take it out of `sampling.required`, or set `api: chat` for the endpoint.",
            )
        return (
            frozenset(self._api.names[name] for name in request.sampling.required) | self._server.settings.body.keys()
        )

    async def exchange(self, request: Request, **fields: Any) -> Exchange:
        """Sends a request with more fields, and returns what the server sends as it is.

        Raises:
            ModelError: The server failed or refused.
            ValueError: What it sends cannot be read.
        """
        events: list[Any] = []
        streamed = self._api.stream()

        def take(data: str) -> bool:
            ended = streamed.add(data)
            if data.strip() != "[DONE]":
                events.append(Values().read(data))
            return ended

        shaped = agreements.of(self.served).shaped({**await self._body(request), **fields}, request.json_schema)
        whole = await self._server.stream(await self._api.call(self._server, shaped), take)
        if whole is not None:
            events.append(Values().read(whole))
        answer = streamed.whole() if whole is None else events[0]
        return Exchange(events, answer, self._api.read(answer).usage)

    async def description(self) -> Mapping[str, Any]:
        """What the server's list of models says of the model; empty where it says nothing.

        Raises:
            ModelError: The server failed or refused.
        """
        if self.served.api not in {"chat", "responses"}:  # Others list their models in another form.
            return {}
        content = await self._server.ask(lambda client: client.models.with_raw_response.list())
        with suppress(ValueError):
            listed = Values().read(content)
            models = listed.get("data") if isinstance(listed, Mapping) else listed
            for model in models if isinstance(models, list) else []:
                if isinstance(model, Mapping) and model.get("id") == self.served.model:
                    return model
        return {}

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def _body(self, request: Request) -> dict[str, Any]:
        settings = self._server.settings
        return {
            "model": self._model,
            **await self._api.body(request, self._options.artifact),
            **settings.body,
            **self._api.sampling(settings.sampling),
            **self._api.sampling(request.sampling),
        }

    def _left_out(self, agreement: Agreement, request: Request) -> tuple[str, ...]:
        """The parameters of a request that the server, or its API, does not take."""
        asked = {*sampling_fields(self._server.settings.sampling), *sampling_fields(request.sampling)}
        asked |= {"response_format"} if request.json_schema else set()
        asked |= {"tool_choice"} if request.tools and request.tool_choice != "auto" else set()
        names = self._api.names
        return tuple(sorted(name for name in asked if name not in names or names[name] in agreement.left_out))

    @property
    def _measured(self) -> str:
        measured = agreements.measured(self.served)
        return measured.as_of if measured else ""

    async def _call(self, agreement: Agreement, body: dict[str, Any], request: Request) -> Reply:
        started = time.monotonic()
        completion = await self._completion(agreement.shaped(body, request.json_schema))
        seconds = time.monotonic() - started
        return Reply(
            text=completion.text,
            reasoning=completion.reasoning,
            tool_calls=completion.tool_calls,
            carried=completion.carried,
            logprobs=completion.logprobs,
            model=completion.model or self._model,
            finish=completion.finish,
            usage=completion.usage or Usage(),
            usage_reported=completion.usage is not None,
            left_out=(left_out := self._left_out(agreement, request)),
            measured=self._measured if left_out else "",
            seconds=seconds,
        )

    async def _completion(self, shaped: dict[str, Any]) -> Completion:
        """Sends a request and reads the answer, whether it comes whole or in pieces."""
        streamed = self._api.stream()
        content: bytes | None = None
        answer: object = None
        try:
            content = await self._received(shaped, streamed)
            answer = streamed.whole() if content is None else Values().read(content)
            if fault := fault_inside(answer):
                raise self._server.error(fault)
            return self._api.read(answer)
        except (ValueError, RecursionError) as error:
            failure: ModelError = self._unreadable(error, content or streamed.text.encode())
            failure.begun = content is None or (answer is None and may_be_reply(content))
        except ModelError as error:
            failure = error
        failure.partial = streamed.text
        failure.begun |= bool(streamed.text) or self._has_begun(streamed.whole() if answer is None else answer)
        raise failure from None

    def _has_begun(self, answer: object) -> bool:
        """Whether an answer under status 200 holds something of a reply, or what it used."""
        try:
            arrived = self._api.read(answer)
        except ValueError:
            return holds_reply(answer)
        used = arrived.usage is not None and arrived.usage.total > 0
        return bool(arrived.text or arrived.reasoning or arrived.tool_calls or used)

    async def _received(self, shaped: dict[str, Any], streamed: _Streamed) -> bytes | None:
        """The body of an answer that comes whole; None for one that came in pieces."""
        try:
            content = await self._server.stream(await self._api.call(self._server, shaped), streamed.add)
            if content is not None:
                return content
        except ModelUnavailable:
            if not streamed.ended:
                raise
            # The reply is whole; only the end of the connection never came.
        if not streamed.ended:
            raise ModelUnavailable(f"{self.name} at {self.endpoint}: the reply broke off")
        return None

    def _unreadable(self, error: Exception, content: bytes) -> ModelUnavailable:
        return unreadable(f"{self.name} at {self.endpoint}", self._api.kind, error, content)
