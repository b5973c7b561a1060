"""Messages in the shape of chat completions, and which of them belong to an attempt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from loopwright.loop import BUILTIN_STRATEGIES, traits_of
from loopwright.record import CallRecord, EpisodeRecord
from loopwright.replies import read_edits
from loopwright.repo import patch_of
from loopwright.types import FunctionCall, Message, Role


class CalledFunction(BaseModel):
    """Name and arguments of a call, as chat completions write them."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: str


class ChatToolCall(BaseModel):
    """A call of a tool, as chat completions write it."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(BaseModel):
    """One message, as chat completions and most training tools read it."""

    model_config = ConfigDict(frozen=True)

    role: Role
    content: str
    tool_calls: tuple[ChatToolCall, ...] | None = None
    tool_call_id: str | None = None
    """Of a tool's message: the call whose result it is."""

    @classmethod
    def of(cls, message: Message) -> ChatMessage:
        """A message of a request or a reply. Pictures are not in it."""
        calls = tuple(_tool_call(call) for call in message.tool_calls)
        return cls(
            role=message.role,
            content=message.content,
            tool_calls=calls or None,
            tool_call_id=message.call_id or None,
        )


def _tool_call(call: FunctionCall) -> ChatToolCall:
    return ChatToolCall(id=call.id, function=CalledFunction(name=call.name, arguments=call.arguments))


def chat_messages(messages: Iterable[Message]) -> tuple[ChatMessage, ...]:
    """Messages as chat completions write them."""
    return tuple(ChatMessage.of(message) for message in messages)


def proposing_call(episode: EpisodeRecord, iteration: int) -> CallRecord | None:
    """The call whose reply holds the candidate of an iteration; None where no chat model wrote it.

    A reply that was cut or could not be read was asked for again: the last answer counts.
    """
    calls = episode.calls.of(iteration) if episode.calls else ()
    return next((call for call in reversed(calls) if call.role == "proposer" and call.reply is not None), None)


def first_prompt(episode: EpisodeRecord) -> tuple[Message, ...]:
    """What the proposer was asked at first, before anything was tried; empty where no chat model was asked."""
    asked = next((call for call in episode.calls or () if call.node == "propose"), None)
    return asked.request.messages if asked else ()


def edits_earlier(episode: EpisodeRecord, iteration: int) -> bool:
    """Whether a reply says only what changes in an earlier attempt: alone it is no answer to the first prompt.

    A reply that was made afresh answers that prompt, also by edits of the files that the prompt shows.
    """
    attempt, call = episode[iteration], proposing_call(episode, iteration)
    if attempt.parent is None or episode[attempt.parent].candidate is None:
        return False
    candidate = attempt.candidate
    changes = candidate is not None and (patch_of(candidate) is not None or candidate.made.get("operation") == "edit")
    return changes or bool(call and call.reply and read_edits(call.reply.message.content))


def acts(episode: EpisodeRecord) -> bool:
    """Whether its agent acted in turns: then a candidate is one action of several, and no answer by itself.

    Of a strategy of somebody's own nothing is imported; it is known by turns that nobody judged.
    """
    name = episode.started.strategy if episode.started else ""
    if name in BUILTIN_STRATEGIES:
        return traits_of(BUILTIN_STRATEGIES[name]).acts
    return any(one.observed is not None and one.judged is None for one in episode.iterations.values())


def conversation(episode: EpisodeRecord) -> tuple[ChatMessage, ...]:
    """An agent's turns as messages: the prompt of the first, then each reply and what the environment answered.

    Agents that are asked in text are told of earlier turns within one message; here each turn has its own.
    """
    told = list(chat_messages(first_prompt(episode)))
    answer: list[ChatMessage] = []
    for number, one in sorted(episode.iterations.items()):
        call = proposing_call(episode, number)
        if call is None or call.reply is None:
            continue
        told += [*answer, ChatMessage.of(call.reply.message)]
        text = one.observed.observation.text if one.observed else one.attempt.problem
        calls = call.reply.tool_calls
        answer = [ChatMessage(role="tool", content=text, tool_call_id=made.id) for made in calls]
        answer = answer or [ChatMessage(role="user", content=text)]
    return tuple(told)


def shows_pictures(messages: Iterable[Message]) -> bool:
    """Whether a message comes with a picture, which text alone cannot tell."""
    return any(message.images for message in messages)
