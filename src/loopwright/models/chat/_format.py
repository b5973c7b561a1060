"""The chat completions format: requests into it, replies out of it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from loopwright.errors import UserError
from loopwright.models._pictures import picture_type
from loopwright.models.chat._stream import StreamedCompletion
from loopwright.models.chat._tools import carried_fields, read_calls, tool_fields, tool_parts, whole_text
from loopwright.models.chat._types import Request, TokenLogprobs
from loopwright.types import FunctionCall, Message, Parameter, Sampling, Usage

if TYPE_CHECKING:
    from loopwright.models._server import ModelServer
    from loopwright.models._wire import RawStream

Artifact = Callable[[str], Awaitable[bytes]]
"""From the reference of an image to its bytes."""

Finish = Literal["stop", "length", "refusal", "other"]

_FINISH: Mapping[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",  # Mistral: the context was full
    "content_filter": "refusal",
}

_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
"""Asks for the reply in pieces, so that silence is told from slowness, and for usage in the last piece."""

_UNLIKELY = -7.0
"""Log-probability below which an alternative is not kept: about one in a thousand."""
_MOST_TOKENS = 10**9
"""More than any context holds: a larger count is a defect of the server."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat completion says."""

    text: str
    reasoning: str
    finish: Finish
    usage: Usage | None
    """None where the server does not say, or says what cannot be."""
    model: str
    """As the server names it; empty where it does not."""
    tool_calls: tuple[FunctionCall, ...] = ()
    carried: tuple[Mapping[str, Any], ...] = ()
    logprobs: tuple[TokenLogprobs, ...] = ()


class ChatCompletions:
    """OpenAI's chat completions, which nearly every server speaks."""

    kind = "a chat completion"
    """What an answer is called in messages."""
    names: Mapping[str, str] = {name: name for name in (*get_args(Parameter), "response_format", "tool_choice")}
    """A parameter's name in a request of Loopwright to its name in the API; others are left out."""

    async def body(self, request: Request, artifact: Artifact | None) -> dict[str, Any]:
        """The fields that say what is asked.

        Raises:
            UserError: A message shows images and there is nothing to read them with.
        """
        messages = await chat_messages(request, artifact)
        fields: dict[str, Any] = {"messages": messages, **tool_fields(request), **_STREAM}
        if request.top_logprobs:
            fields |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        return (
            fields if request.json_schema is None else {**fields, "response_format": schema_format(request.json_schema)}
        )

    def sampling(self, sampling: Sampling) -> dict[str, Any]:
        """The sampling parameters that are set, under their names in the API."""
        return sampling_fields(sampling)

    async def call(self, server: ModelServer, body: dict[str, Any]) -> AbstractAsyncContextManager[RawStream]:
        """What sends a request when it is entered."""
        client = await server.client()
        known = {"model": body["model"], "messages": body["messages"]}
        rest = {name: value for name, value in body.items() if name not in known}
        return server.called(client.chat.completions.with_streaming_response.create(**known, extra_body=rest))

    def stream(self) -> StreamedCompletion:
        """What puts the pieces of a reply together."""
        return StreamedCompletion()

    def read(self, answer: object) -> Completion:
        """Reads a decoded chat completion.

        Raises:
            ValueError: It is no chat completion.
        """
        return read_completion(answer)


def schema_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `response_format` that asks for JSON by a schema."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema)}}


def sampling_fields(sampling: Sampling) -> dict[str, Any]:
    """The sampling parameters that are set, under their names in the format."""
    fields = sampling.model_dump(exclude_none=True)
    stop = fields.pop("stop")
    fields.pop("required", None)
    return {**fields, "stop": list(stop)} if stop else fields


async def chat_messages(request: Request, artifact: Artifact | None) -> list[dict[str, Any]]:
    """The messages of a request, images as data URLs.

    Raises:
        UserError: A message shows images and there is nothing to read them with.
    """
    return [
        {"role": message.role, "content": await _content(message, artifact), **tool_parts(message)}
        for message in request.messages
    ]


