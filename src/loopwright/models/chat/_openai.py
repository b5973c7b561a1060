"""`openai/...`: any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from typing import Any

from loopwright.errors import ModelRejected, ModelUnavailable
from loopwright.models._faults import Fault, read_fault, to_error
from loopwright.models._openai_server import OpenAIServer
from loopwright.models._options import ModelOptions
from loopwright.models.chat._format import chat_messages, read_completion, sampling_fields, schema_format
from loopwright.models.chat._structured import extract_json
from loopwright.models.chat._types import Reply, Request
from loopwright.secrets import scrub

_SCHEMA_PROMPT = """

Reply with one JSON value that fits this JSON schema, and nothing else:
{schema}"""

_without_schemas: set[tuple[str, str]] = set()
"""Base URL and model of those that were seen to refuse `response_format`."""

_max_tokens_refused: set[tuple[str, str]] = set()
"""Base URL and model of those that take `max_completion_tokens` instead of `max_tokens`."""


class OpenAI:
    """A model behind a server that speaks OpenAI's chat completions.

    Attributes:
        name: `openai/model`.
        repeatable: Whether a lost call may be made, and paid, again.
        endpoint: The server, for the circuit breaker.
        slots: None: the server does not tell how many requests it takes at once.
    """

    slots = None

    def __init__(self, model: str, server: OpenAIServer, options: ModelOptions) -> None:
        """Makes a model; nothing is sent yet."""
        self.name = f"openai/{model}"
        self.repeatable = options.repeatable
        self.endpoint = server.endpoint
        self._model = model
        self._server = server
        self._options = options

    @classmethod
    def open(cls, model: str, options: ModelOptions) -> OpenAI:
        """Makes a model from options and environment.

        Raises:
            MissingSecret: There is no key, or it cannot be one.
            UserError: The base URL is none.
        """
        return cls(model, OpenAIServer.open(f"openai/{model}", options), options)

    async def complete(self, request: Request) -> Reply:
        """Answers one request with one HTTP call, or with one more where the server lacks a feature.

        Raises:
            ModelError: The server failed or refused; the class tells whether to retry.
            UserError: A message shows images that cannot be read.
        """
        while True:
            body = await self._body(request)
            try:
                return await self._call(body, structured=request.json_schema is not None)
            except ModelRejected as error:
                if not self._adapt(body, str(error)):
                    raise

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()

    async def _body(self, request: Request) -> dict[str, Any]:
        body = {
            "model": self._model,
            "messages": await chat_messages(request, self._options.artifact),
            **sampling_fields(request),
        }
        if "max_tokens" in body and self._key in _max_tokens_refused:
            body["max_completion_tokens"] = body.pop("max_tokens")
        if request.json_schema is None:
            return body
        if self._key not in _without_schemas:
            return {**body, "response_format": schema_format(request.json_schema)}
        hint = _SCHEMA_PROMPT.format(schema=json.dumps(request.json_schema, ensure_ascii=False))
        body["messages"] = _with_hint(body["messages"], hint)
        return body

    def _adapt(self, body: dict[str, Any], refusal: str) -> bool:
        """Whether the refusal is about a feature that can be done without; it is remembered."""
        words = refusal.lower().replace("_", " ")
        about_schema = ("response format", "json schema", "structured output", "grammar", "guided")
        if "response_format" in body and any(sign in words for sign in about_schema):
            _without_schemas.add(self._key)
            return True
        if "max_tokens" in body and "max completion tokens" in words:
            _max_tokens_refused.add(self._key)
            return True
        return False

    @property
    def _key(self) -> tuple[str, str]:
        return self._server.base_url, self._model

    async def _call(self, body: dict[str, Any], *, structured: bool) -> Reply:
        started = time.monotonic()
        content = await self._server.ask(lambda client: client.chat.completions.with_raw_response.create(**body))
        seconds = time.monotonic() - started
        try:
            answer = json.loads(content)
            if isinstance(answer, dict) and answer.get("error") and not answer.get("choices"):
                raise to_error(self._fault_inside(answer), model=self.name, base_url=self._server.base_url)
            completion = read_completion(answer)
        except (ValueError, RecursionError) as error:
            start = scrub(" ".join(content[:200].decode("utf-8", "replace").split()))[:80]
            raise ModelUnavailable(
                f"{self.name} at {self.endpoint}: the answer is not a chat completion ({error}): {start!r}",
                remedy=f"Check that {self.endpoint} is the base URL of an OpenAI-compatible API.",
            ) from None
        return Reply(
            text=extract_json(completion.text) if structured else completion.text,
            model=completion.model or self._model,
            finish=completion.finish,
            usage=completion.usage,
            seconds=seconds,
        )

    def _fault_inside(self, answer: dict[str, Any]) -> Fault:
        """Reads an error that came under status 200, as routers send it; its code is the status."""
        code = answer["error"].get("code") if isinstance(answer["error"], dict) else None
        return read_fault(code if isinstance(code, int) and code >= 400 else 500, answer, {})


def _with_hint(messages: list[dict[str, Any]], hint: str) -> list[dict[str, Any]]:
    """The messages with a hint at the end of the last one that is plain text."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message["content"], str) and message["role"] != "assistant":
            return [*messages[:index], {**message, "content": message["content"] + hint}, *messages[index + 1 :]]
    return [*messages, {"role": "user", "content": hint.strip()}]
