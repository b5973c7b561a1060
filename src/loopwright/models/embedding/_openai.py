"""Embedding models of endpoints: any server that speaks OpenAI's API.

An embedding model is a model whose reply is a vector as JSON text. So its calls are retried, recorded, charged and
capped as all others are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from loopwright.errors import ModelError, ModelRejected
from loopwright.models._bounds import Values
from loopwright.models._faults import holds_reply, may_be_reply
from loopwright.models._open import split_name
from loopwright.models._options import ModelOptions
from loopwright.models._resilient import RetryPolicy
from loopwright.models._server import ModelServer
from loopwright.models._servers import openai_server
from loopwright.models.chat._format import count_tokens
from loopwright.models.chat._types import Reply, Request
from loopwright.types import Message, Sampling, Usage

EMBEDDING_SECONDS = 30.0
"""Seconds after which one call for an embedding is given up."""
EMBEDDING_POLICY = RetryPolicy(max_attempts=3, base_delay=0.5, max_elapsed=60.0)
"""Who waits for an embedding can do without it: a server that fails is not asked for long."""
TEXTS_AFTER_FAILURE = 50
"""Texts that are not sent after a failure: nobody must wait for a dead server at each."""
_LARGEST = 1e100
"""Far more than any vector holds, and small enough for sums of squares."""
_TEXT = 8000
"""Characters of a text that are sent."""


def embedding_request(model: str, text: str) -> Request:
    """What asks an embedding model for the vector of a text; long texts are cut to 8,000 characters."""
    # An embedding has no output tokens: one is the least that a budget can reserve.
    return Request(model=model, messages=(Message(role="user", content=text[:_TEXT]),), sampling=Sampling(max_tokens=1))


def vector_of(reply: Reply) -> tuple[float, ...]:
    """The vector in a reply of an embedding model, of any length."""
    return tuple(float(value) for value in json.loads(reply.text))


class OpenAIEmbedding:
    """An embedding model behind a server that speaks OpenAI's API.

    Attributes:
        name: `provider/model`.
        repeatable: Whether a lost call may be made, and paid, again.
        endpoint: The server, for the circuit breaker.
        slots: None: the server does not tell how many requests it takes at once.
    """

    slots = None

    def __init__(self, name: str, server: ModelServer, options: ModelOptions) -> None:
        """Makes a model; nothing is sent yet."""
        self.name = name
        self.repeatable = options.repeatable
        self.endpoint = server.endpoint
        self._model = split_name(name)[1]
        self._server = server

    @classmethod
    def open(cls, name: str, options: ModelOptions) -> OpenAIEmbedding:
        """Makes a model from options and environment.

        Args:
            name: `provider/model`; `openai/model` is at OPENAI_BASE_URL.
            options: Settings; their time-out goes before that of the endpoint.

        Raises:
            MissingSecret: There is no key, or it cannot be one.
            UserError: There is no such endpoint, it speaks another API, or the base URL is none.
        """
        server = openai_server(name, options, path="/embeddings", kind="embedding", timeout=options.timeout)
        return cls(name, server, options)

    async def complete(self, request: Request) -> Reply:
        """Embeds the last message of a request.

        Raises:
            ModelError: The server failed or refused, or its answer holds no finite vector.
        """
        body = self._body(request.messages[-1].content)
        started = time.monotonic()
        content = await self._server.ask(lambda client: client.embeddings.with_raw_response.create(**body))
        answer = _answer(content)
        try:
            vector = self._vector(answer)
        except ModelError as error:
            error.begun = holds_reply(answer) if answer else may_be_reply(content)
            raise
        tokens = _tokens(answer)
        return Reply(
            text=json.dumps(vector),
            model=self._model,
            usage=Usage(input=tokens or 0),
            usage_reported=tokens is not None,
            seconds=time.monotonic() - started,
        )

    def embed(self, text: str, *, attempts: int) -> Sequence[float]:
        """Embeds a text outside of any event loop, in `attempts` calls at most; long texts are cut.

        Raises:
            ModelError: The server failed or refused, or its answer holds no finite vector.
        """
        body = self._body(text[:_TEXT])
        content = self._server.ask_blocking(
            lambda client: client.embeddings.with_raw_response.create(**body), attempts=attempts
        )
        return self._vector(_answer(content))

    def _body(self, text: str) -> dict[str, Any]:
        return {"model": self._model, "input": text, "encoding_format": "float"}

    def _vector(self, answer: dict[str, Any]) -> Sequence[float]:
        vector = _vector(answer)
        if not vector:
            raise ModelRejected(
                f"embedding {self.name}: the answer holds no vector",
                remedy="Check the model's name: it must be an embedding model.",
            )
        return vector

    async def close(self) -> None:
        """Closes the connections."""
        await self._server.close()


def _answer(content: bytes) -> dict[str, Any]:
    try:
        answer = Values().read(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _vector(answer: dict[str, Any]) -> Sequence[float]:
    """The vector of an answer; none where that holds what is no number or larger than numbers of vectors are."""
    try:
        vector = [float(value) for value in answer["data"][0]["embedding"]]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return []
    return vector if all(abs(value) <= _LARGEST for value in vector) else []


def _tokens(answer: dict[str, Any]) -> int | None:
    """Tokens of the text, which cannot have been none; None where the server does not say."""
    usage = answer.get("usage")
    return count_tokens(usage.get("prompt_tokens")) or None if isinstance(usage, dict) else None