async def _content(message: Message, artifact: Artifact | None) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    if artifact is None:
        raise UserError(
            "a message shows images and this model was opened without a way to read them",
            remedy="Pass ModelOptions(artifact=...), a function from an image reference to its bytes.",
        )
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}]
    for reference in message.images:
        data = await artifact(reference)
        url = f"data:{picture_type(data)};base64,{base64.b64encode(data).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def read_completion(body: object) -> Completion:
    """Reads a decoded chat completion, as strictly as needed and no more.

    Raises:
        ValueError: It is not a chat completion.
    """
    choices = _mapping(body).get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError("it holds no choices")
    message = _mapping(choices[0]).get("message")
    if not isinstance(message, Mapping):
        raise ValueError("its first choice holds no message")
    text, finish = (
        text_of(message.get("content"), "text"),
        finish_of(_FINISH, _mapping(choices[0]).get("finish_reason")),
    )
    if not text and (refusal := text_of(message.get("refusal"), "text")):
        text, finish = refusal, "refusal"
    model, reasoning = _mapping(body).get("model"), _reasoning(message)
    calls = read_calls(message.get("tool_calls"))
    return Completion(
        text=text,
        reasoning=reasoning,
        finish="stop" if calls and finish == "other" else finish,
        usage=read_usage(_mapping(body).get("usage"), answered=bool(text or reasoning or calls)),
        model=model if isinstance(model, str) else "",
        tool_calls=calls,
        carried=carried_fields(message) if calls else (),
        logprobs=read_logprobs(_mapping(choices[0]).get("logprobs")),
    )


def finish_of(known: Mapping[str, Finish], said: object) -> Finish:
    """Why a reply ended, by the word that an API has for it, where that is a word."""
    return known.get(said, "other") if isinstance(said, str) else "other"


def read_logprobs(logprobs: object) -> tuple[TokenLogprobs, ...]:
    """The tokens of a reply with their likely alternatives; none where the server sends what cannot be read."""
    tokens = _mapping(logprobs).get("content")
    found = []
    for one in map(_mapping, tokens if isinstance(tokens, list) else []):
        told = one.get("top_logprobs")
        tops = [one, *map(_mapping, told if isinstance(told, list) else [])]
        likely = {whole_text(top["token"]): min(top["logprob"], 0.0) for top in tops if _is_likely(top)}
        if not isinstance(token := one.get("token"), str):
            return ()
        found.append(TokenLogprobs(token=whole_text(token), top=likely))
    return tuple(found)


def _is_likely(top: Mapping[Any, Any]) -> bool:
    logprob = top.get("logprob")
    known = isinstance(logprob, int | float) and not isinstance(logprob, bool) and logprob >= _UNLIKELY
    return known and isinstance(top.get("token"), str)


def read_usage(usage: object, *, answered: bool) -> Usage | None:
    """Splits a usage object into the four disjoint classes; details that it does not tell are 0.

    `prompt_tokens` includes the cached ones, so they are taken off. Some servers leave reasoning out of
    `completion_tokens` but not out of `total_tokens`; the larger of the two readings is the output.

    Args:
        usage: What the server sent.
        answered: Whether the reply holds something, which cannot have taken no tokens.

    Returns:
        None where a count is missing, negative, no whole number or beyond any context; or 0 for a reply that is there.
    """
    counts = _mapping(usage)
    details = _mapping(counts.get("prompt_tokens_details"))
    prompt, completion = count_tokens(counts.get("prompt_tokens")), count_tokens(counts.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    # In the details, or beside them at DeepSeek and Moonshot.
    told = (details.get("cached_tokens"), counts.get("prompt_cache_hit_tokens"), counts.get("cached_tokens"))
    read = min(prompt, next((tokens for tokens in map(count_tokens, told) if tokens), 0))
    written = (
        count_tokens(details.get("cache_write_tokens")) or count_tokens(counts.get("cache_creation_input_tokens")) or 0
    )
    written = min(prompt - read, written)
    output = max(completion, (count_tokens(counts.get("total_tokens")) or 0) - prompt)
    if answered and not (output and prompt):
        return None
    return Usage(input=prompt - read - written, cache_read=read, cache_write=written, output=output)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def count_tokens(value: object) -> int | None:
    """A number of tokens; None where it cannot be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def _reasoning(message: Mapping[Any, Any]) -> str:
    """What the model thought, where the server sends it: in a field of the message, or in parts of its content."""
    fields = (message.get(name) for name in ("reasoning_content", "reasoning"))
    told = next((field for field in fields if isinstance(field, str) and field), "")
    return (
        whole_text(told)
        or text_of(message.get("content"), "thinking")
        or text_of(message.get("reasoning_details"), "reasoning.text")
    )


def text_of(content: object, kind: str) -> str:
    """The text of a message's content, or that of its parts of one kind."""
    if isinstance(content, str):
        return whole_text(content) if kind == "text" else ""
    parts = [_mapping(part) for part in content] if isinstance(content, list) else []
    values = [part.get("text") or part.get(kind) for part in parts if part.get("type") == kind]
    # Mistral nests the text of its thoughts once more.
    texts = [text_of(value, "text") if isinstance(value, list) else value for value in values]
    return whole_text("".join(text for text in texts if isinstance(text, str)))
